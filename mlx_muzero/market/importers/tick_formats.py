"""The text formats of ticks: where each has its time, bid and ask, and how it is recognised."""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

from mlx_muzero.market.importers.column_names import OF_TICKS
from mlx_muzero.market.importers.named_columns import TICKS, named_layout
from mlx_muzero.market.importers.text_layout import TextLayout

TRUEFX = "truefx"
HISTDATA_TICKS = "histdata-ticks"
TICK_FORMATS = {
    TRUEFX: "TrueFX ticks: EUR/USD,YYYYMMDD HH:MM:SS.NNN,bid,ask",
    HISTDATA_TICKS: "HistData ASCII ticks: YYYYMMDD HHMMSSNNN,bid,ask,0",
    TICKS: "ticks: a header that names a time, bid and ask, or --columns; Dukascopy and others",
}
"""Formats of ticks, which become bars of bid and ask, each with a one-line description."""

_LAYOUTS = {
    TRUEFX: TextLayout(
        delimiter=b",",
        fields=4,
        time=(1, 1),
        columns={"bid": 2, "ask": 3},
        patterns=("YYYYMMDD hh:mm:ss.fff",),
        clock="UTC",
        symbol=0,
    ),
    HISTDATA_TICKS: TextLayout(
        delimiter=b",",
        fields=4,
        time=(0, 0),
        columns={"bid": 1, "ask": 2},
        patterns=("YYYYMMDD hhmmssfff",),
        clock="histdata",
    ),
}
_NUMBER = r"\d+(?:\.\d+)?"
_ROWS = {
    TRUEFX: re.compile(
        rf"[A-Z]{{3}}/[A-Z]{{3}},\d{{8}} \d\d:\d\d:\d\d\.\d{{3}},{_NUMBER},{_NUMBER}\s*\Z"
    ),
    HISTDATA_TICKS: re.compile(rf"\d{{8}} \d{{9}},{_NUMBER},{_NUMBER},{_NUMBER}\s*\Z"),
}


def tick_format(rows: Iterable[str]) -> str | None:
    """The format that one of `rows` has, of those without a header; None if none has any."""
    # A damaged line at the top must not prevent detection.
    return next((name for row in rows for name, of in _ROWS.items() if of.match(row)), None)


def tick_layout(path: Path, format_name: str, text: str, columns: Mapping[str, str]) -> TextLayout:
    """The layout of the file of ticks at `path`, which begins with `text`.

    Args:
        path: the file.
        format_name: a key of `TICK_FORMATS`.
        text: its beginning.
        columns: columns by name or number that the user named, by what they hold.

    Raises:
        DataError: no header names the columns, or its times cannot be read.
    """
    if format_name == TICKS:
        return named_layout(path, text, columns, OF_TICKS)
    return _LAYOUTS[format_name]
