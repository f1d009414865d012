"""The training loop: collect, learn, validate, save; the same run whether or not it was stopped.

What comes next depends only on counters (`Counters`), and every random number is named by them, so
a run resumed from a checkpoint does what the uninterrupted run would have done. With
`collect.backend` set, rounds are played beside all this, with weights whose age depends on time.
"""

import os
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from typing import Protocol

import numpy as np

from mlx_muzero import rng
from mlx_muzero.agent import Agent
from mlx_muzero.config import Config
from mlx_muzero.coreml.deployment import EngineEvent
from mlx_muzero.errors import TrainingDiverged
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.calibration import outcome_calibration
from mlx_muzero.evaluation.metrics import Metrics, action_alarm
from mlx_muzero.journal import Journal
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.memory import peak_memory_mb
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.background_collector import BackgroundCollector
from mlx_muzero.training.checkpoint import Checkpoint
from mlx_muzero.training.collector import Collector, Round, temperature
from mlx_muzero.training.decisions import record_decisions
from mlx_muzero.training.learner import Learner, StepReport
from mlx_muzero.training.models import build_model
from mlx_muzero.training.refresher import Refresher
from mlx_muzero.training.replay import Episodes, ReplayBuffer
from mlx_muzero.training.run import RunFolder, misfit, require_schema, schema
from mlx_muzero.training.targets import make_batch

STEPS_PER_JOURNAL_LINE = 20


class StopRequested(Exception):
    """Raised between two decisions or training steps when the caller wants the run to stop."""


@dataclass
class Counters:
    """How far a run is; all that decides what it does next.

    Attributes:
      episodes: collected.
      steps: training steps.
      validated_at: episodes at the last validation.
      saved_at: episodes at the last checkpoint.
      saves: checkpoints written; they are named by it.
      best_pips: of the best validation so far, a trade or a session (`train.best_by`).
      best_sqn: quality score of it, which breaks ties.
    """

    episodes: int = 0
    steps: int = 0
    validated_at: int = 0
    saved_at: int = 0
    saves: int = 0
    best_pips: float | None = None
    best_sqn: float = 0.0


class Listener(Protocol):
    """Hears what the trainer does, while it does it."""

    def decided(self, count: int) -> None:
        """`count` more decisions were searched."""

    def collected(self, episodes: Episodes, counters: Counters) -> None:
        """A round of episodes is in the replay buffer."""

    def learned(self, report: StepReport, counters: Counters) -> None:
        """One training step is done."""

    def validated(self, metrics: Metrics, counters: Counters, is_best: bool) -> None:
        """A validation is done."""

    def engine_changed(self, event: EngineEvent) -> None:
        """Something happened to the programs that collect."""


