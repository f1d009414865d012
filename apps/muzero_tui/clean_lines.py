"""What the application draws is text, never a command to the terminal."""

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.color import Color
from textual.filter import LineFilter

from mlx_muzero.untrusted.terminal_text import clean


class CleanLines(LineFilter):
    """Every line of every widget passes here last (see `mlx_muzero.untrusted.terminal_text`).

    Panels, tables and trees clean their texts before they are laid out; what some other widget
    forgets keeps its width here.
    """

    def apply(self, segments: list[Segment], background: Color) -> list[Segment]:
        """The segments with clean text."""
        return [_clean(segment) for segment in segments]


def _clean(segment: Segment) -> Segment:
    safe = clean(segment.text)
    if safe == segment.text:
        return segment
    return Segment(set_cell_size(safe, cell_len(segment.text)), segment.style, segment.control)
