"""The search tree behind any recorded decision."""

from datetime import UTC, datetime
from pathlib import Path
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid, Vertical
from textual.content import Content
from textual.widgets import Tree

from mlx_muzero.errors import RunError
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DECISION, DecisionRecord, Entry
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.watch.paper_state import PaperState
from muzero_tui.formats import day_and_clock, shortened
from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.tree_panels import DecisionChart, Outcomes, RootStatistics
from muzero_tui.widgets.search_tree import SearchTree
from muzero_tui.widgets.tables import LiveTable

MOST_LISTED = 500

DECISION_KEYS, DAY = Binding.Group("Older, newer"), Binding.Group("Day")


class DecisionTable(LiveTable):
    """The decisions."""

    TITLE: ClassVar[str] = "decisions"
    HELP: ClassVar[str] = (
        "Recorded decisions, newest first: time of the bar's close (UTC) and pair; in training "
        "also the number of episodes collected before. Moving the cursor shows the tree; [ and ] "
        "go to the day before and after; / filters by pair, day or episode.\n"
        "At a past moment, those that had been made by then: pause, scrub and replay move the list "
        "too, and its newest decision is shown."
    )


class TreeScreen(RunScreen):
    """Decisions on the left, the tree (and on a large screen the chart), and the search below."""

    DEFAULT_CSS = """
    #decisions { grid-size: 2 1; grid-columns: 30 1fr; grid-gutter: 0 1; }
    TreeScreen.-narrow #decisions { grid-columns: 29 1fr; }
    #search-tree { height: 1fr; }
    #reasons { grid-size: 1 2; grid-rows: auto auto; height: 14; }
    TreeScreen.-short #reasons { height: 11; grid-size: 1 1; }
    TreeScreen.-short #reasons Outcomes { display: none; }
    TreeScreen.-wide #reasons, TreeScreen.-normal.-tall #reasons {
        grid-size: 2 1; grid-rows: 1fr; height: 13;
    }
    #looked { height: 1fr; grid-size: 1 1; grid-gutter: 0 1; }
    #looked DecisionChart { display: none; }
    TreeScreen.-wide #looked.-charted { grid-size: 2 1; }
    TreeScreen.-wide #looked.-charted DecisionChart, #looked.-in-place DecisionChart {
        display: block;
    }
    #looked.-in-place SearchTree { display: none; }
    TreeScreen.-wide #looked.-charted SearchTree { display: block; }
    TreeScreen.-narrow.-tall #reasons Panel { height: auto; }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("n", "step(1)", "Older", id="tree.older", group=DECISION_KEYS),
        Binding("b", "step(-1)", "Newer", id="tree.newer", group=DECISION_KEYS),
        Binding("left_square_bracket", "day(-1)", "Day before", id="tree.day_before", group=DAY),
        Binding("right_square_bracket", "day(1)", "Day after", id="tree.day_after", group=DAY),
        Binding("g", "chart", "Chart", id="tree.chart", tooltip="Candles in the tree's place"),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._folder: Path | None = None
        self._day: Path | None = None
        self._entries: list[Entry] = []
        self._end = 0
        self._shown: Entry | None = None
        self._listed: tuple[object, ...] = ("",)
        self._moment: int | None = None

    def body(self) -> ComposeResult:
        """List, tree, comparison and outcomes."""
        with Grid(id="decisions"):
            yield DecisionTable(id="decision-list")
            with Vertical(id="decision"):
                with Grid(id="looked"):
                    yield SearchTree(id="search-tree")
                    yield DecisionChart()
                with Grid(id="reasons"):
                    yield RootStatistics()
                    yield Outcomes()

    def on_mount(self) -> None:
        """Title the tree."""
        self.query_one(SearchTree).border_title = "search tree"

    def show(self) -> None:
        """List the day's decisions until the moment shown that match the filter.

        At most the newest `MOST_LISTED`.
        """
        table = self.query_one(DecisionTable)
        for panel in (SearchTree, DecisionChart, RootStatistics, Outcomes):
            self.query_one(panel)  # raises while one is still being composed
        looked = self.query_one("#looked")
        looked.set_class(self._charted, "-charted")
        if not self._charted:
            looked.remove_class("-in-place")
        moved = self._follow_moment()
        self._look()
        wanted = self.wanted
        listed = (self.app.theme, self._day, len(self._entries), wanted, self._moment)
        if listed == self._listed:
            return
        if listed[0] != self._listed[0]:
            self._shown = None  # draw the tree again, in the new theme's colors
        self._listed = listed
        rows = {}
        for number in range(len(self._entries) - 1, -1, -1):
            entry = self._entries[number]
            if not self._was_made(entry):
                continue
            when = day_and_clock(entry.close_ns)
            note = "" if entry.episodes is None else f"@{entry.episodes}"
            if wanted in f"{when} {entry.pair} {note}".lower():
                rows[str(number)] = [Text(when), Text(shortened(entry.pair, 24)), Text(note)]
            if len(rows) == MOST_LISTED:
                break
        columns = ("close", "pair", "at") if self._trains else ("close", "pair")
        table.border_title = Content(self._day.stem if self._day else "no decisions")
        table.show(columns, {key: row[: len(columns)] for key, row in rows.items()})
        if moved:
            table.move_cursor(row=0, animate=False)
        if not rows:
            self._show(None)
        elif (self._shown is None or moved) and table.chosen is not None:
            self._show(self._entries[int(table.chosen)])

    def on_data_table_row_highlighted(self) -> None:
        """Show the tree of the decision under the cursor."""
        # Not the event's row: the table may have been rebuilt since.
        chosen = self.query_one(DecisionTable).chosen
        if chosen is not None:
            self._show(self._entries[int(chosen)])

    def on_tree_node_highlighted(self, event: Tree.NodeHighlighted[int]) -> None:
        """Show the outcomes after the root action whose branch holds the cursor."""
        node = event.node
        while node.parent is not None and not node.parent.is_root:
            node = node.parent
        record = self.query_one(Outcomes).decision
        if record is None or node.data is None or node.is_root:
            self._look_after(None)
        elif record.tree["kind"][node.data] != DECISION:
            self._look_after(record.tree["edge"][node.data])

    def action_step(self, by: int) -> None:
        """Move to an older or newer decision."""
        table = self.query_one(DecisionTable)
        table.move_cursor(row=table.cursor_row + by, animate=False)

    def action_day(self, by: int) -> None:
        """Go to the day before or after."""
        days = decision_log.days(self._folder) if self._folder else []
        if self._day in days:
            self._open(days[min(max(days.index(self._day) + by, 0), len(days) - 1)])
            self.show()

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Offer the chart where there are bars, and it is not beside the tree anyway."""
        if action == "chart":
            return self._charted and not self.has_class("-wide")
        return True

    def action_chart(self) -> None:
        """Show the chart in the tree's place, or the tree again."""
        looked = self.query_one("#looked")
        in_place = not looked.has_class("-in-place")
        looked.set_class(in_place, "-in-place")
        self.query_one(DecisionChart if in_place else SearchTree).focus()

    @property
    def _charted(self) -> bool:
        return self.app.watched.kind == "paper"  # a training's journal tells no bars

    @property
    def _trains(self) -> bool:
        return any(entry.episodes is not None for entry in self._entries[-1:])

    def _follow_moment(self) -> bool:
        """Go to the day of the moment shown, if that has changed; returns whether it has."""
        moment, before = self._moment_now(), self._moment
        if moment == before:
            return False
        self._moment = moment
        state = self.app.watched.state
        days = decision_log.days(self.app.watched.folder / "decisions")
        if days and isinstance(state, PaperState):
            now = days if moment is None else [day for day in days if day.stem <= _day_of(moment)]
            if now and now[-1] != self._day:
                self._open(now[-1])
        return True

    def _moment_now(self) -> int | None:
        """The moment shown; None if it is the present.

        Of a paper session that is its minute's close in nanoseconds, of a training its episodes.
        """
        watched = self.app.watched
        if watched.playback.mode == "live":
            return None
        if isinstance(watched.state, PaperState):
            closed_ns: int = watched.state.minute.get("close_ns", 0)
            return closed_ns
        return watched.state.episodes

    def _was_made(self, entry: Entry) -> bool:
        """Whether a decision had been made at the moment shown."""
        if self._moment is None:
            return True
        made = entry.close_ns if entry.episodes is None else entry.episodes
        return made <= self._moment

    def _look(self) -> None:
        """Read new decisions; start at the newest day if the run is a different one."""
        folder = self.app.watched.folder / "decisions"
        if folder != self._folder:
            self._folder, self._day, self._shown = folder, None, None
        days = decision_log.days(folder)
        if self._day is None and days:
            self._open(days[-1])
        elif self._day is not None:
            found, self._end = decision_log.index(self._day, self._end)
            self._entries += found

    def _open(self, day: Path) -> None:
        self._day, self._shown = day, None
        self._entries, self._end = decision_log.index(day)

    def _show(self, entry: Entry | None) -> None:
        if entry is not None and entry == self._shown:
            return
        self._shown = entry
        record: DecisionRecord | None = None
        if entry is not None:
            try:
                record = decision_log.read(entry)
            except RunError as error:
                self.notify(str(error), severity="error")
        self.query_one(SearchTree).show_decision(record, self.app.paint)
        self.query_one(RootStatistics).decision = record
        self.query_one(RootStatistics).refresh()
        for panel in self.query(DecisionChart):
            panel.decision = record
            panel.refresh()
        self.query_one(Outcomes).decision = record
        self._look_after(None)

    def _look_after(self, action: int | None) -> None:
        outcomes = self.query_one(Outcomes)
        outcomes.action = action
        outcomes.refresh()


def _day_of(ns: int) -> str:
    """UTC date of nanoseconds since 1970, as the files of decisions are called."""
    return str(datetime.fromtimestamp(ns // SECOND_NS, UTC).date())
