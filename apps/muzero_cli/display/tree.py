"""A decision's search tree as text and as a Graphviz graph."""

import json
from dataclasses import dataclass
from math import isnan
from pathlib import Path

from rich.console import Group
from rich.text import Text
from rich.tree import Tree

from mlx_muzero.experiment.planning import Plan
from mlx_muzero.search.explain import Branch, folded, visit_share

_OUTCOME_BOUNDS = {"UP": "above +{:.1f}", "NEUTRAL": "between", "DOWN": "below -{:.1f}"}


@dataclass(frozen=True)
class TreeDisplay:
    """Draws a plan.

    Attributes:
        run: folder of the run that made the plan.
        plan: the plan.
    """

    run: Path
    plan: Plan

    @property
    def heading(self) -> str:
        """What made the decision, and for which bar."""
        plan = self.plan
        return (
            f"{self.run}, checkpoint {plan.checkpoint}: {plan.symbol} at {plan.at} UTC, "
            f"{plan.simulations} simulations"
        )

    def text(self, least_share: float) -> Group:
        """The tree without branches below `least_share` of the visits, and two lines about it."""
        return Group(
            Text(self.heading, style="bold"),
            self._tree(folded(self.plan.decision.tree, least_share)),
            Text(f"principal variation: {' > '.join(self.plan.principal_variation)}"),
            Text(self._outcomes()),
            *map(Text, self._quotes()),
        )

    def dot(self, least_share: float) -> str:
        """The same tree for Graphviz, with decision nodes as boxes and chance nodes as ellipses."""
        lines = ["digraph search {", f"  label={json.dumps(self.heading)};"]
        for branch in folded(self.plan.decision.tree, least_share).walk():
            shape = "ellipse" if self.plan.decision.tree.kind[branch.row] else "box"
            label = json.dumps(self._label(branch.row))
            lines.append(f"  n{branch.row} [shape={shape}, label={label}];")
            lines += [f"  n{branch.row} -> n{child.row};" for child in branch.shown]
        return "\n".join([*lines, "}"])

    def _tree(self, root: Branch) -> Tree:
        def grow(branch: Branch, stem: Tree) -> Tree:
            for child in branch.shown:
                grow(child, stem.add(Text(self._label(child.row))))
            if branch.folded:
                stem.add(Text(self._folded(branch), style="dim"))
            return stem

        return grow(root, Tree(Text(self._label(root.row))))

    def _label(self, row: int) -> str:
        tree = self.plan.decision.tree
        value = f"{tree.value[row]:+.3f}"
        if row == 0:
            return f"now  N {tree.visits[0]}  V {value}"
        label = f"{self.plan.name_of(row)}  N {visit_share(tree, row):.0%}"
        if tree.kind[row]:
            # Below the root, a search of market states asks no policy.
            prior = "-" if isnan(tree.prior[row]) else f"{tree.prior[row]:.0%}"
            return f"{label}  P {prior}  Q {value}"
        return f"{label}  P {tree.probability[row]:.0%}  r {tree.reward[row]:+.3f}  V {value}"

    def _folded(self, branch: Branch) -> str:
        share = sum(visit_share(self.plan.decision.tree, row) for row in branch.folded)
        return f"folded: {', '.join(map(self.plan.name_of, branch.folded))}  N {share:.0%}"

    def _quotes(self) -> list[str]:
        """What a fill pays now, where that is the quoted spread."""
        decision = self.plan.decision
        if decision.spread_pips is None:
            return []
        quoted = f"{decision.spread_pips:.3g} {decision.unit}"
        return [f"spread quoted now, which whatever is bought now pays: {quoted}"]

    def _outcomes(self) -> str:
        tree, pips = self.plan.decision.tree, self.plan.decision.threshold_pips
        action = self.plan.principal_rows[0]
        parts = [
            f"{self.plan.name_of(row)} {tree.probability[row]:.0%}"
            f" ({_OUTCOME_BOUNDS[self.plan.name_of(row)].format(pips)})"
            for row in range(len(tree.node))
            if tree.parent[row] == action
        ]
        unit = self.plan.decision.unit
        return f"next bar after {self.plan.name_of(action)}, in {unit}: {', '.join(parts)}"
