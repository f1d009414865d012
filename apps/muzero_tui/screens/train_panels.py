"""The panels of the train screen."""

from textwrap import wrap
from typing import Any, ClassVar

from rich.text import Text
from textual.content import Content

from mlx_muzero.config import fx_targets
from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.run_curves import (
    EXPECTANCY,
    GRADIENT_NORM,
    LOSS,
    NET,
    OVERFLOW,
    TOTAL_LOSS,
    WIN_RATE,
    curves_of,
    validated,
)
from mlx_muzero.watch.train_state import TrainState
from muzero_tui.curves import draw_curves
from muzero_tui.formats import bar, duration, fitting, number, percent, signed
from muzero_tui.paint import Paint
from muzero_tui.plotting import Line, View
from muzero_tui.widgets.panel import Panel, PlotPanel

_BIN_WIDTH = 13
_LEAST_PART = 26
_METRICS = {
    EXPECTANCY: "expectancy_pips",
    NET: "net_pips_per_session",
    WIN_RATE: "win_frac",
}
"""By the name of its curve, what a validation's event calls a figure."""
_FROM_BARS = "bars teach a factored model, it collects none"
ALARMS = "notice over 40 %, warning over 60 %, critical over 90 %"


class TrainPanel(Panel):
    """A panel about training."""

    @property
    def state(self) -> TrainState:
        """The state shown; an empty one if the run is not a training run."""
        state = self.watched.state
        return state if isinstance(state, TrainState) else TrainState()


class LossPlot(PlotPanel, TrainPanel):
    """The losses."""

    TITLE = "losses"
    HELP: ClassVar[str] = (
        "Mean unweighted losses of every 20th training step; the total is their weighted sum.\n"
        "v shows the next curve: each term, the gradient's norm before clipping, and the share of "
        "value targets outside the support (widen model.value_min and value_max if it is not 0).\n"
        "+ - zoom, left and right move, z maximizes, space pauses."
    )

    @property
    def curves(self) -> tuple[str, ...]:
        """The total first."""
        terms = [f"{LOSS}{term}" for term in self.state.losses if term != "total"]
        return (TOTAL_LOSS, *terms, GRADIENT_NORM, OVERFLOW)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """The terms that fit on one line, the shown one first, and its curve."""
        state, name = self.state, self.curve
        shown = name.removeprefix(LOSS)
        self.border_title = Content(f"losses: {clean_line(shown)}")
        terms = sorted(state.losses, key=lambda term: (term != shown, term != "total"))
        parts = []
        for term in terms:
            style = f"bold {paint.accent}" if term == shown else ""
            figure = f"{number(state.losses[term].last, 3)}  "
            parts.append(Text.assemble((f"{clean_line(term)} ", "dim"), (figure, style)))
        lines = [Line(curves_of(self.watched).get(name, Curve()), paint.curve)]
        curve = draw_curves(name, lines, width, height - 1, self.view)
        return fitting(parts, width).append("\n").append_text(curve)


