"""A sheet above the screen, for a question or an explanation."""

from typing import TypeVar

from textual.screen import ModalScreen

Answer = TypeVar("Answer")


class SheetScreen(ModalScreen[Answer]):
    """Shows the widget of class `sheet` in the middle, as large as it needs to be."""

    DEFAULT_CSS = """
    SheetScreen { align: center middle; background: $background 60%; }
    .sheet {
        width: 64; max-width: 95%; height: auto; max-height: 90%;
        border: round $accent; background: $surface; padding: 1 2;
    }
    """
