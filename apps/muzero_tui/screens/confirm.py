"""A command that touches positions: its consequence, and a second key to mean it."""

from __future__ import annotations

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.screen import ModalScreen
from textual.widgets import Static

from mlx_muzero.watch.paper_state import PaperState

KEYS = {"stop_entries": "s", "flatten": "f", "halt": "h"}


def consequence(command: str, state: PaperState) -> str:
    """What a command will do to this account, as a sentence."""
    minute, held = state.minute, state.open_positions
    positions = f"{held} open position{'' if held == 1 else 's'}"
    if command == "stop_entries":
        return (
            f"No new position is entered from now on. The {positions} are kept, managed and closed "
            "as the agent decides."
        )
    if command == "flatten":
        return (
            f"The {positions} (exposure {minute.get('exposure_total', 0):.2f}, unrealized "
            f"{minute.get('unrealized', 0):+,.2f}) are closed at the next fills, costs included; "
            "then nothing is entered."
        )
    return (
        f"No order of any kind is sent from now on, closing ones neither: the {positions} stay "
        "open and unmanaged until the engine is started again."
    )


class ConfirmScreen(ModalScreen[bool]):
    """Asks for the same key again, or y; anything else leaves things as they are."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("y", "answer(True)", "Do it", id="confirm.yes"),
        Binding("escape,n", "answer(False)", "Leave it", id="confirm.no"),
    ]

    def __init__(self, command: str, text: str) -> None:
        super().__init__()
        self._command = command
        self._text = text

    def compose(self) -> ComposeResult:
        """Name, consequence, keys."""
        name, key = self._command.replace("_", " ").upper(), KEYS[self._command]
        with Vertical(id="confirm"):
            yield Static(name, id="confirm-name", markup=False)
            yield Static(self._text, markup=False)
            keys = f"{key} or y: do it     esc: leave it"
            yield Static(keys, id="confirm-keys", markup=False)

    def on_key(self, event: object) -> None:
        """The command's own key a second time means it."""
        if getattr(event, "key", "") == KEYS[self._command]:
            self.dismiss(True)

    def action_answer(self, yes: bool) -> None:
        """End the question."""
        self.dismiss(yes)
