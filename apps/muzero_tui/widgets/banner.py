"""The top line: the screens, the watched run, its condition, and the moment shown."""

from typing import ClassVar

from rich.style import Style
from rich.text import Text

from muzero_tui.formats import number, shortened
from muzero_tui.paint import Paint
from muzero_tui.widgets.condition import condition_text
from muzero_tui.widgets.panel import Panel

SCREENS = ("runs", "train", "live", "tree", "profile", "process")
_ROOMY = 110
"""Columns from which on the names of the screens stand apart."""


class Banner(Panel, can_focus=False):
    """One line; the names of the screens can be clicked."""

    DEFAULT_CSS = "Banner { height: 1; background: $panel; }"
    DEFAULT_CLASSES = ""
    AGES: ClassVar[bool] = True

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Screens on the left, the run on the right."""
        left, pad = Text(" "), " " * (width >= _ROOMY)
        for place, name in enumerate(SCREENS, 1):
            here = name == self.app.current_mode
            style = Style(meta={"@click": f"app.switch_mode('{name}')"}, reverse=here)
            left.append(f"{pad}{place} {name.title()}{pad}", style)
            if not pad:
                left.append(" ")
        if self.app.no_run:
            return left
        condition = condition_text(self.watched, paint)
        title = Text(f"{shortened(self.watched.folder.name, 40)} ", "bold")
        room = width - left.cell_len - 1
        right = Text("")
        # Leave out what does not fit, the least important first.
        for part in (condition, self._moment(paint), title):
            if right.cell_len + part.cell_len + 1 <= room:
                right = part.append(" ").append_text(right)
        return left.append(" " * max(room - right.cell_len, 0)).append_text(right)

    def _moment(self, paint: Paint) -> Text:
        playback = self.watched.playback
        if playback.mode == "live":
            return Text("")
        speed = f" x{number(playback.speed)}" if playback.mode == "replay" else ""
        return Text(f"{playback.mode.upper()}{speed} {playback.now:%m-%d %H:%M:%S}", paint.accent)
