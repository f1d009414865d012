"""Live paper trading: one row per pair, and the account, risk, orders and feeds."""

from typing import Any, ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Grid

from mlx_muzero.watch.paper_state import PaperState
from muzero_tui.formats import age, bar, number, percent, price, shortened, signed, spark
from muzero_tui.paint import Paint
from muzero_tui.screens.base import RunScreen
from muzero_tui.screens.live_panels import Account, EquityPlot, Health, Market, Orders, Risk
from muzero_tui.widgets.tables import LiveTable

STATES = {
    "trading": "● trading",
    "warming": "◔ warming",
    "stale": "◌ stale",
    "halted": "■ halted",
    "excluded": "✕ excluded",
}
COLUMNS = (
    (160, ("pair", "state", "age", "price", "24 min", "pos", "P&L", "action", "shares", "next",
           "value", "ms", "why")),
    (110, ("pair", "state", "age", "price", "24 min", "pos", "P&L", "action", "shares", "next",
           "value")),
    (0, ("pair", "state", "age", "price", "pos", "P&L", "action", "next", "value")),
)  # fmt: skip
"""The columns of the table of pairs, by the width they need."""

SPARK_MINUTES = 24
"""Minutes in the sparkline, as its column's name says."""

_SHARE = "▁▂▃▄▅▆▇█"


class PairTable(LiveTable):
    """The pairs."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("enter", "select_cursor", "Tree", id="pair.tree"),
    ]

    TITLE: ClassVar[str] = "pairs"
    HELP: ClassVar[str] = (
        "One row per pair, as of the last decided minute.\n\n"
        "age: since its last bar closed   24 min: its closes, from lowest to highest\n"
        "pos: exposure held   P&L: unrealized\n"
        "action: the chosen one, with its share of the visits\n"
        "shares: one block per action, higher for more visits\n"
        "next: one block per predicted outcome of the next bar\n"
        "value: of the root, after the search   ms: all pairs' decisions of that minute\n\n"
        "enter shows the tree behind the pair's last decision; / filters."
    )


class LiveScreen(RunScreen):
    """The account on top, the pairs, and panels below; commands go to the running engine."""

    DEFAULT_CSS = """
    #pairs, #pairs:focus { height: auto; max-height: 9; border: none; }
    LiveScreen.-tall #pairs { max-height: 20; margin-bottom: 1; }
    #live { grid-size: 2 2; grid-gutter: 0 1; height: 1fr; }
    LiveScreen.-short #live { grid-rows: 3fr 2fr; }
    LiveScreen.-short EquityPlot#equity { display: none; }
    LiveScreen.-tall #live { grid-size: 2 6; }
    LiveScreen.-tall #live Panel { row-span: 2; }
    LiveScreen.-tall #live Market { row-span: 4; }
    LiveScreen.-wide.-tall #live { grid-columns: 2fr 1fr; }
    """
    AUTO_FOCUS = "#pairs"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("s", "app.command('stop-entries')", "Stop entries", id="command.stop_entries"),
        Binding("f", "app.command('flatten')", "Flatten", id="command.flatten"),
        Binding("h", "app.command('halt')", "Halt", id="command.halt"),
        Binding("g", "app.command('resume')", "Resume", id="command.resume"),
    ]

    def body(self) -> ComposeResult:
        """Account, pairs, the chart and four panels."""
        yield Account()
        yield PairTable(id="pairs")
        with Grid(id="live"):
            yield Market()
            yield Risk()
            yield Orders()
            yield EquityPlot(id="equity")
            yield Health()

    def show(self) -> None:
        """Show the pairs that match the filter, with the columns that fit."""
        state = self.app.watched.state
        if not isinstance(state, PaperState):
            self.query_one(PairTable).show((), {})
            return
        columns = self._columns()
        rows = {}
        for pair, row in state.pairs.items():
            cells = self._cells(pair, row, state)
            if self.wanted in f"{pair} {row.get('state', '')}".lower():
                rows[pair] = [cells[column] for column in columns]
        self.query_one(PairTable).show(columns, rows)

    def on_data_table_row_highlighted(self) -> None:
        """Chart the pair under the cursor."""
        market = self.query_one(Market)
        chosen = self.query_one(PairTable).chosen
        if chosen is not None and chosen != market.pair:
            market.pair = chosen
            market.refresh()

    async def on_data_table_row_selected(self) -> None:
        """Show the tree behind the pair's last decision."""
        pair = self.query_one(PairTable).chosen
        if pair is not None:
            await self.app.show_decisions_of(pair)

    def _columns(self) -> tuple[str, ...]:
        return next(columns for least, columns in COLUMNS if self.size.width >= least)

    def _cells(self, pair: str, row: dict[str, Any], state: PaperState) -> dict[str, Text]:
        paint: Paint = self.app.paint
        doing = row.get("state", "warming")
        style = {"trading": paint.good, "halted": paint.bad}.get(doing, paint.warning)
        shown = pair if self.size.width >= 110 else pair.split("/")[0]
        prices = [bar.close for bar in state.prices.get(pair, ())]
        now = self.app.watched.playback.now
        profit, exposure = row.get("unrealized"), row.get("exposure")
        latency = state.minute.get("latency_ms", {}).get("total") if "action" in row else None
        return {
            "pair": Text(shortened(shown, 24), "bold"),
            "state": Text(shortened(STATES.get(doing, doing), 12), style),
            "age": _right(age(state.age_s(row.get("bar_close_ns"), now))),
            "price": _right(price(row.get("close"))),
            "24 min": Text(spark(prices, SPARK_MINUTES), paint.curve),
            "pos": _right(signed(exposure, 1), paint.sign(exposure)),
            "P&L": _right(signed(profit), paint.sign(profit)),
            "action": Text(_action(row, state)),
            "shares": Text(_blocks(row.get("probabilities")), paint.accent),
            "next": Text(_outcomes(row, self.size.width), paint.curve),
            "value": _right(signed(row.get("value"), 3)),
            "ms": _right(number(latency, 3)),
            "why": Text(str(row.get("why") or ""), paint.muted),
        }


def _right(text: str, style: str = "") -> Text:
    return Text(text, style, justify="right")


def _action(row: dict[str, Any], state: PaperState) -> str:
    """Name and visit share of the chosen action."""
    action, shares = row.get("action"), row.get("probabilities") or []
    if action is None:
        return "-"
    names = state.began.get("actions", [])
    name = shortened(names[action], 12) if action < len(names) else str(action)
    return f"{name} {percent(shares[action])}" if action < len(shares) else name


def _blocks(shares: list[float] | None) -> str:
    return "".join(_SHARE[min(max(int(share * 8), 0), 7)] for share in shares or ())


def _outcomes(row: dict[str, Any], width: int) -> str:
    """Blocks on a narrow screen, bars with percentages on a wide one."""
    shares = row.get("outcomes") or []
    if width < 160:
        return _blocks(shares)
    return " ".join(f"{bar(share, 5)}{share:4.0%}" for share in shares)
