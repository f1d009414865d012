"""Writes a training run's rounds and steps to its journal (docs/training.md)."""

import os
from collections.abc import Mapping
from dataclasses import asdict
from pathlib import Path

import mlx.core as mx
import numpy as np

from mlx_muzero.agent.backend_choice import trained_precision
from mlx_muzero.config.choices import Backend, ConcreteBackend, PhaseName
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.metrics import Metrics, action_alarm
from mlx_muzero.files.disk_waits import DISK_WAITS
from mlx_muzero.machine import peak_memory_mb
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.numerics import numerics
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.collector import Round, temperature
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.phases.schedule import episodes_of
from mlx_muzero.training.progress import Assessment, Counters
from mlx_muzero.training.replay import ReplayBuffer
from mlx_muzero.training.run import BACKEND_SETTLED

STEPS_PER_LINE = 20


class TrainingJournal(Journal):
    """The journal of a run; a path of None makes it discard everything, for other ranks."""

    def __init__(self, path: Path | None, config: Config, rules: TradingRules) -> None:
        super().__init__(path)
        self._config = config
        self._rules = rules
        self._steps = 0  # since the last line about them
        self._seconds = 0.0
        self._waited = DISK_WAITS.seconds

    def settled(
        self, backend: Backend, root_backend: Backend, leaves_per_s: Mapping[ConcreteBackend, float]
    ) -> None:
        """Record what "auto" was settled on, before the run first starts."""
        self.append(
            BACKEND_SETTLED,
            backend=backend,
            root_backend=root_backend,
            leaves_per_s=dict(leaves_per_s),
        )

    def started(self, phase: PhaseName, backend: Backend) -> None:
        """Record that the process starts in `phase`, searching with `backend`."""
        replay, table = self._config.replay, self._rules.table
        self.append(
            "started",
            pid=os.getpid(),
            device=str(mx.default_device().type).rpartition(".")[2],
            symbol=self._config.market.symbol,
            unit=self._rules.unit,
            model=self._config.model.kind,
            actions=list(table.action_names),
            outcomes=list(OUTCOME_NAMES),
            episodes_due=episodes_of(self._config.train, phase),
            replay_capacity=replay.max_episodes,
            min_trade_frac=replay.min_trade_frac,
            backend=backend,
            numerics=numerics(trained_precision(self._config.search)),
        )

    def levels(self, net_pips_per_session: Mapping[str, float]) -> None:
        """Record what is known to be earned on the market a session, by name."""
        self.append("levels", net_pips_per_session=dict(net_pips_per_session))

    def collected(
        self, played: Round, first: int, counters: Counters, replay: ReplayBuffer
    ) -> None:
        """Record that a round starting with episode `first` was added to the buffer."""
        episodes, names = played.episodes, self._rules.table.action_names
        actions = np.bincount(episodes.action.ravel(), minlength=len(names))
        self.append(
            "collected",
            episodes=counters.episodes,
            decisions_per_s=episodes.action.size / played.seconds,
            reward_mean=float(episodes.reward.sum(axis=1).mean()),
            actions=dict(zip(names, actions.tolist(), strict=True)),
            alarm=action_alarm(actions),
            trade_frac=replay.trade_frac,
            replay_episodes=len(replay),
            memory_mb=peak_memory_mb(),
            temperature=float(temperature(self._config.collect, np.array([first]))[0]),
            backend=played.backend,
            weights_steps=played.weights_steps,
        )

    def advanced(self, counters: Counters) -> None:
        """Record progress in a phase that learns from bars and plays no episodes."""
        self.append("advanced", episodes=counters.episodes, memory_mb=peak_memory_mb())

    def learned(self, report: StepReport, counters: Counters, seconds: float) -> None:
        """Record a training step that took `seconds`; `STEPS_PER_LINE` steps make one line."""
        self._steps += 1
        self._seconds += seconds
        if counters.steps % STEPS_PER_LINE:
            return
        waited = DISK_WAITS.seconds - self._waited
        self.append(
            "learned",
            steps=counters.steps,
            **asdict(report),
            steps_per_s=self._steps / self._seconds,
            **({"disk_wait_s": waited} if waited else {}),
        )
        self._steps, self._seconds, self._waited = 0, 0.0, self._waited + waited

    def validated(
        self,
        metrics: Metrics,
        forecast: OutcomeForecast,
        counters: Counters,
        is_best: bool,
        dropped_of: int | None,
    ) -> None:
        """Record the validation of a search: its backtest and the quality of its forecasts."""
        self.append(
            "validated",
            episodes=counters.episodes,
            steps=counters.steps,
            best=is_best,
            **({} if dropped_of is None else {"dropped_of_sessions": dropped_of}),
            metrics=metrics.as_dict(),
            forecast=asdict(forecast),
        )

    def assessed(self, assessment: Assessment, counters: Counters, is_best: bool) -> None:
        """Record the validation of a supervised phase."""
        self.append(
            "assessed",
            phase=counters.phase,
            episodes=counters.episodes,
            steps=counters.steps,
            best=is_best,
            report=assessment.as_dict(),
        )
