"""Help: what the focused widget shows, and every key that works there."""

from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import ActiveBinding, Binding, BindingType
from textual.containers import VerticalScroll
from textual.widgets import Static

from muzero_tui.screens.sheet import SheetScreen


class HelpScreen(SheetScreen[None]):
    """The widget's text, then its keys and those of the screen and the application."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,question_mark", "dismiss", "Close", id="help.close"),
    ]

    def __init__(self, title: str, words: str, keys: dict[str, ActiveBinding]) -> None:
        super().__init__()
        self._title = title
        self._words = words
        self._keys = keys

    def compose(self) -> ComposeResult:
        """A scrolling sheet."""
        with VerticalScroll(classes="sheet") as sheet:
            sheet.border_title = self._title
            yield Static(self._words, markup=False)
            yield Static(self._table())

    def _table(self) -> Text:
        text = Text("\nkeys\n", "bold")
        seen = set()
        # Our keys first; those without an id move the cursor in Textual's tables and trees.
        for key, active in sorted(self._keys.items(), key=lambda at: not at[1].binding.id):
            binding = active.binding
            if binding.action in seen or not binding.description:
                continue
            seen.add(binding.action)
            shown = binding.key_display or key.replace("_", " ")
            name = f"  ({binding.id})" if binding.id else ""
            text.append(f"{shown:>14}  ", "bold").append(binding.description).append(name, "dim")
            text.append("\n")
        return text
