"""Loads textual-image while the application runs.

When imported, it asks the terminal by itself and waits for the answer, and its Kitty pictures go
straight to standard output. But Textual reads the keyboard by then, and writes from a thread of its
own, between whose sequences nothing may come. So the library sees an output that is no terminal,
whose text goes where Textual's goes.
"""

import io
import os
import sys
from collections.abc import Callable
from importlib import import_module
from typing import Any

from muzero_tui.pixels import Pixels


class _Output(io.TextIOBase):
    """Not a terminal; passes on what is written."""

    def __init__(self, write: Callable[[str], None]) -> None:
        self._write = write

    def write(self, text: str) -> int:
        self._write(text)
        return len(text)


def image_class(pixels: Pixels, write: Callable[[str], None]) -> Any:
    """The class of widgets that show the picture in their attribute `image`.

    Args:
        pixels: how the terminal draws them.
        write: writes to the terminal after what Textual wrote before.
    """
    vars(sys)["__stdout__"] = _Output(write)
    # What textual-serve sets where no terminal tells the size.
    os.environ["TEXTUAL_CELL_WIDTH"], os.environ["TEXTUAL_CELL_HEIGHT"] = map(str, pixels.cell)
    widgets = import_module("textual_image.widget")
    return widgets.SixelImage if pixels.protocol == "Sixel" else widgets.TGPImage