@dataclass
class Trainer:
    """One training run in `folder`; `resume` continues it, `run` does the work.

    Attributes:
      config: of the run.
      dataset: bars, features and outcomes.
      rules: of trading.
      folder: where journal and checkpoints go.
      listener: told of progress.
      stop: polled between decisions and steps; True ends `run` after a checkpoint.
    """

    config: Config
    dataset: MarketDataset
    rules: TradingRules
    folder: RunFolder
    listener: Listener
    stop: Callable[[], bool]
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        """Build model, agent, replay and collectors from the configuration."""
        self.learner = Learner(build_model(self.config, self.rules.table), self.config.train)
        self.playing = build_model(self.config, self.rules.table)
        self.agent = Agent(self.playing, self.config.search, self.rules.table, len(OUTCOME_NAMES))
        self.replay = ReplayBuffer(
            self.config.replay,
            self.config.train.seed,
            steps=self.config.market.session_bars,
            actions=len(self.rules.table.action_names),
            position_features=len(self.rules.position_features),
        )
        self.collector = Collector(self.config, self.dataset, self.rules)
        self.background = None
        backend = self.config.collect.backend
        if backend != "same":
            exports = self.folder.collector_path
            refresher = Refresher(self.config, backend, self.dataset, self.rules, exports)
            self.background = BackgroundCollector(
                self.config, self.rules, self.collector, self.learner, refresher
            )
        self.journal = Journal(self.folder.journal_path)
        self._learning_s = 0.0  # since the last line on it
        self._first_step = 0
        self._validation_starts = self.dataset.evaluation_starts(
            "validation", self.config.train.validate_sessions
        )

    def resume(self) -> None:
        """Go back to the newest checkpoint of the run folder, if it has one.

        Raises:
          RunError: it is damaged, or was not written for this configuration or program.
        """
        path = self.folder.checkpoints.latest()
        if path is None:
            return
        saved = checkpoints.load(path)
        require_schema(saved.state, self.config, self.rules.table, path)
        try:
            self.learner.restore(saved.weights, saved.optimizer)
            self.replay.restore(saved.replay)
            self.counters = Counters(**saved.state["counters"])
        except (ValueError, KeyError, TypeError) as error:
            raise misfit(path, error) from error
        self.learner.steps = self._first_step = self.counters.steps
        self.journal.append("resumed", checkpoint=path.name, **asdict(self.counters))

    def run(self) -> bool:
        """Train until the configured episodes are done or `stop`; True if they are done.

        Raises:
          TrainingDiverged: a loss or the gradient is not finite; checkpoints are left as they are.
        """
        self._journal_start()
        try:
            while self._act():
                self._poll()
        except StopRequested:
            self._save()
            self.journal.append("stopped", **asdict(self.counters))
            return False
        except TrainingDiverged as error:
            self.journal.append("diverged", reason=str(error), **asdict(self.counters))
            raise
        finally:
            if self.background is not None:
                self.background.close()
        self._save()
        self.journal.append("finished", **asdict(self.counters))
        return True

    def _journal_start(self) -> None:
        replay, table = self.config.replay, self.rules.table
        self.journal.append(
            "started",
            pid=os.getpid(),
            symbol=self.config.market.symbol,
            actions=list(table.action_names),
            outcomes=list(OUTCOME_NAMES),
            episodes_due=self.config.train.episodes,
            replay_capacity=replay.max_episodes,
            min_trade_frac=replay.min_trade_frac,
            backend=self.agent.backend,
        )

    def _act(self) -> bool:
        """Do the one thing that is due; False when nothing is left to do."""
        counters, train = self.counters, self.config.train
        if counters.steps < self._steps_due():
            self._learn()
        elif counters.episodes - counters.validated_at >= train.validate_interval:
            self._validate()
        elif counters.episodes - counters.saved_at >= train.checkpoint_interval:
            self._save()
        elif counters.episodes < train.episodes:
            self._collect()
        elif counters.validated_at < counters.episodes:
            self._validate()
        else:
            return False
        return True

    def _steps_due(self) -> int:
        if len(self.replay) < min(self.config.replay.min_episodes, self.config.train.episodes):
            return 0
        return int(self.counters.episodes * self.config.train.steps_per_episode)

    def _collect(self) -> None:
        first = self.counters.episodes
        if self.background is None:
            self._play_what_is_learned()
            played = self.collector.play_round(
                self.agent, self.counters.steps, first, self._decided
            )
        else:
            played = self.background.collect(first, self._decided)
        self.replay.add(played.episodes)
        self.counters.episodes += len(played.episodes)
        self._journal_round(played, first)
        self.listener.collected(played.episodes, self.counters)

    def _journal_round(self, played: Round, first: int) -> None:
        episodes, names = played.episodes, self.rules.table.action_names
        actions = np.bincount(episodes.action.ravel(), minlength=len(names))
        self.journal.append(
            "collected",
            episodes=self.counters.episodes,
            decisions_per_s=episodes.action.size / played.seconds,
            reward_mean=float(episodes.reward.sum(axis=1).mean()),
            actions=dict(zip(names, actions.tolist(), strict=True)),
            alarm=action_alarm(actions),
            trade_frac=self.replay.trade_frac,
            replay_episodes=len(self.replay),
            memory_mb=peak_memory_mb(),
            temperature=float(temperature(self.config.collect, np.array([first]))[0]),
            backend=played.backend,
            weights_steps=played.weights_steps,
        )

    def _learn(self) -> None:
        began, train = time.perf_counter(), self.config.train
        keys = rng.key(
            train.seed, rng.Stream.BATCH, self.counters.steps, np.arange(train.batch_size)
        )
        slot, step = self.replay.sample(keys)
        batch = make_batch(
            self.replay.episodes,
            slot,
            step,
            self.dataset,
            unroll_steps=train.num_unroll_steps,
            td_steps=train.td_steps,
            discount=self.config.search.discount,
        )
        report = self.learner.step(batch)
        self.counters.steps = self.learner.steps
        self._learning_s += time.perf_counter() - began
        if self.counters.steps % STEPS_PER_JOURNAL_LINE == 0:
            self._journal_learning(report)
        if self.background is not None:
            self.background.learned()
        self.listener.learned(report, self.counters)

    def _journal_learning(self, report: StepReport) -> None:
        """One line for the last `STEPS_PER_JOURNAL_LINE` steps; the first of a resumed run less."""
        steps = min(STEPS_PER_JOURNAL_LINE, self.counters.steps - self._first_step)
        self.journal.append(
            "learned",
            steps=self.counters.steps,
            **asdict(report),
            steps_per_s=steps / self._learning_s,
        )
        self._learning_s = 0.0

    def _play_what_is_learned(self) -> None:
        self.playing.load_weights(list(self.learner.playing_weights().items()), strict=True)
        self.agent.refresh()

    def _validate(self) -> None:
        self._play_what_is_learned()
        policy = SearchPolicy(self.agent, self.config.search.num_simulations)
        metrics = backtest(
            policy, self.dataset, self.rules, self._validation_starts, self._decided
        ).metrics
        self.counters.validated_at = self.counters.episodes
        is_best = self._is_best(metrics)
        if is_best:
            self.counters.best_pips = self._pips(metrics)
            self.counters.best_sqn = metrics.sqn
        self.journal.append(
            "validated",
            episodes=self.counters.episodes,
            steps=self.counters.steps,
            best=is_best,
            metrics=metrics.as_dict(),
            calibration=asdict(
                outcome_calibration(self.playing, self.dataset, self.rules, self._validation_starts)
            ),
        )
        record_decisions(
            self.folder.decisions_path,
            self.agent,
            self.dataset,
            self.rules,
            self._validation_starts,
            self.config.search.num_simulations,
            self.counters.episodes,
        )
        self.listener.validated(metrics, self.counters, is_best)
        if is_best:
            self._save(best=True)

    def _is_best(self, metrics: Metrics) -> bool:
        """Best by pips, ties by the quality score (FX "Validation Process", design 3.11)."""
        best = self.counters.best_pips
        if best is None:
            return True
        return (self._pips(metrics), metrics.sqn) > (best, self.counters.best_sqn)

    def _pips(self, metrics: Metrics) -> float:
        by_trade = self.config.train.best_by == "expectancy"
        return metrics.expectancy_pips if by_trade else metrics.net_pips_per_session

    def _save(self, *, best: bool = False) -> None:
        self.counters.saved_at = self.counters.episodes
        self.counters.saves += 1
        weights, optimizer = self.learner.arrays()
        checkpoint = Checkpoint(
            weights=weights,
            optimizer=optimizer,
            replay=self.replay.state(),
            state={"counters": asdict(self.counters), **schema(self.config, self.rules.table)},
        )
        name = f"{self.counters.saves:06d}-episode-{self.counters.episodes:06d}"
        path = self.folder.checkpoints.save(name, checkpoint, best=best)
        self.journal.append("saved", checkpoint=path.name, best=best)

    def _decided(self, count: int) -> None:
        self.listener.decided(count)
        self._poll()

    def _poll(self) -> None:
        if self.background is not None:
            for event in self.background.events():
                self.journal.append(event.event, reason=event.reason, backend=event.backend)
                self.listener.engine_changed(event)
        if self.stop():
            raise StopRequested
