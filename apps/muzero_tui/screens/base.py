"""What the five screens share: the banner, the footer, a filter, and how they keep up."""

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
    """A screen about the watched run; `body` composes it, `show` brings its tables up to date."""

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
        """Banner, body, hints; a filter line comes when it is asked for."""
        yield Banner()
        with Container(id="body"):
            yield from self.body()
        yield Hints()

    def body(self) -> ComposeResult:
        """The screen's own widgets."""
        raise NotImplementedError

    def on_screen_resume(self) -> None:
        """Catch up on what happened while another screen was shown."""
        self.keep_up()

    def on_resize(self) -> None:
        """Tables show other columns in another width."""
        self.call_after_refresh(self.keep_up)

    def keep_up(self, *, aged: bool = False) -> None:
        """Redraw what shows the run; where it only `aged`, what tells ages."""
        try:
            self.show()
        except NoMatches:
            return  # the screen is still being made, or already going
        for panel in self.query(Panel):
            if panel.AGES or not aged:
                panel.keep_up()

    def show(self) -> None:
        """Bring what is not a panel up to date."""

    @property
    def wanted(self) -> str:
        """What the filter asks for, in lower case."""
        return "" if (line := self._filter_line) is None else line.value.strip().lower()

    @property
    def _filter_line(self) -> Input | None:
        return next(iter(self.query("#filter").results(Input)), None)

    async def filter(self, text: str) -> None:
        """Show only what has `text` in its name."""
        (await self._open_filter()).value = text

    async def action_filter(self) -> None:
        """Ask for a part of a name."""
        (await self._open_filter()).focus()

    async def _open_filter(self) -> Input:
        line = self._filter_line
        if line is None:
            hint = "filter: a part of a name; esc to end"
            line = Input(placeholder=hint, id="filter", compact=True)
            await self.mount(line, before=self.query_one(Hints))
        return line

    async def action_leave(self) -> None:
        """End what is open: a maximized panel, the filter."""
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
        """Give the focused panel the whole screen, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def on_input_changed(self) -> None:
        """Filter while it is typed."""
        self.show()

    async def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go on; an empty one is none."""
        if event.value:
            self.focus_next()
        else:
            await self._end_filter(event.input)
