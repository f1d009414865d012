"""The lines at the bottom: which keys work where the focus is."""

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Size

from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel

ONLY_OF_THE_PAST = {"moment.live", "moment.slower", "moment.faster"}
"""Keys that do nothing while the end is followed."""


class Hints(Panel, can_focus=False):
    """Every action there is, in as many lines as they need; the keys can be clicked.

    Textual's Footer has a widget for each key and makes them anew whenever the focus moves, and
    has one line.
    """

    DEFAULT_CSS = "Hints { height: auto; min-height: 2; max-height: 3; background: $panel; }"
    DEFAULT_CLASSES = ""
    _lines = 0
    _made_of: tuple[object, ...] = ()
    _made: list[Text]

    def on_mount(self) -> None:
        """Other widgets have other keys."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.keep_up())

    def on_click(self, event: Click) -> None:
        """As if the key had been pressed."""
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """As many lines as the keys need."""
        self._lines = len(self._wrapped(width, self.app.paint))
        return self._lines

    def keep_up(self) -> None:
        """Redraw if there are other keys, and take the room they need."""
        if len(self._wrapped(self.content_size.width, self.app.paint)) != self._lines:
            self.refresh(layout=True)
        super().keep_up()

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Keys with their descriptions."""
        return Text("\n").join(self._wrapped(width, paint))

    def _wrapped(self, width: int, paint: Paint) -> list[Text]:
        """Made only when something has changed: a screen asks several times a frame."""
        bindings = self._shown()
        if self._made_of != (width, paint, bindings):
            self._made = self._wrap([self._hint(group, paint) for group in bindings], width)
            self._made_of = (width, paint, bindings)
        return self._made

    @staticmethod
    def _wrap(hints: list[Text], width: int) -> list[Text]:
        lines: list[Text] = []
        for hint in hints:
            if lines and lines[-1].cell_len + 1 + hint.cell_len <= width:
                lines[-1] = Text(" ").join([lines[-1], hint])
            else:
                lines.append(hint)
        return lines or [Text("")]

    def _shown(self) -> list[list[Binding]]:
        """The bindings of each hint: those of an action, or of a group of them."""
        told: dict[object, list[Binding]] = {}
        live = self.app.watched.playback.mode == "live"
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.id and not (live and binding.id in ONLY_OF_THE_PAST):
                told.setdefault(binding.group or binding.action, []).append(binding)
        return list(told.values())

    def _hint(self, bindings: list[Binding], paint: Paint) -> Text:
        keys = {binding.action: binding for binding in reversed(bindings)}  # the first of each
        hint = Text()
        for binding in reversed(keys.values()):
            key = Text(self.app.get_key_display(binding), f"bold {paint.accent}")
            key.stylize(Style(meta={"key": binding.key}))
            hint.append_text(key)
        first = bindings[0]
        name = Text(f" {first.group.description if first.group else first.description}")
        name.stylize(Style(meta={"key": first.key}))
        return hint.append_text(name)
