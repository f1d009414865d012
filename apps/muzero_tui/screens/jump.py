"""Jump mode: a letter on everything that takes the focus, which goes where one is pressed."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.events import Key, Resize
from textual.geometry import Size
from textual.screen import ModalScreen
from textual.widget import Widget
from textual.widgets import Label

LETTERS = "asdfghjklqwertyuiop"
"""In this order: those under the fingers first."""

_FROM_RIGHT = 4
"""Columns from a letter to the right end of what it stands on, whose title is on the left."""


class JumpScreen(ModalScreen[Widget | None]):
    """Puts letters on `targets`, which lie on the screen below; ends with the chosen one."""

    DEFAULT_CSS = """
    JumpScreen { background: $background 40%; }
    JumpScreen Label {
        position: absolute; width: 3; height: 1; padding: 0 1;
        background: $accent; color: $background; text-style: bold;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "dismiss", "Stay", id="jump.stay"),
    ]

    def __init__(self, targets: Sequence[Widget]) -> None:
        super().__init__()
        self._targets = dict(zip(LETTERS, targets, strict=False))
        self._placed_for: Size | None = None

    def compose(self) -> ComposeResult:
        """A label on each target."""
        for letter, target in self._targets.items():
            label = Label(letter, markup=False)
            region = target.region
            label.styles.offset = max(region.x, region.right - _FROM_RIGHT), region.y
            yield label

    def on_key(self, event: Key) -> None:
        """Go where the letter is; any other key leaves the focus where it was."""
        if self.is_current and event.key != "escape":
            event.stop()
            event.prevent_default()
            self.dismiss(self._targets.get(event.key))

    def on_resize(self, event: Resize) -> None:
        """Give up when the targets move; the first size is that of their places."""
        if self._placed_for is None:
            self._placed_for = event.size
        elif event.size != self._placed_for and self.is_current:
            self.dismiss(None)
