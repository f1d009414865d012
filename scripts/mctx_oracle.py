"""Runs searches with mctx itself, and writes their results to tests/goldens/mctx.npz.

Only this script needs mctx (https://github.com/google-deepmind/mctx). Install it along with the
project, and run the script after a change of CASES:

    pip install mctx
    python scripts/mctx_oracle.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np
import numpy.typing as npt

from mlx_muzero.rng import Stream, key, uniform
from mlx_muzero.types import F32, F64, I32

GOLDENS = Path(__file__).resolve().parent.parent / "tests" / "goldens" / "mctx.npz"
NODES = 4096
DISCOUNT = 0.997


@dataclass(frozen=True)
class Case:
    """A search from nodes ``0 .. roots - 1`` of a random table-driven model.

    Attributes:
        num_simulations: of each root.
        max_depth: edges of both kinds; None for no limit.
        actions: A.
        outcomes: C.
        roots: B.
        levels: 0 for logits drawn from an interval; otherwise so many different ones, for ties.
        max_num_considered_actions: of `mctx.gumbel_muzero_policy`, which has no chance nodes: C is
            1. None for `mctx.stochastic_muzero_policy`.
    """

    num_simulations: int
    max_depth: int | None
    actions: int = 4
    outcomes: int = 3
    roots: int = 512
    levels: int = 0
    max_num_considered_actions: int | None = None

    @property
    def name(self) -> str:
        """The name under which the case's arrays are stored."""
        limit = "" if self.max_depth is None else f"_depth_{self.max_depth}"
        ties = f"_levels_{self.levels}" if self.levels else ""
        considered = self.max_num_considered_actions
        gumbel = "" if considered is None else f"_gumbel_{considered}"
        sizes = f"{self.actions}x{self.outcomes}_simulations_{self.num_simulations}"
        return f"{sizes}{limit}{ties}{gumbel}"


CASES = [
    Case(50, None),
    Case(200, None),
    Case(50, 6),
    Case(200, 6),
    Case(50, 3),
    Case(50, 1),
    Case(200, 5, actions=7),
    Case(50, None, actions=2, outcomes=5),
    Case(50, None, levels=1),
    Case(50, 4, levels=2),
    Case(25, 3, outcomes=1, roots=128, max_num_considered_actions=16),
    Case(16, None, actions=7, outcomes=1, roots=128, max_num_considered_actions=4),
    Case(200, None, actions=7, outcomes=1, roots=128, max_num_considered_actions=7),
    Case(10, None, outcomes=1, roots=128, max_num_considered_actions=1),
]


@dataclass(frozen=True)
class Model:
    """Tables by node id; decision and chance nodes share the ids (see `TableEvaluator`)."""

    prior_logits: F32
    chance_logits: F32
    value: F32
    reward: F32
    next_node: I32

    @classmethod
    def of(cls, case: Case) -> "Model":
        """The case's model, the same on every machine."""

        def numbers(kind: int, *shape: int) -> F64:
            return uniform(key(kind, Stream.SEARCH, np.arange(np.prod(shape)))).reshape(shape)

        def logits(kind: int, width: int) -> F32:
            drawn = numbers(kind, NODES, width)
            spread = np.floor(drawn * case.levels) if case.levels else 3.0 * drawn
            return spread.astype(np.float32)

        return cls(
            prior_logits=logits(0, case.actions),
            chance_logits=logits(1, case.outcomes),
            value=(numbers(2, NODES) - 0.5).astype(np.float32),
            reward=(0.2 * (numbers(3, NODES) - 0.5)).astype(np.float32),
            next_node=(NODES * numbers(4, NODES, case.actions + case.outcomes)).astype(np.int32),
        )

    @property
    def prior(self) -> F64:
        """Policy of each node, f64[N, A]."""
        weights = np.exp(self.prior_logits.astype(np.float64))
        return weights / weights.sum(axis=1, keepdims=True)


