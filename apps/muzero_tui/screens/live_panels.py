"""The panels of the live screen, except the table of pairs."""

from functools import partial
from typing import Any, ClassVar

from rich.text import Text

from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.events import Event
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run_curves import DRAWDOWN, EQUITY, curves_of
from muzero_tui.curves import draw_curves
from muzero_tui.formats import bar, clock, fitting, money, number, percent, price, signed
from muzero_tui.notices import notice_lines
from muzero_tui.paint import Paint
from muzero_tui.plotting import Line
from muzero_tui.widgets.condition import condition_of
from muzero_tui.widgets.panel import Panel, PlotPanel
from muzero_tui.widgets.price_chart import PriceChart

MODES = {
    "trading": "TRADING",
    "entries_stopped": "ENTRIES STOPPED: positions are still managed and closed",
    "flattening": "FLATTENING: every position is being closed",
    "halted": "HALTED: no orders at all",
}


class PaperPanel(Panel):
    """A panel about paper trading."""

    @property
    def state(self) -> PaperState:
        """The state shown; an empty one if the run is not a paper session."""
        state = self.watched.state
        return state if isinstance(state, PaperState) else PaperState()


class Account(PaperPanel):
    """The account in two lines."""

    DEFAULT_CSS = """
    Account { height: 2; padding: 0 1; }
    Account:focus { background: $panel; }
    """
    DEFAULT_CLASSES = ""
    AGES: ClassVar[bool] = True
    TITLE = "account"
    HELP: ClassVar[str] = (
        "What the engine is doing and why, which model plays if candidates are trained, and what "
        "became of the last one; then the account: equity, the day's profit or loss, "
        "unrealized profit or loss, drawdown from the peak of equity and the sum of all exposures; "
        "then the venue's clock minus this machine's, and how long the minute's decisions took."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Mode and reason, then figures."""
        state, minute = self.state, self.state.minute
        if not minute:
            words = "no data: no minute decided yet" if self.watched.kind == "paper" else ""
            return Text(words or "this run trains: see 2 Train, or choose a paper run in 1 Runs")
        style = {"trading": paint.good, "halted": paint.bad}.get(state.mode, paint.warning)
        text = Text().append(MODES.get(state.mode, clean_line(state.mode)), f"bold {style}")
        if reason := minute.get("mode_reason"):
            text.append(f" ({clean_line(reason)})", style)
        if condition_of(self.watched) in ("stale", "disconnected"):
            text.append(f"  {condition_of(self.watched)}: this view is out of date", paint.bad)
        if state.substitute:
            wanted = state.began.get("backend_wanted")
            text.append(f"  {state.substitute} plays instead of {wanted}", paint.warning)
        if (precision := state.began.get("precision")) not in (None, "float32"):
            text.append(f"  in {clean_line(precision)}", paint.muted)
        if state.retraining:
            text.append(f"  model {clean_line(state.model)}, {clean_line(state.retraining)}", "dim")
        return text.append("\n").append_text(fitting(_figures(state, paint), width))


def _figures(state: PaperState, paint: Paint) -> list[Text]:
    """Figures of the account, the most important first."""
    minute, offset = state.minute, state.clock_offset_ms
    day, drawdown = minute.get("day_pnl"), minute.get("drawdown_frac")
    unrealized = minute.get("unrealized")
    told = [
        ("equity", money(minute["equity"]), "bold"),
        ("day", signed(day), paint.sign(day)),
        ("open", signed(unrealized), paint.sign(unrealized)),
        ("dd", percent(drawdown, 1), paint.bad if drawdown else paint.muted),
        ("exposure", number(minute.get("exposure_total"), 3), ""),
    ]
    if offset is not None:
        told.append(("clock", f"{signed(offset, 0)} ms", paint.bad if abs(offset) > 1000 else ""))
    told.append(("latency", f"{number(minute.get('latency_ms', {}).get('total'), 3)} ms", ""))
    return [
        Text.assemble((f"{' ' if place else ''}{name} ", ""), (value, style))
        for place, (name, value, style) in enumerate(told)
    ]


class EquityPlot(PlotPanel, PaperPanel):
    """The account over time."""

    TITLE = "equity"
    HELP: ClassVar[str] = (
        "Equity of the account at every minute's close, and (v) drawdown as a share of the peak.\n"
        "+ - zoom, left and right move, z maximizes."
    )

    @property
    def curves(self) -> tuple[str, ...]:
        """Equity first."""
        return (EQUITY, DRAWDOWN)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One curve over UTC time."""
        self.border_title = name = self.curve
        series = curves_of(self.watched).get(name, Curve())
        style = paint.curve if name == EQUITY else paint.bad
        return draw_curves(name, [Line(series, style)], width, height, self.view)


class Market(PriceChart, EquityPlot):
    """The chosen pair's candles; where the equity has no panel of its own, that too."""

    HELP: ClassVar[str] = f"{PriceChart.HELP}\n\nv: the account's equity, then its drawdown."

    @property
    def curves(self) -> tuple[str, ...]:
        """The price first."""
        return ("price", *super().curves)

    def action_zoom(self, factor: float) -> None:
        """Zoom what is shown."""
        (PriceChart if self.curve == "price" else EquityPlot).action_zoom(self, factor)

    def action_move(self, screens: float) -> None:
        """Move what is shown."""
        (PriceChart if self.curve == "price" else EquityPlot).action_move(self, screens)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Candles, or a curve of the account."""
        self._framed = None
        drawn = PriceChart if self.curve == "price" else EquityPlot
        return drawn.draw(self, width, height, paint)


class Risk(PaperPanel):
    """How much of each limit is used."""

    TITLE = "risk"
    HELP: ClassVar[str] = (
        "How much of every limit of the session is used. Amber from 70 %, red from 90 %. When a "
        "limit is reached, the notices show how the engine reacted."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One meter per limit."""
        limits: dict[str, Any] = self.state.minute.get("risk", {})
        if not limits:
            return Text("no data: no limits reported", paint.muted)
        text, room = Text(), max(width - 36, 4)
        for name, at in sorted(limits.items(), key=lambda item: -_used(item[1])):
            share = _used(at)
            style = paint.bad if share >= 0.9 else paint.warning if share >= 0.7 else paint.good
            words = clean_line(name.removesuffix("_frac").replace("_", " "))
            text.append(f"{words[:18]:19}").append(bar(share, room), style)
            figure = partial(percent, digits=1) if name.endswith("_frac") else _third
            figures = f" {figure(at.get('used'))} of {figure(at.get('limit'))}"
            text.append(f"{figures}{' !' if share >= 0.9 else ''}\n")
        return text


class Orders(PaperPanel):
    """Open orders, fills and closed trades."""

    TITLE = "orders, fills, trades"
    HELP: ClassVar[str] = (
        "Open orders (○), then the newest fills (●) with price, fee and exposure after, and closed "
        "trades (=) with their net result in the account's currency."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Open orders, then the latest fills and trades."""
        text, state = Text(), self.state
        for order in state.orders.values():
            text.append(f"○ {clock(order['close_ns'])} ", paint.warning)
            text.append(f"{order.get('pair', '')} {_exposures(order)} open\n")
        done: list[tuple[int, Event]] = [(fill["fill_ns"], fill) for fill in state.fills]
        done += [(trade["exit_ns"], trade) for trade in state.trades]
        for at, event in sorted(done, key=lambda item: -item[0])[: max(height, 1)]:
            if event["event"] == "fill":
                told = f"{clock(at)} {event['pair']} {signed(event['units'], 4)}"
                cost = (f" @ {price(event['price'])}", f" fee {number(event.get('fee'), 3)}")
                parts = [Text("● ", paint.accent), *map(Text, (told, *cost))]
                text.append_text(fitting(parts, width)).append("\n")
            else:
                text.append("= ").append(f"{clock(at)} {event['pair']} net ")
                text.append(f"{signed(event['net'])}\n", paint.sign(event["net"]))
        return text if text else Text("no data: no orders yet", paint.muted)


class Health(PaperPanel):
    """Feeds and notices."""

    TITLE = "feeds and notices"
    HELP: ClassVar[str] = (
        "The latest event of each feed that has a problem, then limits, faults, commands, gaps in "
        "the data, and alerts that were not delivered, newest first."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Feeds with problems, then notices."""
        state, text = self.state, Text()
        if ill := state.ill_feeds:
            for pair, kind in ill.items():
                text.append(f"◌ {clean_line(pair) or 'all'} {clean_line(kind)}\n", paint.warning)
        elif state.minute:
            text.append(f"✓ all feeds fine ({len(state.pairs)})\n", paint.good)
        text.append_text(notice_lines(state.notices, paint))
        return text if text else Text("no data", paint.muted)


def _exposures(order: Event) -> str:
    return f"{signed(order.get('from_exposure'), 1)} > {signed(order.get('to_exposure'), 1)}"


def _used(at: dict[str, Any]) -> float:
    used, limit = at.get("used"), at.get("limit")
    return abs(used) / abs(limit) if used is not None and limit else 0.0


def _third(value: float | None) -> str:
    return number(value, 3)
