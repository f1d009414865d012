"""What the five screens share: the banner, the footer, a filter, and how they keep up."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.css.query import NoMatches
from textual.screen import Screen
from textual.widgets import Footer, Input

from muzero_tui.widgets.banner import Banner
from muzero_tui.widgets.panel import Panel

if TYPE_CHECKING:
    from muzero_tui.app import MuZeroApp


class RunScreen(Screen[None]):
    """A screen about the watched run; `body` composes it, `show` brings its tables up to date."""

    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012
        (0, "-narrow"),
        (110, "-normal"),
        (160, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [(0, "-short"), (32, "-tall")]  # noqa: RUF012
    AUTO_FOCUS = "LiveTable, Panel"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("slash", "filter", "Filter", id="filter", key_display="/", show=False),
        Binding("escape", "leave", "Back", id="back", show=False),
        Binding("z", "zoom_panel", "Maximize", id="maximize", show=False),
    ]

    app: MuZeroApp

    def compose(self) -> ComposeResult:
        """Banner, body, filter line, footer."""
        yield Banner()
        with Container(id="body"):
            yield from self.body()
        yield Input(placeholder="filter: a part of a name; esc to end", id="filter", compact=True)
        yield Footer(compact=True, show_command_palette=False)

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
        return self.query_one("#filter", Input).value.strip().lower()

    def action_filter(self) -> None:
        """Open the filter line."""
        line = self.query_one("#filter", Input)
        line.display = True
        line.focus()

    def action_leave(self) -> None:
        """End what is open: a maximized panel, the filter."""
        line = self.query_one("#filter", Input)
        if self.maximized is not None:
            self.minimize()
        elif line.display:
            line.value = ""
            line.display = False
            self.focus_next()

    def action_zoom_panel(self) -> None:
        """Give the focused panel the whole screen, or take it back."""
        if self.maximized is not None:
            self.minimize()
        elif self.focused is not None:
            self.maximize(self.focused)

    def on_input_changed(self) -> None:
        """Filter while it is typed."""
        self.show()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Keep the filter and go on."""
        event.input.display = bool(event.input.value)
        self.focus_next()
