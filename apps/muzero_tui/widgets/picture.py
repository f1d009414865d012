"""The picture of a chart over the characters that say the same."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from textual.widget import Widget

from muzero_tui.candles import LABEL, Chart, Frame
from muzero_tui.colors import Colors
from muzero_tui.pixels import Pixels

if TYPE_CHECKING:
    from muzero_tui.watcher import Watcher

MOST_CELLS = 256
"""Columns and lines of a picture; Kitty's placeholders can number few more."""


class Picture:
    """Shows pictures in a widget, which keeps its characters below them.

    Args:
        under: the widget, whose picture begins behind its column of prices.
    """

    def __init__(self, under: Widget) -> None:
        self._under = under
        self._image: Any = None
        self._shown: tuple[object, ...] = ()

    def show(
        self, app: Watcher, chart: Chart, frame: Frame, pixels: Pixels, colors: Colors
    ) -> None:
        """Show `chart`, unless it is shown already; loads what draws it when first called."""
        if max(frame.columns, frame.rows) > MOST_CELLS:
            self.hide()
            return
        from muzero_tui.candle_pixels import draw_pixels
        from muzero_tui.pixel_library import image_class

        if self._image is None:
            self._image = image_class(pixels, app.write)(None)
            self._image.styles.position = "absolute"
            self._under.mount(self._image)
        wanted = (chart, frame, pixels, colors)
        if wanted != self._shown:
            self._shown = wanted
            self._image.styles.offset = LABEL + 1, 0
            self._image.styles.width, self._image.styles.height = frame.columns, frame.rows
            self._image.image = draw_pixels(chart, frame, pixels.cell, colors)
        self._image.display = True

    def hide(self) -> None:
        """Let the characters be seen."""
        if self._image is not None:
            self._image.display = False
