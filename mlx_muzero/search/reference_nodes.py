"""Nodes of a reference tree, as plain objects."""

from dataclasses import dataclass, field


@dataclass
class DecisionNode:
    """A state in which the agent acts."""

    slot: int
    position: int
    depth: int
    network_value: float
    prior: list[float]
    visits: int = 1
    value: float = field(init=False)
    chances: dict[int, "ChanceNode"] = field(default_factory=dict)
    waiting: set[int] = field(default_factory=set)  # actions to be expanded by waiting leaves

    def __post_init__(self) -> None:
        self.value = self.network_value

    def visits_of(self, action: int) -> int:
        """N(a), including simulations that wait."""
        return self.chances[action].visits if action in self.chances else action in self.waiting

    def add(self, result: float) -> None:
        """Add a return to the running mean."""
        self.value = (self.value * self.visits + result) / (self.visits + 1)
        self.visits += 1


@dataclass
class ChanceNode:
    """An action taken; `visits` and `value` are N(a) and Q(a) of that action."""

    outcome_probs: list[float]
    traversals: list[int]
    value: float
    visits: int = 1
    rewards: dict[int, float] = field(default_factory=dict)
    children: dict[int, DecisionNode] = field(default_factory=dict)

    def expected_return(self, discount: float, instead: dict[int, float]) -> float:
        """Mean over outcomes of reward plus discounted value; `instead` replaces some values."""
        total = 0.0
        for outcome, probability in enumerate(self.outcome_probs):
            value = instead.get(outcome, self.children[outcome].value)
            total += probability * (self.rewards[outcome] + discount * value)
        return total
