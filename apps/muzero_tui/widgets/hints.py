"""The line at the bottom: which keys work where the focus is."""

from rich.style import Style
from rich.text import Text
from textual.events import Click

from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel


class Hints(Panel, can_focus=False):
    """One line; the keys can be clicked.

    Textual's Footer has a widget for each key and makes them anew whenever the focus moves.
    """

    DEFAULT_CSS = "Hints { height: 1; background: $panel; dock: bottom; }"
    DEFAULT_CLASSES = ""

    def on_mount(self) -> None:
        """Other widgets have other keys."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.keep_up())

    def on_click(self, event: Click) -> None:
        """As if the key had been pressed."""
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Keys with their descriptions, the first key of each action."""
        hints: dict[str, Text] = {}
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.action not in hints:
                hint = Text(self.app.get_key_display(binding), f"bold {paint.accent}")
                hint = Text.assemble(hint, f" {binding.description}")
                hint.stylize(Style(meta={"key": binding.key}))
                hints[binding.action] = hint
        line = [*hints.values()]
        # Help and quit, the last two, stay; the application's others go before the panel's own.
        while len(line) > 2 and Text(" ").join(line).cell_len > width:
            del line[-3]
        return Text(" ").join(line)
