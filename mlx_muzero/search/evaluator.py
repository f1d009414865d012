"""What the search asks of a network, and in which arrays.

An evaluator owns a pool of latent states ``[capacity, D]``; the search names its rows by slot and
never sees a latent. Every array has one row per leaf, in the order of the roots; several leaves of
one root are different ones and none lies below another.
"""

from dataclasses import dataclass
from typing import Protocol, TypeVar, runtime_checkable

from mlx_muzero import _core
from mlx_muzero.types import F32, I32

LatentsT_contra = TypeVar("LatentsT_contra", contravariant=True)


@dataclass(frozen=True, slots=True)
class Leaves:
    """Actions to expand with all their outcomes (mode "all_outcomes").

    Attributes:
        tree: [n] int32, root the leaf belongs to, not decreasing.
        parent: [n] int32, slot of the decision node's latent.
        action: [n] int32.
        slot: [n, C] int32, where the latents of the C successors go.
    """

    tree: I32
    parent: I32
    action: I32
    slot: I32


@dataclass(frozen=True, slots=True)
class Expansion:
    """Evaluation of `Leaves`, float32.

    Attributes:
        outcome_probs: [n, C] probabilities of the outcomes; scaled to sum to one.
        reward: [n, C] on the way to each successor.
        value: [n, C] of each successor.
        prior: [n, C, A] policy of each successor; scaled to sum to one over legal actions.
    """

    outcome_probs: F32
    reward: F32
    value: F32
    prior: F32


@dataclass(frozen=True, slots=True)
class SingleLeaves:
    """Nodes to expand one by one (mode "single_outcome"): two groups, either may be empty.

    Attributes:
        chance_tree: [n] int32, root of each chance node to evaluate, not decreasing.
        chance_parent: [n] int32, slot of the decision node above.
        chance_action: [n] int32.
        tree: [m] int32, root of each decision node to evaluate, not decreasing.
        parent: [m] int32, slot of the decision node one environment step above.
        action: [m] int32.
        outcome: [m] int32.
        slot: [m] int32, where the latent of the new decision node goes.
    """

    chance_tree: I32
    chance_parent: I32
    chance_action: I32
    tree: I32
    parent: I32
    action: I32
    outcome: I32
    slot: I32


@dataclass(frozen=True, slots=True)
class SingleExpansion:
    """Evaluation of `SingleLeaves`, float32.

    Attributes:
        outcome_probs: [n, C] of each chance node.
        afterstate_value: [n] of each chance node.
        reward: [m] on the way to each decision node.
        value: [m] of each decision node.
        prior: [m, A] of each decision node.
    """

    outcome_probs: F32
    afterstate_value: F32
    reward: F32
    value: F32
    prior: F32


class Evaluator(Protocol[LatentsT_contra]):
    """A network seen from the search."""

    def reset(self, root_latents: LatentsT_contra, root_slots: I32, capacity: int) -> None:
        """Starts a search: empties the pool and puts the latent of root b in ``root_slots[b]``.

        Args:
            root_latents: [B, D] latents in the evaluator's own array type.
            root_slots: [B] int32.
            capacity: slots the search may name, ``0 .. capacity - 1``.
        """
        ...

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluates actions with all their outcomes; stores the successors' latents."""
        ...

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluates single chance and decision nodes; stores the decision nodes' latents."""
        ...


@runtime_checkable
class InCore(Protocol):
    """An evaluator that C++ calls itself: the whole search is then one call without the GIL."""

    @property
    def core(self) -> _core.Evaluator:
        """Its C++ part."""
        ...
