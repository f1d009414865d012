"""Tables whose rows change in place while the cursor stays on the same row."""

from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.widgets import DataTable
from textual.widgets.data_table import CellDoesNotExist

from muzero_tui.clean_text import clean_rich

Cells = Sequence[Text]


class LiveTable(DataTable[Text]):
    """A table of rows by key; `TITLE` and `HELP` explain it on the help screen."""

    DEFAULT_CSS = """
    LiveTable { height: 1fr; background: $background; }
    LiveTable > .datatable--header, LiveTable:ansi > .datatable--header {
        background: $surface; color: $foreground; text-style: bold;
    }
    """
    DEFAULT_CLASSES = "framed"
    TITLE: ClassVar[str] = ""
    HELP: ClassVar[str] = ""

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(cursor_type="row", id=id)
        self._columns_shown: tuple[str, ...] = ()
        self._rows_shown: dict[str, Cells] = {}

    def show(self, columns: Sequence[str], rows: Mapping[str, Cells]) -> None:
        """Show these rows, updating only the cells that changed."""
        rows = {key: [clean_rich(cell) for cell in row] for key, row in rows.items()}
        if tuple(columns) != self._columns_shown or list(rows) != list(self._rows_shown):
            self._rebuild(columns, rows)
        else:
            for key, row in rows.items():
                cells = zip(columns, row, self._rows_shown[key], strict=True)
                for column, cell, shown in cells:
                    if cell != shown or cell.style != shown.style:
                        self.update_cell(key, column, cell, update_width=True)
        self._columns_shown, self._rows_shown = tuple(columns), dict(rows)

    @property
    def chosen(self) -> str | None:
        """Key of the row under the cursor; None in a table without rows."""
        try:
            return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
        except CellDoesNotExist:
            return None

    def copied(self) -> str:
        """The table as lines of tab-separated cells."""
        rows = [list(self._columns_shown)]
        rows += [[cell.plain for cell in row] for row in self._rows_shown.values()]
        return "\n".join("\t".join(row) for row in rows)

    def _rebuild(self, columns: Sequence[str], rows: Mapping[str, Cells]) -> None:
        chosen, scroll = self.chosen, self.scroll_offset
        self.clear(columns=True)
        for column in columns:
            self.add_column(column, key=column)
        for key, row in rows.items():
            self.add_row(*row, key=key)
        if chosen is not None and chosen in rows:
            self.move_cursor(row=self.get_row_index(chosen), animate=False, scroll=False)
            self.scroll_to(scroll.x, scroll.y, animate=False)
