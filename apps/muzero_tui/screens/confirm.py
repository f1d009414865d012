"""Confirmation of a command that affects positions: what it does, and a second key press."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.events import Key
from textual.widgets import Static

from mlx_muzero.paper.mode import CONSEQUENCES, Command
from mlx_muzero.watch.paper_state import PaperState
from muzero_tui.screens.sheet import SheetScreen

if TYPE_CHECKING:
    from muzero_tui.watcher import Watcher

KEYS: dict[Command, str] = {"stop-entries": "s", "flatten": "f", "halt": "h", "resume": "g"}


def consequence(command: Command, state: PaperState) -> str:
    """What `command` does, and the positions and orders it would affect."""
    minute = state.minute
    exposure, unrealized = minute.get("exposure_total", 0.0), minute.get("unrealized", 0.0)
    does = CONSEQUENCES[command]
    return (
        f"{does[0].upper()}{does[1:]} Open positions now: {state.open_positions}, exposure "
        f"{exposure:.2f}, unrealized {unrealized:+,.2f}. Open orders now: {len(state.orders)}."
    )


class ConfirmScreen(SheetScreen[bool]):
    """Asks for the same key again, or y; any other answer changes nothing."""

    DEFAULT_CSS = """
    #confirm-name { text-style: bold; color: $error; margin-bottom: 1; }
    #confirm-keys { margin-top: 1; text-style: bold; }
    ConfirmScreen ToastRack Toast { visibility: hidden; }
    """
    app: Watcher

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Do it", id="confirm.yes"),
        Binding("escape,n", "answer(False)", "Leave it", id="confirm.no"),
    ]

    def __init__(self, command: Command, text: str) -> None:
        super().__init__()
        self._command = command
        self._text = text

    def compose(self) -> ComposeResult:
        """Name, consequence, keys."""
        name, key = self._command.replace("-", " ").upper(), KEYS[self._command]
        with Vertical(classes="sheet"):
            yield Static(name, id="confirm-name", markup=False)
            yield Static(self._text, markup=False)
            keys = f"{key} or y: do it     esc: leave it"
            yield Static(keys, id="confirm-keys", markup=False)

    def on_key(self, event: Key) -> None:
        """Confirm if the command's own key is pressed a second time."""
        if event.key == KEYS[self._command] and self.is_current and not self.app.leaving:
            event.stop()  # otherwise the screen below would ask again
            event.prevent_default()
            self.dismiss(True)

    def action_answer(self, yes: bool) -> None:
        """Close the question with an answer."""
        if self.is_current:
            self.dismiss(yes)
