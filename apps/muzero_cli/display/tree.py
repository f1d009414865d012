"""A decision's search tree as text, as a Graphviz graph and as JSON."""

import json
import math
from dataclasses import dataclass, fields
from typing import Any

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from mlx_muzero.evaluation.single_decision import Decision
from mlx_muzero.search.explain import Branch, folded, principal_variation, visit_share

_OUTCOME_BOUNDS = {"UP": "above +{:.1f}", "NEUTRAL": "between", "DOWN": "below -{:.1f}"}


@dataclass(frozen=True)
class TreeDisplay:
    """A decision with the names of what is in it.

    Attributes:
        heading: where and by whom it was taken.
        decision: the decision.
        action_names: A names.
        outcome_names: C names.
    """

    heading: str
    decision: Decision
    action_names: tuple[str, ...]
    outcome_names: tuple[str, ...]

    def text(self, least_share: float) -> Group:
        """The tree without branches below `least_share` of the visits, and two lines on it."""
        return Group(
            Text(self.heading, style="bold"),
            self._tree(folded(self.decision.tree, least_share)),
            Text(f"principal variation: {' > '.join(map(self._name, self._line()))}"),
            Text(self._outcomes()),
        )

    def dot(self, least_share: float) -> str:
        """The same tree for Graphviz: decision nodes are boxes, chance nodes ellipses."""
        lines = ["digraph search {", f"  label={json.dumps(self.heading)};"]
        for branch in folded(self.decision.tree, least_share).walk():
            shape = "ellipse" if self.decision.tree.kind[branch.row] else "box"
            label = json.dumps(self._label(branch.row))
            lines.append(f"  n{branch.row} [shape={shape}, label={label}];")
            lines += [f"  n{branch.row} -> n{child.row};" for child in branch.shown]
        return "\n".join([*lines, "}"])

    def as_dict(self) -> dict[str, Any]:
        """The whole tree for JSON, node by node, without the fields that do not apply."""
        tree = self.decision.tree
        columns = {field.name: getattr(tree, field.name).tolist() for field in fields(tree)}
        rows = [dict(zip(columns, row, strict=True)) for row in zip(*columns.values(), strict=True)]
        return {
            "actions": self.action_names,
            "outcomes": self.outcome_names,
            "action": self.action_names[self._action()],
            "visits": self.decision.result.visits[0].tolist(),
            "policy": self.decision.result.policy[0].tolist(),
            "value": float(self.decision.result.value[0]),
            "principal_variation": self._line(),
            "threshold_pips": self.decision.threshold_pips,
            "unit": self.decision.unit,
            "nodes": [{k: v for k, v in row.items() if not _missing(v)} for row in rows],
        }

    def _tree(self, root: Branch) -> Tree:
        def grow(branch: Branch, stem: Tree) -> Tree:
            for child in branch.shown:
                grow(child, stem.add(Text(self._label(child.row))))
            if branch.folded:
                stem.add(Text(self._folded(branch), style="dim"))
            return stem

        return grow(root, Tree(Text(self._label(root.row))))

    def _label(self, row: int) -> str:
        tree = self.decision.tree
        value = f"{tree.value[row]:+.3f}"
        if row == 0:
            return f"now  N {tree.visits[0]}  V {value}"
        label = f"{self._name(row)}  N {visit_share(tree, row):.0%}"
        if tree.kind[row]:
            return f"{label}  P {tree.prior[row]:.0%}  Q {value}"
        return f"{label}  P {tree.probability[row]:.0%}  r {tree.reward[row]:+.3f}  V {value}"

    def _name(self, row: int) -> str:
        names = self.action_names if self.decision.tree.kind[row] else self.outcome_names
        return names[self.decision.tree.action_or_outcome[row]]

    def _folded(self, branch: Branch) -> str:
        share = sum(visit_share(self.decision.tree, row) for row in branch.folded)
        return f"folded: {', '.join(map(self._name, branch.folded))}  N {share:.0%}"

    def _action(self) -> int:
        return int(self.decision.result.action[0])

    def _line(self) -> list[int]:
        return principal_variation(self.decision.tree, self._action())

    def _outcomes(self) -> str:
        tree, pips = self.decision.tree, self.decision.threshold_pips
        action = self._line()[0]
        parts = [
            f"{self._name(row)} {tree.probability[row]:.0%}"
            f" ({_OUTCOME_BOUNDS[self._name(row)].format(pips)})"
            for row in range(len(tree.node))
            if tree.parent[row] == action
        ]
        unit = self.decision.unit
        return f"next bar after {self._name(action)}, in {unit}: {', '.join(parts)}"


def _missing(value: Any) -> bool:
    return isinstance(value, float) and math.isnan(value)
