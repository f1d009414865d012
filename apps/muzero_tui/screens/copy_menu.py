"""The menu of what can be copied to the clipboard."""

from collections.abc import Mapping
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.widgets import OptionList
from textual.widgets.option_list import Option

from muzero_tui.screens.sheet import SheetScreen


class CopyScreen(SheetScreen[str | None]):
    """Lists `texts` by what they are, and ends with the chosen one."""

    DEFAULT_CSS = """
    CopyScreen OptionList, CopyScreen OptionList:focus {
        height: auto; max-height: 12; border: none; padding: 0; background: $surface;
    }
    """
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("c", "choose", "Copy", id="copy.choose"),
        Binding("escape,q", "dismiss", "Leave it", id="copy.leave"),
    ]

    def __init__(self, texts: Mapping[str, str]) -> None:
        super().__init__()
        self._texts = texts

    def compose(self) -> ComposeResult:
        """One line for each text."""
        with Vertical(classes="sheet") as sheet:
            sheet.border_title = "copy"
            yield OptionList(*(Option(name, name) for name in self._texts), markup=False)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        """End with the text of the chosen line."""
        if self.is_current:
            self.dismiss(self._texts[str(event.option.id)])

    def action_choose(self) -> None:
        """Choose the line under the cursor."""
        self.query_one(OptionList).action_select()
