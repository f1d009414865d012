"""The widget for a recorded search tree, foldable by visit share."""

from collections import defaultdict
from typing import ClassVar

from rich.style import Style
from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import Tree
from textual.widgets.tree import TreeNode

from mlx_muzero.runlog.decision_log import CHANCE, DecisionRecord
from muzero_tui.clean_text import clean_rich
from muzero_tui.formats import bar, outcome_range, percent, signed
from muzero_tui.paint import Paint

FOLD = Binding.Group("Fold")

FOLDS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
"""Shares of the visits below which branches are folded."""


class SearchTree(Tree[int]):
    """Decision nodes are boxes, chance nodes diamonds; the principal variation is starred."""

    DEFAULT_CSS = "SearchTree { padding: 0 1; background: $background; }"
    DEFAULT_CLASSES = "framed"
    TITLE: ClassVar[str] = "search tree"
    HELP: ClassVar[str] = (
        "The 64 most visited nodes of the search.\n\n"
        "□ a decision of the agent   ◇ the market's turn after an action\n"
        "★ the principal variation: the chosen action, then the most visited nodes\n"
        "N visits and their share   P prior of an action, probability of an outcome\n"
        "Q mean return of an action   V value of a decision   r reward on the way there\n\n"
        "enter folds or unfolds; < and > change the share of visits below which branches are "
        "folded; n and b step through the decisions."
    )
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "greater_than_sign", "fold(1)", "Fold more", id="tree.fold", key_display=">", group=FOLD
        ),
        Binding(
            "less_than_sign", "fold(-1)", "Fold less", id="tree.unfold", key_display="<", group=FOLD
        ),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__("no data: no decision recorded", id=id)
        self._record: DecisionRecord | None = None
        self._children: dict[int, list[int]] = {}
        self._line: set[int] = set()
        self.least = FOLDS[2]
        self.guide_depth = 2

    def show_decision(self, record: DecisionRecord | None, paint: Paint) -> None:
        """Show the tree of a decision, folded as before."""
        self._record, self._paint = record, paint
        self.clear()
        if record is None:
            self.root.set_label("no data: no decision recorded")
            return
        self._children = defaultdict(list)
        for row, above in enumerate(record.tree["parent"]):
            self._children[above].append(row)
        for below in self._children.values():
            below.sort(key=lambda row: -record.tree["visits"][row])
        self._line = self._principal_variation(record)
        self.root.set_label(clean_rich(self._label(0)))
        self.root.data = 0
        self._grow(self.root, 0)
        self.root.expand()

    def action_fold(self, by: int) -> None:
        """Fold more or less."""
        place = min(max(FOLDS.index(self.least) + by, 0), len(FOLDS) - 1)
        self.least = FOLDS[place]
        self.border_subtitle = f"folded below {percent(self.least)}"
        if self._record is not None:
            self.show_decision(self._record, self._paint)

    def copied(self) -> str:
        """The tree as indented lines."""
        lines: list[str] = []

        def walk(node: TreeNode[int], depth: int) -> None:
            lines.append("  " * depth + str(node.label))
            for child in node.children:
                walk(child, depth + 1)

        walk(self.root, 0)
        return "\n".join(lines)

    def render_label(self, node: TreeNode[int], base_style: Style, style: Style) -> Text:
        """The label unchanged: its glyph shows the kind of node."""
        label = node.label.copy() if isinstance(node.label, Text) else Text(str(node.label))
        label.stylize_before(base_style + style)
        fold = "" if not node.allow_expand else "▼ " if node.is_expanded else "▶ "
        return Text.assemble((fold, base_style + style), label)

    def _grow(self, node: TreeNode[int], row: int) -> None:
        """Add the rows below `row`, with branches of few visits folded."""
        for child in self._children.get(row, ()):
            share = self._share(child)
            has_more = bool(self._children.get(child))
            stem = node.add(
                clean_rich(self._label(child)),
                data=child,
                expand=has_more and share >= max(self.least, 1e-9) and self._opens(child),
                allow_expand=has_more,
            )
            self._grow(stem, child)

    def _opens(self, row: int) -> bool:
        """Whether anything below a node has enough visits to be shown by default."""
        return any(self._share(child) >= self.least for child in self._children[row])

    def _share(self, row: int) -> float:
        visits: list[int] = self._record.tree["visits"] if self._record else [1]
        return visits[row] / (visits[0] or 1)

    def _label(self, row: int) -> Text:
        record, paint = self._record, self._paint
        assert record is not None
        tree = record.tree
        chance = tree["kind"][row] == CHANCE
        star, style = ("★", "bold") if row in self._line else (" ", "")
        text = Text().append(star, paint.accent)
        text.append("◇ " if chance else "□ ", paint.warning if chance else paint.curve)
        value = signed(tree["value"][row])
        if row == 0:
            return text.append("now", "bold").append(f"  N {tree['visits'][0]}  V {value}")
        edge = tree["edge"][row]
        name = record.action_names[edge] if chance else record.outcome_names[edge]
        share = self._share(row)
        text.append(name, style)
        if not chance:
            text.append(f" {outcome_range(name, record.threshold_pips)}", "dim")
        text.append(" ").append(bar(share, 5), paint.curve)
        text.append(f" N {share:.0%}")
        if chance:
            return text.append(f" P {percent(tree['prior'][row])} Q {value}")
        text.append(f" P {percent(tree['probability'][row])} r {signed(tree['reward'][row])}")
        return text.append(f" V {value}")

    def _principal_variation(self, record: DecisionRecord) -> set[int]:
        tree, line = record.tree, {0}
        below = [row for row in self._children.get(0, ()) if tree["edge"][row] == record.action]
        while below:
            row = max(below, key=lambda r: (tree["visits"][r], tree["probability"][r] or 0.0))
            line.add(row)
            below = self._children.get(row, [])
        return line
