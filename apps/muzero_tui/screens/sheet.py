"""A sheet above the screen, for a question or an explanation."""

from typing import TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class SheetScreen(ModalScreen[Answer]):
    """Shows what has the class `sheet` in the middle, as large as it needs."""

    DEFAULT_CSS = """
    SheetScreen { align: center middle; background: $background 60%; }
    .sheet {
        width: 64; max-width: 95%; height: auto; max-height: 90%;
        border: round $accent; background: $surface; padding: 1 2;
    }
    """
