"""The panels below the list of runs: marked runs over each other, and how they differ."""

from pathlib import Path
from textwrap import wrap
from typing import Any, ClassVar

from rich.text import Text
from textual.content import Content

from mlx_muzero.errors import ConfigError
from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.marked_runs import MarkedRuns
from mlx_muzero.watch.run_curves import curves_of
from muzero_tui.curves import draw_curves, value_text
from muzero_tui.formats import fitting, shortened, signed
from muzero_tui.paint import Paint
from muzero_tui.plotting import Line
from muzero_tui.widgets.panel import Panel, PlotPanel


class MarkedPlot(PlotPanel):
    """A curve of every marked run."""

    TITLE = "comparison"
    HELP: ClassVar[str] = (
        "One curve of every marked run, each with its number; run 1 is the baseline, on top. v "
        "shows the next curve: what the baseline's best checkpoint is chosen by comes first, then "
        "the others, every loss among them. Above are the last values and, of the others, how far "
        "they are from the baseline's. m marks, p pins the baseline."
    )
    marked: MarkedRuns

    @property
    def curves(self) -> tuple[str, ...]:
        """Those of any of the runs."""
        return tuple(self.marked.curve_names) or ("",)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """The last values, and the curves."""
        name = self.curve
        self.border_title = Content(f"comparison: {clean_line(name)}")
        lines, parts, base = [], [], None
        y_text = value_text(name)
        for place, run in enumerate(self.marked.runs.values()):
            curve = curves_of(run).get(name)
            if curve is None:
                continue
            style, last = paint.run(place), curve.last or 0.0
            lines.append(Line(curve, style, str(place + 1)))
            parts.append(Text.assemble((f"{place + 1} ", f"bold {style}"), y_text(last)))
            if base is None:
                base = last
            else:
                parts[-1].append(f" ({signed(last - base, 2)})", "dim")
            parts[-1].append("  ")
        drawn = draw_curves(name, lines, width, height - 1, self.view)
        return fitting(parts, width).append("\n").append_text(drawn)


class Differences(Panel):
    """The configuration keys in which marked runs differ."""

    TITLE = "differing keys"
    HELP: ClassVar[str] = (
        "Every key in which the configurations of the marked trainings differ, with the value of "
        "each run in the order of their numbers; compare-runs lists the same ones."
    )
    marked: MarkedRuns
    _read: tuple[tuple[Path, ...], dict[str, list[Any]] | str] = ((), {})

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A line per key."""
        runs = tuple(self.marked.runs)
        if runs != self._read[0]:
            self._read = runs, self._differing()
        found = self._read[1]
        text = Text(no_wrap=True)
        for place, run in enumerate(runs):
            text.append(f"{place + 1} ", f"bold {paint.run(place)}")
            text.append(shortened(run.name, max(width - 12, 8)), "bold" if place == 0 else "")
            text.append("  baseline\n" if place == 0 else "\n", "dim")
        if isinstance(found, str):
            return text.append("\n".join(wrap(found, max(width, 1))), paint.bad)
        if len(runs) < 2:
            return text.append("mark another one", paint.muted)
        if not found:
            return text.append("their configurations are the same", paint.muted)
        for key, values in found.items():
            text.append(f"{key}\n", paint.muted)
            cells = [
                Text.assemble((f"  {place + 1} ", paint.run(place)), clean_line(str(value)))
                for place, value in enumerate(values)
                if value is not None
            ]
            left = width
            for cell in cells:
                if cell.cell_len > left and left < width:
                    text.append("\n")
                    left = width
                text.append_text(cell)
                left -= cell.cell_len
            text.append("\n")
        return text

    def _differing(self) -> dict[str, list[Any]] | str:
        try:
            return self.marked.differing()
        except ConfigError as error:
            return clean_line(str(error))
