"""A filter that keeps drawn text from reaching the terminal as commands."""

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from mlx_muzero.untrusted.terminal_text import clean


class CleanLines(LineFilter):
    """The last filter of every line of every widget (see `mlx_muzero.untrusted.terminal_text`).

    Panels, tables and trees clean their texts before layout. Text of any other widget is cleaned
    here, and keeps its width.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with clean text."""
        return [_clean(segment) for segment in segments]


def _clean(segment: Segment) -> Segment:
    safe = clean(segment.text)
    if safe == segment.text:
        return segment
    return Segment(set_cell_size(safe, cell_len(segment.text)), segment.style, segment.control)