class Oracle:
    """mctx over a model, in float64."""

    def __init__(self, case: Case, model: Model) -> None:
        import jax
        import jax.numpy as jnp

        jax.config.update("jax_enable_x64", True)
        self._jax, self._case = jax, case
        self._prior_logits = jnp.float64(model.prior_logits)
        self._chance_logits = jnp.float64(model.chance_logits)
        self._value, self._reward = jnp.float64(model.value), jnp.float64(model.reward)
        self._next_node = jnp.asarray(model.next_node)

    def search(self) -> dict[str, npt.NDArray[Any]]:
        """Search from the case's roots with mctx.

        Returns:
            visits [B, A] and value [B] of the roots; for a Gumbel root also policy [B, A], the
            improved one, and action [B], the winner.
        """
        gumbel = self._case.max_num_considered_actions is not None
        output = self._gumbel() if gumbel else self._stochastic()
        tree = output.search_tree
        found = {
            "visits": tree.children_visits[:, 0, : self._case.actions],
            "value": tree.node_values[:, 0],
        }
        if gumbel:
            found |= {"policy": output.action_weights, "action": output.action}
        return {name: np.asarray(array) for name, array in found.items()}

    def _stochastic(self) -> Any:
        import mctx

        jax = self._jax
        no_noise = mock.patch.object(jax.random, "uniform", lambda _, shape: jax.numpy.zeros(shape))
        with no_noise:  # against ties: the first of equals wins
            return mctx.stochastic_muzero_policy(
                decision_recurrent_fn=self._decide,
                chance_recurrent_fn=self._happen,
                dirichlet_fraction=0.0,
                **self._arguments(),
            )

    def _gumbel(self) -> Any:
        import mctx

        return mctx.gumbel_muzero_policy(
            recurrent_fn=self._step,
            max_num_considered_actions=self._case.max_num_considered_actions,
            gumbel_scale=0.0,
            **self._arguments(),
        )

    def _arguments(self) -> dict[str, Any]:
        import mctx

        root = self._jax.numpy.arange(self._case.roots)
        return {
            "params": (),
            "rng_key": self._jax.random.PRNGKey(0),
            "root": mctx.RootFnOutput(
                prior_logits=self._prior_logits[root], value=self._value[root], embedding=root
            ),
            "num_simulations": self._case.num_simulations,
            "max_depth": self._case.max_depth,
        }

    def _decide(self, _params: Any, _key: Any, action: Any, node: Any) -> Any:
        import mctx

        chance = self._next_node[node, action]
        output = mctx.DecisionRecurrentFnOutput(
            chance_logits=self._chance_logits[chance], afterstate_value=self._value[chance]
        )
        return output, chance

    def _happen(self, _params: Any, _key: Any, outcome: Any, chance: Any) -> Any:
        import mctx

        node = self._next_node[chance, self._case.actions + outcome]
        output = mctx.ChanceRecurrentFnOutput(
            action_logits=self._prior_logits[node], **self._arrival(node)
        )
        return output, node

    def _step(self, _params: Any, _key: Any, action: Any, node: Any) -> Any:
        """An action and its one outcome."""
        import mctx

        node = self._next_node[self._next_node[node, action], self._case.actions]
        output = mctx.RecurrentFnOutput(
            prior_logits=self._prior_logits[node], **self._arrival(node)
        )
        return output, node

    def _arrival(self, node: Any) -> dict[str, Any]:
        value = self._value[node]
        discount = self._jax.numpy.full_like(value, DISCOUNT)
        return {"value": value, "reward": self._reward[node], "discount": discount}


def main() -> None:
    found: dict[str, Any] = {}
    for case in CASES:
        for name, array in Oracle(case, Model.of(case)).search().items():
            whole = np.issubdtype(array.dtype, np.integer)
            found[f"{case.name}.{name}"] = array.astype(np.uint8 if whole else np.float32)
        print(case.name)
    np.savez_compressed(GOLDENS, **found)


if __name__ == "__main__":
    main()
