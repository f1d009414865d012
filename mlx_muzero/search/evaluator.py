"""The interface between the search and the networks, and the arrays it passes.

An evaluator owns a pool of latents ``f32[capacity, D]``; the search refers to them by slot and
never handles a latent. Every array has one row per leaf, in the order of the roots; leaves of the
same root are distinct, and none lies below another.
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
        tree: ``i32[n]`` root the leaf belongs to, in ascending order.
        parent: ``i32[n]`` slot of the decision node's latent.
        action: ``i32[n]`` action to expand.
        slot: ``i32[n, C]`` slots in which to store the latents of the C successors.
    """

    tree: I32
    parent: I32
    action: I32
    slot: I32


@dataclass(frozen=True, slots=True)
class Expansion:
    """Evaluation of `Leaves`, float32.

    Attributes:
        outcome_probs: ``f32[n, C]`` probabilities of the outcomes; normalized by the search.
        reward: ``f32[n, C]`` reward on the edge to each successor.
        value: ``f32[n, C]`` value of each successor.
        prior: ``f32[n, C, A]`` policy of each successor; normalized over legal actions.
    """

    outcome_probs: F32
    reward: F32
    value: F32
    prior: F32


@dataclass(frozen=True, slots=True)
class SingleLeaves:
    """Nodes to expand one at a time (mode "single_outcome"), in two groups, either may be empty.

    Attributes:
        chance_tree: ``i32[n]`` root of each chance node to evaluate, in ascending order.
        chance_parent: ``i32[n]`` slot of the decision node above.
        chance_action: ``i32[n]`` action that leads to the chance node.
        tree: ``i32[m]`` root of each decision node to evaluate, in ascending order.
        parent: ``i32[m]`` slot of the decision node one environment step above.
        action: ``i32[m]`` action taken from there.
        outcome: ``i32[m]`` chance outcome of that action.
        slot: ``i32[m]`` slot in which to store the latent of the new decision node.
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
        outcome_probs: ``f32[n, C]`` outcome probabilities of each chance node.
        afterstate_value: ``f32[n]`` value of each chance node.
        reward: ``f32[m]`` reward on the edge to each decision node.
        value: ``f32[m]`` value of each decision node.
        prior: ``f32[m, A]`` policy of each decision node.
    """

    outcome_probs: F32
    afterstate_value: F32
    reward: F32
    value: F32
    prior: F32


class Evaluator(Protocol[LatentsT_contra]):
    """Evaluates the leaves of a search with a network."""

    def reset(self, root_latents: LatentsT_contra, root_slots: I32, capacity: int) -> None:
        """Start a search: clear the pool and store the latent of root b in ``root_slots[b]``.

        Args:
            root_latents: ``f32[B, D]`` latents, in the evaluator's own array type.
            root_slots: ``i32[B]`` a slot for each root.
            capacity: number of slots; the search may use ``0 .. capacity - 1``.
        """
        ...

    def expand(self, leaves: Leaves) -> Expansion:
        """Evaluate actions with all their outcomes, and store the successors' latents."""
        ...

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Evaluate single chance and decision nodes, and store the decision nodes' latents."""
        ...


@runtime_checkable
class InCore(Protocol):
    """An evaluator implemented in C++: the whole search runs in one call without the GIL."""

    @property
    def core(self) -> _core.Evaluator:
        """The C++ evaluator."""
        ...
