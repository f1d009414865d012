"""Searches by mctx itself, and tests/goldens/mctx.npz: what they found.

Only this script needs mctx (https://github.com/google-deepmind/mctx). Install it beside the project
and run the script after a change of CASES:

    pip install mctx
    python scripts/mctx_oracle.py
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any
from unittest import mock

import numpy as np

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
    """

    num_simulations: int
    max_depth: int | None
    actions: int = 4
    outcomes: int = 3
    roots: int = 512
    levels: int = 0

    @property
    def name(self) -> str:
        """What the case's arrays are stored under."""
        limit = "" if self.max_depth is None else f"_depth_{self.max_depth}"
        ties = f"_levels_{self.levels}" if self.levels else ""
        return f"{self.actions}x{self.outcomes}_simulations_{self.num_simulations}{limit}{ties}"


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
        """The case's model, the same wherever it is made."""

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
        """[N, A] policy of each node."""
        weights = np.exp(self.prior_logits.astype(np.float64))
        return weights / weights.sum(axis=1, keepdims=True)


def mctx_search(case: Case, model: Model) -> tuple[I32, F64]:
    """Root visits [B, A] and values [B] of `mctx.stochastic_muzero_policy`, in float64.

    Its noise against ties is switched off, so that the first of equals wins.
    """
    import jax
    import jax.numpy as jnp
    import mctx

    jax.config.update("jax_enable_x64", True)
    prior_logits, chance_logits = jnp.float64(model.prior_logits), jnp.float64(model.chance_logits)
    value, reward = jnp.float64(model.value), jnp.float64(model.reward)
    next_node = jnp.asarray(model.next_node)

    def decide(_params: Any, _key: Any, action: Any, node: Any) -> Any:
        chance = next_node[node, action]
        output = mctx.DecisionRecurrentFnOutput(
            chance_logits=chance_logits[chance], afterstate_value=value[chance]
        )
        return output, chance

    def happen(_params: Any, _key: Any, outcome: Any, chance: Any) -> Any:
        node = next_node[chance, case.actions + outcome]
        output = mctx.ChanceRecurrentFnOutput(
            action_logits=prior_logits[node],
            value=value[node],
            reward=reward[node],
            discount=jnp.full(node.shape, DISCOUNT, value.dtype),
        )
        return output, node

    root = jnp.arange(case.roots)
    with mock.patch.object(jax.random, "uniform", lambda _, shape=(), **__: jnp.zeros(shape)):
        output = mctx.stochastic_muzero_policy(
            params=(),
            rng_key=jax.random.PRNGKey(0),
            root=mctx.RootFnOutput(
                prior_logits=prior_logits[root], value=value[root], embedding=root
            ),
            decision_recurrent_fn=decide,
            chance_recurrent_fn=happen,
            num_simulations=case.num_simulations,
            max_depth=case.max_depth,
            dirichlet_fraction=0.0,
        )
    tree = output.search_tree
    visits = np.asarray(tree.children_visits[:, 0, : case.actions], np.int32)
    return visits, np.asarray(tree.node_values[:, 0], np.float64)


def main() -> None:
    found: dict[str, Any] = {}
    for case in CASES:
        visits, value = mctx_search(case, Model.of(case))
        found[f"{case.name}.visits"] = visits.astype(np.uint8)
        found[f"{case.name}.value"] = value.astype(np.float32)
        print(case.name)
    np.savez_compressed(GOLDENS, **found)


if __name__ == "__main__":
    main()
