"""The bottom lines: the keys that work where the focus is."""

from rich.style import Style
from rich.text import Text
from textual.binding import Binding
from textual.events import Click
from textual.geometry import Size

from muzero_tui.paint import Paint
from muzero_tui.widgets.panel import Panel

ONLY_OF_THE_PAST = {"moment.live", "moment.slower", "moment.faster"}
"""Keys that do nothing while the screen follows the end of the journal."""


class Hints(Panel, can_focus=False):
    """Every available action, on as many lines as needed; keys can be clicked.

    Textual's Footer has only one line, and a widget per key that it rebuilds when the focus moves.
    """

    DEFAULT_CSS = "Hints { height: auto; min-height: 2; max-height: 3; background: $panel; }"
    DEFAULT_CLASSES = ""
    _lines = 0
    _made_of: tuple[object, ...] = ()
    _made: list[Text]

    def on_mount(self) -> None:
        """Update when the available keys change."""
        self.screen.bindings_updated_signal.subscribe(self, lambda _screen: self.keep_up())

    def on_click(self, event: Click) -> None:
        """Act as if the key had been pressed."""
        if key := event.style.meta.get("key"):
            self.app.simulate_key(key)

    def get_content_height(self, container: Size, viewport: Size, width: int) -> int:
        """The number of lines that the keys need."""
        self._lines = len(self._wrapped(width, self.app.paint))
        return self._lines

    def keep_up(self) -> None:
        """Redraw if the keys have changed, with as many lines as they need."""
        if len(self._wrapped(self.content_size.width, self.app.paint)) != self._lines:
            self.refresh(layout=True)
        super().keep_up()

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Keys with their descriptions."""
        return Text("\n").join(self._wrapped(width, paint))

    def _wrapped(self, width: int, paint: Paint) -> list[Text]:
        """The lines, cached until something changes: a screen asks several times per frame."""
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
        """The bindings of each hint: those of one action or one group."""
        shown: dict[object, list[Binding]] = {}
        live = self.app.watched.playback.mode == "live"
        for active in self.screen.active_bindings.values():
            binding = active.binding
            if binding.show and binding.id and not (live and binding.id in ONLY_OF_THE_PAST):
                shown.setdefault(binding.group or binding.action, []).append(binding)
        return list(shown.values())

    def _hint(self, bindings: list[Binding], paint: Paint) -> Text:
        keys = {binding.action: binding for binding in reversed(bindings)}  # first key of each
        hint = Text()
        for binding in reversed(keys.values()):
            key = Text(self.app.get_key_display(binding), f"bold {paint.accent}")
            key.stylize(Style(meta={"key": binding.key}))
            hint.append_text(key)
        first = bindings[0]
        name = Text(f" {first.group.description if first.group else first.description}")
        name.stylize(Style(meta={"key": first.key}))
        return hint.append_text(name)
