"""Interface between a search over a learned market and whatever computes the market's networks."""

from dataclasses import dataclass
from typing import Protocol

from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.types import F32, F64, I32, I64


@dataclass(frozen=True, eq=False)
class MarketStates:
    """What the networks say of n market states; see `FactoredModel` for the meanings.

    Attributes:
        latent: ``f32[n, D]``.
        outcome_probs: ``f32[n, C]`` probabilities of the outcomes that follow.
        move: ``f32[n, C]`` pips from one fill to the next, if that outcome follows.
        worth: ``f32[n, P]`` pips from holding each position from now on.
        cluster: ``i32[n]`` of the market chain.
    """

    latent: F32
    outcome_probs: F32
    move: F32
    worth: F32
    cluster: I32

    def of_rows(self, row: I64) -> "MarketStates":
        """Some of the states, ``i64[m]``."""
        return MarketStates(
            self.latent[row],
            self.outcome_probs[row],
            self.move[row],
            self.worth[row],
            self.cluster[row],
        )


@dataclass(frozen=True, eq=False)
class KnownAhead:
    """What the worth of B roots depends on beside the market; None where on nothing else.

    Attributes:
        now: ``f32[B, I]`` at the roots.
        later: ``f32[B, I]`` in the deepest states.
    """

    now: F32 | None = None
    later: F32 | None = None


UNTOLD = KnownAhead()
"""Enough for a model whose worth depends on the market alone."""


@dataclass(frozen=True, eq=False)
class MarketAhead:
    """All market states to a depth below B roots, as an expectimax reads them.

    Attributes:
        layers: inner states by depth.
        leaf_worth: ``f64[n, P]`` worth of positions in the deepest states.
        leaf_cluster: ``i32[n]`` clusters of the market chain there.
        root_worth: ``f64[B, P]`` worth of positions at the roots.
    """

    layers: list[MarketLayer]
    leaf_worth: F64
    leaf_cluster: I32
    root_worth: F64

    @property
    def states(self) -> int:
        """Number of states evaluated below the roots."""
        below = [len(layer.move) for layer in self.layers[1:]]
        return sum(below, len(self.leaf_worth)) if self.layers else 0


class MarketEvaluator(Protocol):
    """Computes the networks of a model of the market; its weights may change.

    Rows do not influence each other. They agree across batch sizes and implementations to the
    rounding of the numbers they compute with.
    """

    def roots(self, observation: F32, known: F32 | None = None) -> MarketStates:
        """The states that observations ``f32[B, W, F]`` show.

        Their worth depends on `known` ``f32[B, I]``, too, where it does on more than the market;
        None: what is usual, by which clusters are always told apart.
        """
        ...

    def successors(self, latent: F32, known: F32 | None = None) -> MarketStates:
        """The ``n * C`` states one bar after latents ``f32[n, D]``; those of a latent adjacent.

        `known` ``f32[n, I]`` is that of the states after each latent.
        """
        ...

    def ahead(self, observation: F32, depth: int, known: KnownAhead = UNTOLD) -> MarketAhead:
        """All states to `depth` below observations ``f32[B, W, F]``, in one call.

        The same as `roots` and so many calls of `successors`, without what no expectimax reads.
        """
        ...

    def refresh(self) -> None:
        """Use the model's current weights from now on.

        Raises:
            ExportError: an export of other weights computes them.
        """
        ...

    def close(self) -> None:
        """Stop the child process, if any; the evaluator cannot be used afterwards."""
        ...
