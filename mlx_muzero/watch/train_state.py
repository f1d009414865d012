"""What a training journal says so far."""

from collections import deque
from dataclasses import asdict, dataclass, field
from datetime import datetime
from typing import Any, ClassVar

from mlx_muzero.config import fx_targets
from mlx_muzero.watch.curve import Curve
from mlx_muzero.watch.ending import ENDINGS
from mlx_muzero.watch.events import Event
from mlx_muzero.watch.journal_state import JournalState

_MOST_TERMS = 100
"""Losses of other names are not kept: no training has so many."""

_PACE_ROUNDS = 20
"""Rounds of collecting that the pace is taken from."""

NOTICES = frozenset(
    {
        *("begun_from", "backend_settled", "phase", "resumed", "rank_lost", "alerts", *ENDINGS),
        *("engine_restarted", "engine_lost", "engine_refreshed", "engine_refresh_failed"),
    }
)
"""Kinds of events that are told one by one."""

KEPT = 100
"""Notices that are kept."""


@dataclass
class TrainState(JournalState):
    """Folded from the events of training; it began with the last `started`.

    Attributes:
        episodes: collected.
        steps: training steps.
        losses: of each term and the total, by training step.
        gradient_norm: by training step.
        overflow_frac: share of value targets outside the support, by training step.
        expectancy_pips: of validations, by episode.
        net_pips: of validations, a session, by episode.
        win_frac: of validations, by episode.
        validation: metrics of the last one.
        validated_at: its episodes.
        targets: FX's, beside the last validation; empty without one, or in another unit.
        best: metrics of the best one.
        best_at: its episodes.
        levels: net pips a session that are known of the market: its optimum, the line's.
        forecast: what the outcome probabilities were worth at the last validation.
        collected: facts of the last round.
        learned: facts of the last line on learning.
        checkpoint: the last one saved.
        engine: the last thing heard of exported programs.
        phase: of learning; episodes and steps are its own.
        notices: phases, endings, troubles of exported programs and of alerts, oldest first.
    """

    CURVES: ClassVar[frozenset[str]] = frozenset({"collected", "learned", "validated"})

    episodes: int = 0
    steps: int = 0
    losses: dict[str, Curve] = field(default_factory=dict)
    gradient_norm: Curve = field(default_factory=Curve)
    overflow_frac: Curve = field(default_factory=Curve)
    expectancy_pips: Curve = field(default_factory=Curve)
    net_pips: Curve = field(default_factory=Curve)
    win_frac: Curve = field(default_factory=Curve)
    validation: dict[str, Any] = field(default_factory=dict)
    validated_at: int = 0
    targets: dict[str, Any] = field(default_factory=dict)
    best: dict[str, Any] = field(default_factory=dict)
    best_at: int = 0
    levels: dict[str, float] = field(default_factory=dict)
    forecast: dict[str, Any] = field(default_factory=dict)
    collected: Event = field(default_factory=dict)
    learned: Event = field(default_factory=dict)
    checkpoint: str = ""
    engine: str = ""
    phase: str = ""
    notices: deque[Event] = field(default_factory=lambda: deque(maxlen=KEPT))
    _rounds: deque[tuple[datetime, int]] = field(
        default_factory=lambda: deque(maxlen=_PACE_ROUNDS + 1)
    )

    def _take(self, kind: str, event: Event) -> None:
        if kind in NOTICES:
            self.notices.append(event)
        if handler := _HANDLERS.get(kind):
            handler(self, event)
        elif kind.startswith("engine_"):
            self.engine = f"{kind.removeprefix('engine_')}: {event.get('reason', '')}"

    @property
    def episodes_per_min(self) -> float | None:
        """Pace of the last rounds, learning and validation included."""
        if len(self._rounds) < 2:
            return None
        (first, start), (last, end) = self._rounds[0], self._rounds[-1]
        minutes = (last - first).total_seconds() / 60.0
        return (end - start) / minutes if minutes > 0 else None

    @property
    def episodes_due(self) -> int | None:
        """Episodes the run is to have in the end."""
        return self.began.get("episodes_due")

    @property
    def left_s(self) -> float | None:
        """Seconds to the end at the present pace."""
        pace, due = self.episodes_per_min, self.episodes_due
        if self.ending or not pace or due is None:
            return None
        return max(0.0, (due - self.episodes) / pace * 60.0)

    @property
    def from_bars(self) -> bool:
        """Whether bars teach the model, and no episodes are collected."""
        return self.began.get("model") == "factored"

    @property
    def stage(self) -> fx_targets.Stage | None:
        """Where in FX's timeline the self-play of a currency pair stands; None of all else."""
        if self.unit != fx_targets.UNIT or self.phase not in ("", "search") or self.from_bars:
            return None
        return fx_targets.stage_of(self.episodes, self.steps)

    def as_dict(self) -> dict[str, Any]:
        """The facts without the curves, for JSON."""
        return {
            "time": self.time_text,
            "ending": self.ending,
            "reason": self.reason,
            "phase": self.phase,
            "unit": self.unit,
            "stage": asdict(self.stage) if self.stage else {},
            "episodes": self.episodes,
            "episodes_due": self.episodes_due,
            "steps": self.steps,
            "losses": {term: series.last for term, series in self.losses.items()},
            "gradient_norm": self.gradient_norm.last,
            "overflow_frac": self.overflow_frac.last,
            "episodes_per_min": self.episodes_per_min,
            "decisions_per_s": self.collected.get("decisions_per_s"),
            "steps_per_s": self.learned.get("steps_per_s"),
            "disk_wait_s": self.learned.get("disk_wait_s"),
            "memory_mb": self.collected.get("memory_mb"),
            "left_s": self.left_s,
            "temperature": self.collected.get("temperature"),
            "actions": self.collected.get("actions", {}),
            "action_alarm": self.collected.get("alarm"),
            "replay_episodes": self.collected.get("replay_episodes"),
            "trade_frac": self.collected.get("trade_frac"),
            "forecast": self.forecast,
            "validated_at": self.validated_at,
            "validation": self.validation,
            "targets": self.targets,
            "best_at": self.best_at,
            "best": self.best,
            "checkpoint": self.checkpoint,
            "engine": self.engine,
        }

    def _started(self, event: Event) -> None:
        self.began = event
        self._rounds.clear()

    def _phase(self, event: Event) -> None:
        self.began = {**self.began, "episodes_due": event["episodes"]}
        if self.phase not in ("", event["phase"]):
            # Every phase counts its episodes and steps anew.
            self.episodes = self.steps = 0
            self._rounds.clear()
            for series in (*self.losses.values(), self.gradient_norm, self.overflow_frac):
                series.cut(0)
        self.phase = event["phase"]

    def _collected(self, event: Event) -> None:
        self.episodes = event["episodes"]
        self.collected = event
        if self.time is not None:
            self._rounds.append((self.time, self.episodes))

    def _learned(self, event: Event) -> None:
        self.steps = event["steps"]
        self.learned = event
        for term, value in {**event["losses"], "total": event["total"]}.items():
            if term in self.losses or len(self.losses) < _MOST_TERMS:
                self.losses.setdefault(term, Curve()).append(self.steps, value)
        self.gradient_norm.append(self.steps, event["gradient_norm"])
        self.overflow_frac.append(self.steps, event["overflow_frac"])

    def _validated(self, event: Event) -> None:
        self.validated_at = event.get("episodes", self.episodes)
        self.validation = event["metrics"]
        self.forecast = event.get("forecast") or {}
        if event["best"]:
            self.best_at, self.best = self.validated_at, self.validation
        expectancy = self.validation.get("expectancy_pips")
        won = self.validation.get("win_frac")
        self.expectancy_pips.append(self.validated_at, expectancy)
        net_pips = self.validation.get("net_pips_per_session")
        self.net_pips.append(self.validated_at, net_pips)
        self.win_frac.append(self.validated_at, won)
        self.targets = {}
        if self.unit == fx_targets.UNIT and expectancy is not None and won is not None:
            self.targets = fx_targets.compared(expectancy, won)

    def _levels(self, event: Event) -> None:
        told = event["net_pips_per_session"]
        self.levels = {name: value for name, value in told.items() if value is not None}

    def _saved(self, event: Event) -> None:
        self.checkpoint = event["checkpoint"]

    def _resumed(self, event: Event) -> None:
        """The run went back to a checkpoint: what came after it happens again."""
        self.episodes, self.steps = event["episodes"], event["steps"]
        for series in (*self.losses.values(), self.gradient_norm, self.overflow_frac):
            series.cut(self.steps)
        for series in (self.expectancy_pips, self.net_pips, self.win_frac):
            series.cut(self.episodes)
        self._rounds.clear()


_HANDLERS = {
    "started": TrainState._started,
    "levels": TrainState._levels,
    "phase": TrainState._phase,
    "collected": TrainState._collected,
    "advanced": TrainState._collected,
    "learned": TrainState._learned,
    "validated": TrainState._validated,
    "saved": TrainState._saved,
    "resumed": TrainState._resumed,
}
