"""Panels: parts of a screen that draw the watched run."""

from __future__ import annotations

from typing import TYPE_CHECKING, ClassVar

from rich.text import Text
from textual.binding import Binding, BindingType
from textual.widget import Widget

from muzero_tui.clean_text import clean_rich
from muzero_tui.paint import Paint
from muzero_tui.plotting import View

if TYPE_CHECKING:
    from mlx_muzero.watch.run import WatchedRun
    from muzero_tui.watcher import Watcher


class Panel(Widget, can_focus=True):
    """Draws text of its own size, reading the watched run at every redraw.

    `TITLE` is on its border; `HELP` explains it on the help screen; with `AGES`, it changes even if
    only time passes.
    """

    DEFAULT_CSS = "Panel { height: 1fr; text-wrap: nowrap; text-overflow: ellipsis; }"
    DEFAULT_CLASSES = "framed"
    AGES: ClassVar[bool] = False
    TITLE: ClassVar[str] = ""
    HELP: ClassVar[str] = ""

    app: Watcher
    _drawn: Text | None = None

    def on_mount(self) -> None:
        """Put the title on the border."""
        self.border_title = self.TITLE

    @property
    def watched(self) -> WatchedRun:
        """The watched run."""
        return self.app.watched

    def render(self) -> Text:
        """The text that `draw` returns for the current size."""
        self._drawn = self._draw()
        return self._drawn

    def keep_up(self) -> None:
        """Refresh if the text has changed: drawing text costs less than displaying it."""
        if self._draw() != self._drawn:
            self.refresh()

    def cover(self) -> None:
        """Take away what would be seen through the screen that comes on top; text is not."""

    def _draw(self) -> Text:
        size, paint = self.content_size, self.app.paint
        if self.app.opening and self.can_focus:
            text = Text("reading the journal", paint.muted)
        else:
            text = self.draw(size.width, size.height, paint)
        text = clean_rich(text)
        text.no_wrap, text.overflow = True, "ellipsis"
        return text

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """The panel's text, `width` columns by `height` lines."""
        raise NotImplementedError

    def copied(self) -> str:
        """The text to copy to the clipboard."""
        return self.render().plain


ZOOM, PAN = Binding.Group("Zoom"), Binding.Group("Pan")


class PlotPanel(Panel):
    """A panel that shows one of several curves, which can be zoomed and moved."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding(
            "plus,equals_sign", "zoom(2)", "Zoom in", id="plot.zoom_in", key_display="+", group=ZOOM
        ),
        Binding("minus", "zoom(0.5)", "Zoom out", id="plot.zoom_out", group=ZOOM),
        Binding("left", "move(-0.5)", "Earlier", id="plot.earlier", group=PAN),
        Binding("right", "move(0.5)", "Later", id="plot.later", group=PAN),
        Binding("v", "next_curve", "Next curve", id="plot.next_curve"),
    ]

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002
        super().__init__(id=id)
        self.view = View()
        self._curve_number = 0

    @property
    def curves(self) -> tuple[str, ...]:
        """Names of the available curves."""
        raise NotImplementedError

    @property
    def curve(self) -> str:
        """Name of the curve shown."""
        return self.curves[self._curve_number % len(self.curves)]

    def action_zoom(self, factor: float) -> None:
        """Show less or more of the x axis."""
        self.view = self.view.zoomed(factor)
        self.refresh()

    def action_move(self, screens: float) -> None:
        """Show an earlier or later part."""
        self.view = self.view.moved(screens)
        self.refresh()

    def action_next_curve(self) -> None:
        """Show another curve."""
        self._curve_number += 1
        self.refresh()