class LossParts(TrainPanel):
    """Every loss's curve, side by side."""

    TITLE = "parts of the loss"
    HELP: ClassVar[str] = (
        "The unweighted loss of every part over the training steps, each on a scale of its own, "
        "with its last value. The panel of losses shows one of them in full."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """As many as there is room for, in columns."""
        terms = [term for term in self.state.losses if term != "total"]
        if not terms:
            return Text("no data: nothing learned yet", paint.muted)
        fit = max(min(len(terms), width // _LEAST_PART), 1)
        room = width // fit
        blocks = [self._part(term, room - 1, height, paint) for term in terms[:fit]]
        text = Text(no_wrap=True)
        for row in range(height):
            for block in blocks:
                line = block[row].copy() if row < len(block) else Text("")
                line.truncate(room - 1)
                text.append_text(line).append(" " * (room - line.cell_len))
            text.append("\n")
        return text

    def _part(self, term: str, width: int, height: int, paint: Paint) -> list[Text]:
        series = self.state.losses[term]
        head = Text.assemble((f"{clean_line(term)} ", "dim"), (number(series.last, 3), "bold"))
        lines = [Line(series, paint.curve)]
        drawn = draw_curves(f"{LOSS}{term}", lines, width, height - 1, View())
        return [head, *drawn.split("\n")]


class ValidationPlot(PlotPanel, TrainPanel):
    """The results of validations."""

    TITLE = "validation"
    HELP: ClassVar[str] = (
        "Sessions of the validation split played with search and without noise.\n"
        "First comes what chooses the best checkpoint (train.best_by), which ★ marks: net pips a "
        "session, or expectancy, net pips per trade after costs; basis points (bps) if the run "
        "counts in those. v shows the others; win is the share of trades with a net profit. "
        "Evaluation and export use the best one.\n"
        "Dashed, on a planted market: the net pips a session of its optimum, and of the line, a "
        "linear model fitted on it.\n"
        "In the title, for a currency pair: the FX specification's target."
    )

    @property
    def curves(self) -> tuple[str, ...]:
        """What chooses the best checkpoint first."""
        return validated(self.watched)

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """The last validation, the best one, and one curve over episodes."""
        state, name = self.state, self.curve
        series, metric = curves_of(self.watched).get(name, Curve()), _METRICS[name]
        unit = self.watched.unit
        targets = {EXPECTANCY: fx_targets.EXPECTANCY_TEXT, WIN_RATE: fx_targets.WIN_TEXT}
        title = [f"validation: {f'net {unit} a session' if name == NET else name}"]
        if state.targets and name in targets:
            title.append(f", target {targets[name]}")
        if name == EXPECTANCY:
            title.append(f", {unit}")
        self.border_title = Content(fitting([*map(Text, title)], max(width - 4, 1)).plain)
        best = state.best.get(metric)
        curve = draw_curves(
            name,
            [Line(series, paint.curve)],
            width,
            height - 1,
            self.view,
            levels=state.levels if name == NET else None,
            star=None if best is None else (state.best_at, best, f"bold {paint.accent}"),
        )
        head = fitting(
            [
                *_validation("last", state.validated_at, state.validation, metric, paint),
                *_validation("best", state.best_at, state.best, metric, paint),
            ],
            width,
        )
        return head.append("\n").append_text(curve)


class Progress(TrainPanel):
    """How far training is, and how fast."""

    TITLE = "progress"
    HELP: ClassVar[str] = (
        "Episodes collected, of all that are due. The pace is that of the last 20 rounds, with "
        "learning and validation; the time left follows from it. decisions/s counts collecting "
        "only, steps/s learning only; memory is the process's peak, and computes tells the "
        "search.precision in force. If features do not fit in memory, the wait for them in the "
        "last 20 training steps follows.\n"
        "In the title, for a currency pair: its stage in the FX specification's timeline. Buffer "
        "collection: nothing is learned yet. Early training, to episode 500: high exploration, "
        "actions should stay diverse. Learning, to 5,000: expectancy moves toward positive. "
        "Refinement: it stays positive, with less exploration."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """A bar and the figures."""
        state = self.state
        due, stage = state.episodes_due, state.stage
        self.border_title = f"{self.TITLE}: {stage.name}" if stage else self.TITLE
        share = state.episodes / due if due else 0.0
        text = Text().append(bar(share, max(width - 5, 1)), paint.curve)
        text.append(f"{percent(share):>5}\n" if due else "\n")
        of = f" of {due:,}" if due else ""
        left = f", {duration(state.left_s)} left" if state.left_s is not None else ""
        ending = f", {state.ending}" if state.ending else left
        _pair(text, "episodes", f"{state.episodes:,}{of}{ending}", width)
        pace = f"{number(state.episodes_per_min, 3)} ep./min"
        _pair(text, "pace", f"{pace}, {number(state.learned.get('steps_per_s'), 3)} steps/s", width)
        rate = f"{number(state.collected.get('decisions_per_s'))} decisions/s"
        searched = f"{rate}, {state.collected.get('backend', '-')}"
        _pair(text, "search", "to validate only" if state.from_bars else searched, width)
        memory = f"{number(state.collected.get('memory_mb'))} MB"
        if waited := state.learned.get("disk_wait_s"):
            memory += f", waited {number(waited, 2)} s for the disk"
        memory += f", computes in {self.watched.precision}"
        _pair(text, "memory", memory, width)
        _pair(text, "saved", state.checkpoint or "not yet", width)
        if state.reason:
            text.append(clean_line(state.reason), paint.bad)
        elif state.engine:
            text.append(clean_line(state.engine), paint.muted)
        elif stage:
            text.append("\n".join(wrap(stage.hint, max(width, 1))), paint.muted)
        return text


class Actions(TrainPanel):
    """Which actions are played."""

    TITLE = "actions"
    HELP: ClassVar[str] = (
        "Shares of the actions in the last round of collecting. The largest sets the alarm: "
        f"healthy up to 40 %, {ALARMS}. A policy that only holds has collapsed.\n"
        "Temperature: at 1, actions are drawn in proportion to their visits; below 1, the most "
        "visited are preferred."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """One bar per action."""
        counts = self.state.collected.get("actions", {})
        alarm = self.state.collected.get("alarm")
        total = sum(counts.values())
        if not total:
            why = _FROM_BARS if self.state.from_bars else "no rounds collected yet"
            return Text(f"no data: {why}", paint.muted)
        heat = number(self.state.collected.get("temperature"), 3)
        text = Text().append(f"{alarm or 'unknown'}", f"bold {paint.alarm(alarm)}")
        text.append(f"  temperature {heat}\n", paint.muted)
        largest = max(counts, key=lambda name: counts[name])
        for name, count in counts.items():
            style = paint.alarm(alarm) if name == largest else paint.curve
            text.append(f"{name[:7]:7} ").append(bar(count / total, width - 13), style)
            text.append(f"{count / total:5.0%}\n")
        return text


class Replay(TrainPanel):
    """The episodes that training learns from."""

    TITLE = "replay"
    HELP: ClassVar[str] = (
        "The replay buffer: how many episodes it holds of those that fit, and the share that ever "
        "held a position, next to its quota (replay.min_trade_frac). Below the quota, episodes "
        "without a trade are dropped first. Overflow is the share of value targets outside the "
        "support: widen model.value_min and model.value_max if it is not 0."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Bars of fill and trades, and the overflow."""
        state, room = self.state, max(width - 27, 1)
        held, capacity = state.collected.get("replay_episodes"), state.began.get("replay_capacity")
        traded, quota = state.collected.get("trade_frac"), state.began.get("min_trade_frac")
        text = Text()
        short = traded is not None and quota is not None and traded < quota
        if state.from_bars:
            text.append(f"no episodes: {_FROM_BARS}\n", paint.muted)
        else:
            share = held / capacity if held is not None and capacity else None
            text.append("filled  ", "dim").append(bar(share, room), paint.curve)
            text.append(f" {number(held)}/{number(capacity)}\n")
            text.append("trading ", "dim").append(
                bar(traded, room), paint.warning if short else paint.curve
            )
            text.append(f" {percent(traded)} of {percent(quota)} wanted\n")
        if short:
            text.append("below the quota: drops episodes without a trade first\n", paint.warning)
        overflow = state.overflow_frac.last
        style = paint.warning if overflow else paint.muted
        text.append("support overflow ", "dim").append(f"{percent(overflow, 2)}\n", style)
        text.append("gradient norm    ", "dim").append(f"{number(state.gradient_norm.last)}\n")
        return text


class OutcomeCalibration(TrainPanel):
    """How well the predicted outcomes match what happened."""

    TITLE = "outcome calibration"
    HELP: ClassVar[str] = (
        "At the last validation: how often each outcome was predicted and how often it occurred; "
        "then the predicted probabilities of all outcomes, in bins of a tenth, and the share that "
        "came true. Error is the mean distance between the two."
    )

    def draw(self, width: int, height: int, paint: Paint) -> Text:
        """Outcomes, then bins."""
        found = self.state.forecast
        if not found:
            return Text("no data: no validation yet", paint.muted)
        names = self.state.began.get("outcomes", [])
        text = Text().append(f"error {found['calibration_error']:.3f}\n", "bold")
        for name, said, came in zip(names, found["predicted"], found["realized"], strict=False):
            text.append(f"{name[:7]:8}").append(bar(said, max(width - 23, 1)), paint.curve)
            text.append(f" {said:4.0%} real {came:4.0%}\n")
        text.append("bins: predicted > real\n", "dim")
        a_line = max(width // _BIN_WIDTH, 1)
        for place, part in enumerate(found["calibration"], 1):
            said, came = part["predicted"], part["observed"]
            text.append(f"{said:4.0%} > {came:4.0%}".ljust(_BIN_WIDTH))
            text.append("\n" if place % a_line == 0 else "")
        return text


def _validation(word: str, at: int, found: dict[str, Any], metric: str, paint: Paint) -> list[Text]:
    """A validation in a few words, the most important first; none if there was none."""
    if not found:
        return []
    pips = found.get(metric if metric != "win_frac" else "expectancy_pips")
    head = Text.assemble((f"{word}@{at} ", "dim"), (signed(pips), paint.sign(pips)))
    won = f" win {percent(found.get('win_frac'))}"
    return [head, Text(won), Text(f" {number(found.get('trades'))} trades  ", "dim")]


def _pair(text: Text, name: str, value: str, width: int) -> None:
    text.append(f"{name:9}", "dim").append(f"{value[: max(width - 9, 1)]}\n")
