"""mctx's `stochastic_muzero_policy`, jitted, on JAX's CPU backend."""

import sys
from typing import Any

import jax
import jax.numpy as jnp
import mctx
import numpy as np

from peers.fx_network import Network
from peers.process import Task, serve


class JaxOperations:
    """See `fx_network.Operations`."""

    def linear(self, x: Any, weight: Any, bias: Any) -> Any:
        """See `Operations.linear`."""
        return x @ weight.T + bias

    def layer_norm(self, x: Any, weight: Any, bias: Any) -> Any:
        """Over the last axis."""
        centred = x - x.mean(-1, keepdims=True)
        variance = (centred * centred).mean(-1, keepdims=True)
        return centred * jax.lax.rsqrt(variance + 1e-5) * weight + bias

    def relu(self, x: Any) -> Any:
        """The positive part."""
        return jax.nn.relu(x)

    def softmax(self, x: Any) -> Any:
        """Over the last axis."""
        return jax.nn.softmax(x)

    def one_hot(self, index: Any, size: int) -> Any:
        """[n] -> [n, size]."""
        return jax.nn.one_hot(index, size)

    def join(self, arrays: list[Any]) -> Any:
        """Along the last axis."""
        return jnp.concatenate(arrays, axis=-1)


OPERATIONS = JaxOperations()


def search(task: Task, weights: Any, roots: Any) -> Any:
    """Visits of the root actions [B, A]."""

    def decide(weights: Any, _key: Any, action: Any, latent: Any) -> Any:
        network = Network(weights, OPERATIONS)
        output = mctx.DecisionRecurrentFnOutput(
            chance_logits=network.outcome_logits(latent, action),
            afterstate_value=network.value(network.afterstate(latent, action)),
        )
        return output, (latent, action)

    def happen(weights: Any, _key: Any, outcome: Any, above: Any) -> Any:
        network = Network(weights, OPERATIONS)
        latent, action = above
        successor, reward = network.dynamics(latent, action, outcome)
        output = mctx.ChanceRecurrentFnOutput(
            action_logits=network.policy_logits(successor),
            value=network.value(successor),
            reward=reward[:, 0],
            discount=jnp.full_like(reward[:, 0], task.discount),
        )
        return output, successor

    latent, prior, value = roots
    output = mctx.stochastic_muzero_policy(
        weights,
        jax.random.PRNGKey(0),
        mctx.RootFnOutput(prior_logits=jnp.log(prior), value=value, embedding=latent),
        decide,
        happen,
        num_simulations=task.simulations,
        dirichlet_fraction=0.0,
    )
    return output.search_tree.children_visits[:, 0, : prior.shape[1]]


def main() -> None:
    task = Task.load(sys.argv[1])
    weights = {name: jnp.asarray(array) for name, array in task.weights.items()}
    roots = tuple(map(jnp.asarray, (task.latent, task.prior, task.value)))
    jitted = jax.jit(lambda weights, roots: search(task, weights, roots))
    serve(
        lambda: np.asarray(jitted(weights, roots)),
        np.asarray(Network(weights, OPERATIONS).value(roots[0])),
        {"mctx": mctx.__version__, "jax": jax.__version__},
    )


if __name__ == "__main__":
    main()
