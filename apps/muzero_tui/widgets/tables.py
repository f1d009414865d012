"""Tables whose rows change in place while the cursor stays on the same row."""

import re
from collections.abc import Mapping, Sequence
from typing import ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widgets import DataTable
from textual.widgets.data_table import CellDoesNotExist

from muzero_tui.clean_text import clean_rich

Cells = Sequence[Text]


SORT = Binding.Group("Sort")

_NUMBER = re.compile(r"([+-]?\d[\d,]*(?:\.\d+)?)([smhd%]?)(?:\s.*)?")
_SIZES = {"s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0}


def sort_key(words: str) -> tuple[bool, float, str]:
    """Sorts numbers and ages by size, before text, which it sorts by letters."""
    found = _NUMBER.fullmatch(words.strip())
    if found is None:
        return True, 0.0, words.lower()
    number, unit = found.groups()
    return False, float(number.replace(",", "")) * _SIZES.get(unit, 1.0), words.lower()


def _separated(cells: Cells) -> str:
    return "\t".join(cell.plain for cell in cells)


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

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("o", "sort", "Sort", id="table.sort", group=SORT),
        Binding("O", "reverse", "Reverse", id="table.reverse", group=SORT),
    ]

    def __init__(self, *, id: str) -> None:  # noqa: A002
        super().__init__(cursor_type="row", id=id)
        self._columns_shown: tuple[str, ...] = ()
        self._rows_shown: dict[str, Cells] = {}
        self._sorted_by: str | None = None
        self._falling = False
        self._order_shown: tuple[str | None, bool] = (None, False)
        self._told: tuple[Sequence[str], Mapping[str, Cells]] = ((), {})

    def show(self, columns: Sequence[str], rows: Mapping[str, Cells]) -> None:
        """Show these rows, sorted as the user wants them, updating only cells that changed."""
        self._told = columns, rows
        rows = {key: [clean_rich(cell) for cell in row] for key, row in rows.items()}
        if self._sorted_by in columns:
            rows = self._sorted(rows, columns.index(self._sorted_by))
        if self._order != self._order_shown:
            self._columns_shown = ()  # the heads tell the order
            self._order_shown = self._order
        if tuple(columns) != self._columns_shown or list(rows) != list(self._rows_shown):
            self._rebuild(columns, rows)
        else:
            for key, row in rows.items():
                cells = zip(columns, row, self._rows_shown[key], strict=True)
                for column, cell, shown in cells:
                    if cell != shown or cell.style != shown.style:
                        self.update_cell(key, column, cell, update_width=True)
        self._columns_shown, self._rows_shown = tuple(columns), dict(rows)

    def action_sort(self) -> None:
        """Sort by the next column; after the last one in the order that rows come in."""
        names = (None, *self._told[0])
        place = names.index(self._sorted_by) + 1 if self._sorted_by in names else 1
        self._sort_by(names[place % len(names)], falling=False)

    def action_reverse(self) -> None:
        """Turn the order around."""
        if self._sorted_by is not None:
            self._sort_by(self._sorted_by, falling=not self._falling)

    def on_data_table_header_selected(self, event: DataTable.HeaderSelected) -> None:
        """Sort by the column that was clicked, or turn its order around."""
        name = event.column_key.value
        self._sort_by(name, falling=name == self._sorted_by and not self._falling)

    def _sort_by(self, column: str | None, *, falling: bool) -> None:
        self._sorted_by, self._falling = column, falling
        self.show(*self._told)

    @property
    def _order(self) -> tuple[str | None, bool]:
        return self._sorted_by, self._falling

    def _sorted(self, rows: Mapping[str, Cells], column: int) -> dict[str, Cells]:
        def key(item: tuple[str, Cells]) -> tuple[bool, float, str]:
            return sort_key(item[1][column].plain)

        return dict(sorted(rows.items(), key=key, reverse=self._falling))

    @property
    def chosen(self) -> str | None:
        """Key of the row under the cursor; None in a table without rows."""
        try:
            return self.coordinate_to_cell_key(self.cursor_coordinate).row_key.value
        except CellDoesNotExist:
            return None

    def copied(self) -> str:
        """The table as lines of tab-separated cells."""
        rows = ["\t".join(self._columns_shown), *map(_separated, self._rows_shown.values())]
        return "\n".join(rows)

    def copied_row(self) -> str:
        """The row under the cursor as tab-separated cells; empty without one."""
        return _separated(self._rows_shown.get(self.chosen or "", ()))

    def _rebuild(self, columns: Sequence[str], rows: Mapping[str, Cells]) -> None:
        chosen, scroll = self.chosen, self.scroll_offset
        self.clear(columns=True)
        for column in columns:
            arrow = ("▼" if self._falling else "▲") if column == self._sorted_by else ""
            self.add_column(f"{column}{arrow}", key=column)
        for key, row in rows.items():
            self.add_row(*row, key=key)
        if chosen is not None and chosen in rows:
            self.move_cursor(row=self.get_row_index(chosen), animate=False, scroll=False)
            self.scroll_to(scroll.x, scroll.y, animate=False)
