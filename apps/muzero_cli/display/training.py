"""Progress of training on stderr: a live panel on a terminal, else a line every few seconds."""

import os
import time
from collections import deque
from dataclasses import replace
from datetime import timedelta
from typing import Self

import numpy as np
from rich.console import RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.table import Table
from rich.text import Text

from mlx_muzero.config import fx_targets
from mlx_muzero.errors import RankLost
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.files.disk_waits import RecentWaits
from mlx_muzero.runlog.closeable import Closeable
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Assessment, Counters, Listener
from mlx_muzero.training.replay import Episodes
from muzero_cli.display.assessment import assessment_line, assessment_report
from muzero_cli.display.console import say
from muzero_cli.display.pace import Pace
from muzero_cli.display.terminal import TerminalConsole

REDRAWS_PER_S = 4
SECONDS_BETWEEN_LINES = 10.0
RECENT_STEPS = 50


class TrainingDisplay(Listener, Closeable):
    """Shows the progress of a `Trainer`.

    Args:
        console: where.
        action_names: of the run.
        minutes: after which training stops, if any.
        unit: of one pip, in words.
        from_bars: whether bars teach the model, so that nothing is played but to validate.
    """

    def __init__(
        self,
        console: TerminalConsole,
        action_names: tuple[str, ...],
        minutes: float | None,
        unit: str = "pips",
        *,
        from_bars: bool = False,
    ) -> None:
        self._console = console
        self._action_names = action_names
        self._phase, self._episodes = "", 1
        self._unit = unit
        self._from_bars = from_bars
        self._limit_s = None if minutes is None else 60.0 * minutes
        self._began = self._line_at = time.monotonic()
        self._pace = Pace()
        self._counters = Counters()
        self._decisions = 0
        self._deciding_since: float | None = None
        self._decisions_per_s = 0.0
        self._reports: deque[StepReport] = deque(maxlen=RECENT_STEPS)
        self._action_shares: dict[str, float] = {}
        self._validation = "none yet"
        self._waits = RecentWaits()
        self._live = Live(
            console=console, get_renderable=self._panel, refresh_per_second=REDRAWS_PER_S
        )

    def phase_begun(self, counters: Counters, episodes: int) -> None:
        """Start showing a phase, from where it stands."""
        self._pace = Pace()
        self._at(counters)
        self._phase, self._episodes = counters.phase, episodes
        self._validation = "none yet"
        self._reports.clear()
        if counters.phase != "search":
            self._say(f"{counters.phase} phase: {episodes:,} episodes of scripted policies")

    def __enter__(self) -> Self:
        """Start drawing."""
        if self._console.is_terminal:
            self._live.start()
        return self

    def close(self) -> None:
        """Stop drawing, leaving the last panel on the screen."""
        if self._live.is_started:
            self._live.stop()

    def decided(self, count: int) -> None:
        """Count decisions, for the rate since searching last started."""
        now = time.monotonic()
        if self._deciding_since is None:
            self._deciding_since, self._decisions = now, 0
        else:
            self._decisions += count
            self._decisions_per_s = self._decisions / (now - self._deciding_since)
        self._line()

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """Show the round's action shares."""
        self._at(counters)
        counts = np.bincount(episodes.action.ravel(), minlength=len(self._action_names))
        shares = (counts / counts.sum()).tolist()
        self._action_shares = dict(zip(self._action_names, shares, strict=True))

    def advanced(self, counters: Counters) -> None:
        """Show how far the training is."""
        self._at(counters)

    def learned(self, report: StepReport, counters: Counters) -> None:
        """Show the losses."""
        self._at(counters)
        self._reports.append(report)
        self._line()

    def validated(
        self, metrics: Metrics, counters: Counters, is_best: bool, dropped_of: int | None
    ) -> None:
        """Show the result of a validation, and print it as a line that stays."""
        self._at(counters)
        self._validation = (
            f"expectancy {metrics.expectancy_pips:+.2f} {self._unit}, win {metrics.win_frac:.0%}, "
            f"{metrics.trades} trades, net {metrics.net_pips:+.0f} {self._unit} in "
            f"{metrics.sessions} sessions"
        )
        if dropped_of is not None:
            self._validation += f" of {dropped_of}, then dropped as likely below the best"
        if self._unit == fx_targets.UNIT:
            self._validation += f" (target: {fx_targets.TARGETS})"
        best = "  (best so far)" if is_best else ""
        self._say(f"episode {counters.episodes}: validation {self._validation}{best}")

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """Show an assessment, and print it as a line that stays; in full when the phase ends."""
        self._at(counters)
        self._validation = assessment_line(assessment, self._unit)
        best = "  (best so far)" if is_best else ""
        self._say(f"episode {counters.episodes}: {self._validation}{best}")
        if counters.episodes == self._episodes:
            self._console.print(assessment_report(assessment, self._unit))

    def abandoned(self, error: RankLost) -> None:
        """Print why, and end this process, whose main thread cannot be woken."""
        self._say(f"error: {error}")
        os._exit(error.exit_code)

    def engine_changed(self, event: EngineEvent) -> None:
        """Print the event as a line that stays."""
        self._say(str(event))

    def _say(self, text: str) -> None:
        say(self._console, text)

    def _at(self, counters: Counters) -> None:
        # A copy, because the trainer keeps counting in its own.
        self._counters = replace(counters)
        self._pace.reach(counters.episodes, time.monotonic())
        self._deciding_since = None

    def _line(self) -> None:
        """Print a line every few seconds if there is no terminal to redraw."""
        now = time.monotonic()
        if not self._console.is_terminal and now - self._line_at >= SECONDS_BETWEEN_LINES:
            self._line_at = now
            facts = "; ".join(f"{name} {value}" for name, value in self._facts())
            self._say(facts)

    def _facts(self) -> list[tuple[str, str]]:
        shares = "  ".join(f"{name} {share:.0%}" for name, share in self._action_shares.items())
        return [
            ("phase", self._phase),
            *self._stage(),
            ("episodes", f"{self._counters.episodes:,} of {self._episodes:,}"),
            ("training steps", f"{self._counters.steps:,}"),
            ("losses", self._losses()),
            *([] if self._from_bars else [("decisions/s", f"{self._decisions_per_s:.0f}")]),
            *([("reading", waited)] if (waited := self._waits.in_words()) else []),
            *([] if self._from_bars else [("actions", shares or "none yet")]),
            ("validation", self._validation),
            ("time", f"{_clock(self._elapsed_s)}, {self._left()} left"),
        ]

    def _stage(self) -> list[tuple[str, str]]:
        """The stage of a currency pair's search phase in the FX specification's timeline."""
        if self._unit != fx_targets.UNIT or self._phase != "search" or self._from_bars:
            return []
        stage = fx_targets.stage_of(self._counters.episodes, self._counters.steps)
        return [("stage", f"{stage.name}: {stage.hint}")]

    def _losses(self) -> str:
        if not self._reports:
            return "none yet"
        means = {
            term: np.mean([report.losses[term] for report in self._reports])
            for term in self._reports[0].losses
        }
        total = np.mean([report.total for report in self._reports])
        return f"{total:.3f} = " + "  ".join(f"{term} {mean:.3f}" for term, mean in means.items())

    @property
    def _elapsed_s(self) -> float:
        return time.monotonic() - self._began

    def _done_frac(self) -> float:
        by_episodes = self._counters.episodes / self._episodes
        if self._limit_s is None:
            return by_episodes
        by_time = self._elapsed_s / self._limit_s if self._limit_s else 1.0
        return min(1.0, max(by_episodes, by_time))

    def _left(self) -> str:
        """The phase's time left at its pace so far, or until the time limit if that is sooner."""
        candidates = [] if self._limit_s is None else [max(0.0, self._limit_s - self._elapsed_s)]
        if (left_s := self._pace.left_s(self._episodes, time.monotonic())) is not None:
            candidates.append(left_s)
        return _clock(min(candidates)) if candidates else "unknown time"

    def _panel(self) -> RenderableType:
        table = Table.grid(padding=(0, 2))
        table.add_row("", ProgressBar(total=1.0, completed=self._done_frac(), width=60))
        for name, value in self._facts():
            table.add_row(Text(name, style="bold"), Text(value))
        return table


def _clock(seconds: float) -> str:
    return str(timedelta(seconds=round(seconds)))
