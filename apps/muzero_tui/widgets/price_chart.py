"""The chart of a pair: candles, fills, the position and the cone of the last decision."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, ClassVar

from rich.text import Text
from textual.content import Content

from mlx_muzero.market.observation.outcome_cone import MOST_DEVIATIONS, ConeBar
from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.events import Event
from mlx_muzero.watch.outlook import Outlooks
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.price_bars import PriceBar, joined
from muzero_tui.candle_text import draw_chart
from muzero_tui.candles import Chart, Fill, Frame, frame_of, shown_bars
from muzero_tui.clean_text import clean_rich
from muzero_tui.colors import Colors
from muzero_tui.formats import clock, fitting, price, shortened, signed
from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import PlotPanel
from muzero_tui.widgets.picture import Picture

SCALES = ((15, 1), (5, 1), (1, 1), (1, 2), (1, 3))
"""Minutes of a candle, and columns it takes, from far to near."""

_NEAR, _FAR = 3, 2
_NAMED = 50
"""Columns from which the title has room for the whole name of the pair."""
_WIDE = 70
"""Columns from which candles stand apart at first."""


class PriceChart(PlotPanel):
    """Draws the bars of a pair in a paper session up to the moment shown."""

    HELP: ClassVar[str] = (
        "Candles of the pair under the cursor, up to the moment shown: thin ones rise, broad ones "
        "fall. ▲ buys and ▼ sells into a position, △ and ▽ out of one; ┈ is the price at which the "
        "position was entered; ■ below a candle: entries were stopped.\n"
        "Behind ┊, the cone of the decision just made: the closes that the search tree expects of "
        "the next bars after its action. ━ is the mean; half of the closes fall into ▒, nine of "
        "ten into ░. It ends where the tree does not know what comes.\n"
        "+ - zoom (up to 15 minutes a candle), left and right move, z maximizes."
    )

    NO_BARS: ClassVar[str] = "no bars yet"
    AGES = True  # decisions are written after their minute
    pair: str | None = None
    _scale: int | None = None
    _back = 0
    _outlooks: Outlooks | None = None
    _framed: tuple[Chart, Frame] | None = None
    _picture: Picture | None = None

    def render(self) -> Text:
        """The text; a picture of it follows where the terminal draws pixels."""
        text = super().render()
        self.call_later(self.show_picture)
        return text

    def keep_up(self) -> None:
        """Refresh if anything has changed, and show the picture once nothing is on top."""
        super().keep_up()
        self.show_picture()

    def cover(self) -> None:
        """See `Panel.cover`."""
        self.show_picture()

    def show_picture(self) -> None:
        """Show what was drawn in pixels too, if they can be seen."""
        pixels, colors = self.app.pixels, Colors.of(self.app.theme_variables)
        seen = self._framed if self.screen.is_active and self.display else None
        if seen is not None and pixels.protocol is not None and colors is not None:
            self._picture = self._picture or Picture(self)
            self._picture.show(self.app, *seen, pixels, colors)
        elif self._picture is not None:
            self._picture.hide()

    @property
    def helped(self) -> str:
        """What the help says now."""
        return f"{self.HELP}\n\nCharts are in {self.app.pixels}."

    def action_zoom(self, factor: float) -> None:
        """Show fewer, wider candles, or more of them."""
        self._scale = min(max(self._place + (1 if factor > 1 else -1), 0), len(SCALES) - 1)
        self._back = 0
        self.refresh()

    def action_move(self, screens: float) -> None:
        """Show earlier or later candles."""
        shown = max(self.content_size.width // SCALES[self._place][1], 2)
        self._back = max(self._back - round(screens * shown), 0)
        self.refresh()

    @property
    def _place(self) -> int:
        narrow = self.content_size.width < _WIDE
        return self._scale if self._scale is not None else _FAR if narrow else _NEAR

    @property
    def shows_now(self) -> bool:
        """Whether the last bar is that of the moment shown."""
        return True

    @property
    def shown_pair(self) -> str | None:
        """The chosen pair, or the first one."""
        pairs = self._session.pairs
        return self.pair if self.pair in pairs else next(iter(pairs), None)

    @property
    def _session(self) -> PaperState:
        state = self.watched.state
        return state if isinstance(state, PaperState) else PaperState()

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """The candles, below a title on the pair and its position."""
        self._framed = None
        pair, state = self.shown_pair, self._session
        bars = self.bars_of(state, pair) if pair is not None else []
        if pair is None or not bars:
            self.border_title = "price"
            return Text(f"no data: {self.NO_BARS}", paint.muted)
        length, spacing = SCALES[self._place]
        ahead = self.cone_of(state, pair)
        row = state.pairs.get(pair, {}) if self.shows_now else {}
        chart = _chart(pair, state, row, joined(bars, length) if length > 1 else bars, ahead)
        back = min(self._back, max(len(chart.bars) - 1, 0))
        first, stop = shown_bars(len(chart.bars), width, spacing, len(chart.ahead), back)
        chart = replace(chart, bars=chart.bars[first:stop], ahead=() if back else chart.ahead)
        title = _title(pair, state, row, chart, length, width, paint)
        self.border_title = Content.from_rich_text(clean_rich(title))
        frame = frame_of(chart, width, height, spacing)
        if frame is None:
            return Text("")
        self._framed = chart, frame
        return draw_chart(chart, frame, paint, price, clock)

    def bars_of(self, state: PaperState, pair: str) -> list[PriceBar]:
        """The bars of a pair that may be shown, oldest first."""
        return list(state.prices.get(pair, ()))

    def cone_of(self, state: PaperState, pair: str) -> Sequence[ConeBar]:
        """The cone from the last of them; empty without one."""
        if "action" not in state.pairs.get(pair, {}):
            return ()
        if self._outlooks is None or self._outlooks.folder != self.watched.folder:
            self._outlooks = Outlooks(self.watched.folder)
        return self._outlooks.at(pair, state.minute["close_ns"])


def _chart(
    pair: str,
    state: PaperState,
    row: Mapping[str, Any],
    bars: Sequence[PriceBar],
    ahead: Sequence[ConeBar],
) -> Chart:
    """Everything on a pair, whose `row` in the last minute is empty where that is not shown."""
    pip = state.pip_price(bars[-1].close)
    return Chart(
        bars,
        [_mark(event) for event in state.fills if event["pair"] == pair and event["units"]],
        row.get("entry_price") if row.get("exposure") else None,
        ahead if pip is not None else (),
        pip or 0.0,
    )


def _mark(fill: Event) -> Fill:
    units, after = fill["units"], fill.get("exposure")
    # A journal that does not tell the exposure after marks every fill as an entry.
    return Fill(fill["fill_ns"], units > 0, after is None or after * units > 0)


def _title(
    pair: str,
    state: PaperState,
    row: Mapping[str, Any],
    chart: Chart,
    length: int,
    width: int,
    paint: Paint,
) -> Text:
    """The pair, its position, what is expected, and what the candles are made of, as they fit."""
    name = f"price: {clean_line(pair)}" if width >= _NAMED else clean_line(pair.split("/")[0])
    parts = [Text(shortened(name, max(width - 4, 1)))]
    if exposure := row.get("exposure"):
        side = "long" if exposure > 0 else "short"
        parts.append(Text(f"  {side} {abs(exposure):g}", f"bold {paint.sign(exposure)}"))
        parts.append(Text(f" from {price(chart.entry)}", paint.accent))
    elif row:
        parts.append(Text("  flat", paint.muted))
    if (paid_bps := row.get("funding_bps")) is not None:
        told = f"  funding {signed(paid_bps, 1)} bps {row.get('funding_from') or '?'}"
        parts.append(Text(told, paint.muted))
    if chart.ahead:
        last, unit = chart.ahead[-1], state.unit or "pips"
        reach = MOST_DEVIATIONS * last.deviation
        parts.append(Text(f"  +{len(chart.ahead)} min {signed(last.mean, 1)} ± {reach:,.1f} {unit}",
                          paint.curve))  # fmt: skip
    if length > 1:
        parts.append(Text(f"  {length} min a candle", paint.muted))
    if not all(bar.whole for bar in chart.bars):
        parts.append(Text("  of closes", paint.muted))
    return fitting(parts, max(width - 4, 1))
