"""What the six screens share: banner, key hints, filter, and updates."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Input

from muzero_tui.widgets.banner import Banner
from muzero_tui.widgets.hints import Hints
from muzero_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from muzero_tui.watcher import Watcher


class RunScreen(Screen[None]):
    """A screen about the watched run: `body` composes it, `show` updates its tables."""

    DEFAULT_CSS = """
    #body { height: 1fr; }
    #filter { height: 1; background: $panel; }
    RunScreen.-wide Hints { min-height: 1; }
    RunScreen ToastRack { margin-bottom: 2; }
    .framed { border-top: solid $foreground 30%; border-title-color: $foreground; }
    .framed:focus { border-top: solid $accent; border-title-color: $accent; }
    RunScreen.-normal.-tall Panel.framed, RunScreen.-wide.-tall Panel.framed {
        border: round $foreground 30%; padding: 0 1;
    }
    RunScreen.-normal.-tall Panel.framed:focus, RunScreen.-wide.-tall Panel.framed:focus {
        border: round $accent;
    }
    """

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (110, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "LiveTable, Panel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="filter", key_display="/"),
        Binding("escape", "leave", "Back", id="back", show=False),
        Binding("z", "zoom_panel", "Maximize", id="maximize"),
    ]

    app: Watcher

    def compose(self) -> ComposeResult:
        """Banner, body, hints; the filter line appears when asked for."""
        yield Banner()
        with Container(id="body"):
            yield from self.body()
        yield Hints()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Catch up on what happened while another screen was on top."""
        self.keep_up()

    def on_screen_suspend(self) -> None:
        """Take pictures away from below what comes on top."""
        for panel in self.query(Panel):
            panel.cover()

    def on_resize(self) -> None:
        """Redraw: tables choose their columns by the width."""
        self.call_after_refresh(self.keep_up)

    def keep_up(self, *, aged: bool = False) -> None:
        """Redraw what shows the run; if it only `aged`, just what shows ages."""
        try:
            self.show()
        except NoMatches:
            return  # the screen is still being composed, or already being removed
        for panel in self.query(Panel):
            if panel.AGES or not aged:
                panel.keep_up()

    def show(self) -> None:
        """Update everything that is not a panel."""

    @property
    def wanted(self) -> str:
        """The filter's text in lower case; empty without a filter."""
        return "" if (line := self._filter_line) is None else line.value.strip().lower()

    @property
    def _filter_line(self) -> Input | None:
        return next(iter(self.query("#filter").results(Input)), None)

    async def filter(self, text: str) -> None:
        """Show only rows whose name contains `text`."""
        (await self._open_filter()).value = text

    async def action_filter(self) -> None:
        """Open the filter line and focus it."""
        (await self._open_filter()).focus()

    async def _open_filter(self) -> Input:
        line = self._filter_line
        if line is None:
            hint = "filter by part of a name; esc clears"
            line = Input(placeholder=hint, id="filter", compact=True)
            await self.mount(line, before=self.query_one(Hints))
        return line

    async def action_leave(self) -> None:
        """Close what is open: a maximized panel, else the filter."""
        line = self._filter_line
        if self.maximized is not None:
            self.minimize()
        elif line is not None:
            await self._end_filter(line)

    async def _end_filter(self, line: Input) -> None:
        self.focus_next()
        await line.remove()
        self.show()

    def action_zoom_panel(self) -> None:
        """Maximize the focused panel, or restore it."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def on_input_changed(self) -> None:
        """Filter while the user types."""
        self.show()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and move the focus on; an empty filter is removed."""
        if event.value:
            self.focus_next()
        else:
            await self._end_filter(event.input)
