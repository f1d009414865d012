"""The training loop: collect, learn, validate, save; the same run whether or not it was stopped.

One loop for every phase (`mlx_muzero.training.phases`): only who plays, which losses count and what
is judged differ. What comes next depends only on counters (`Counters`), and every random number is
named by them, so a run resumed from a checkpoint does what the uninterrupted run would have done.
With `collect.backend` set, rounds are played beside all this, with weights whose age depends on
time.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import mlx.core as mx
import numpy as np

from mlx_muzero import rng
from mlx_muzero.agent.agent import Agent
from mlx_muzero.config.choices import PhaseName
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, RankLost, TrainingDiverged
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.outcome_forecast import forecast_outcomes
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.background_collector import BackgroundCollector
from mlx_muzero.training.checkpoint import Checkpoint, packed, unpacked
from mlx_muzero.training.collector import Collector
from mlx_muzero.training.decision_recording import record_decisions
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.models import begin_from, build_model, measure_observations
from mlx_muzero.training.phases.cadence import is_due, round_size
from mlx_muzero.training.phases.schedule import episodes_of, loss_config, phase_after, planned
from mlx_muzero.training.phases.supervised import SupervisedPhase
from mlx_muzero.training.progress import Counters, Listener, StopRequested
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.refresher import Refresher
from mlx_muzero.training.replay import ReplayBuffer
from mlx_muzero.training.run import RunFolder, misfit, require_schema, schema
from mlx_muzero.training.targets import make_batch
from mlx_muzero.training.training_journal import TrainingJournal

_FORECAST_BARS = 512
"""Bars of the validation sessions at which a validation judges the outcome probabilities."""


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
      ranks: the processes that train together; only the first one writes and is polled for all.
    """

    config: Config
    dataset: MarketDataset
    rules: TradingRules
    folder: RunFolder
    listener: Listener
    stop: Callable[[], bool]
    ranks: Ranks = field(default_factory=Ranks)
    counters: Counters = field(default_factory=Counters)

    def __post_init__(self) -> None:
        """Build model, agent, replay and collectors from the configuration."""
        self.playing = build_model(self.config, self.rules.table)
        self.agent = Agent(self.playing, self.config.search, self.rules.table, len(OUTCOME_NAMES))
        self.collector = Collector(self.config, self.dataset, self.rules)
        journal_path = self.folder.journal_path if self.ranks.first else None
        self.journal = TrainingJournal(journal_path, self.config, self.rules)
        self._batch_share = self.ranks.share(self.config.train.batch_size, "train.batch_size")
        if self.ranks.size > 1 and self.config.collect.backend != "same":
            raise ConfigError('collect.backend: several processes that train together need "same"')
        self._validation_starts = self.dataset.evaluation_starts(
            "validation", self.config.train.validate_sessions
        )
        self._enter(planned(self.config.train)[0])

    def _enter(self, phase: PhaseName, weights: dict[str, mx.array] | None = None) -> None:
        """Stand at the beginning of `phase`, with `weights` or, without any, those of the seed."""
        model = build_model(self.config, self.rules.table)
        if weights is None:
            measure_observations(model, self.dataset)
        else:
            begin_from(model, weights)
        self.counters = Counters(phase=phase, saves=self.counters.saves)
        self.learner = Learner(model, loss_config(self.config.train, phase), self.ranks)
        self.replay = ReplayBuffer(
            self.config.replay,
            self.config.train.seed,
            steps=self.config.market.session_bars,
            actions=len(self.rules.table.action_names),
            position_features=len(self.rules.position_features),
        )
        self.supervised = None
        if phase != "search":
            self.supervised = SupervisedPhase(
                self.config, phase, self.dataset, self.rules, self._validation_starts
            )
        self.background = None
        backend = self.config.collect.backend
        if phase == "search" and backend != "same":
            exports = self.folder.collector_path
            refresher = Refresher(self.config, backend, self.dataset, self.rules, exports)
            self.background = BackgroundCollector(
                self.config, self.rules, self.collector, self.learner, refresher
            )

    def begin_from(self, weights: dict[str, mx.array], origin: str) -> None:
        """Begin the run with the weights of another, called `origin`, instead of the seed's.

        Raises:
          ValueError: they belong to other networks.
        """
        self._enter(self.counters.phase, weights)
        self.journal.append("begun_from", checkpoint=origin)
        # At once: a run killed before its first checkpoint would otherwise begin from the seed.
        self._save()

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
            self._restore(saved)
        except (ValueError, KeyError, TypeError) as error:
            raise misfit(path, error) from error
        if self.ranks.first:
            self.folder.checkpoints.add_digests()
        self.journal.append("resumed", checkpoint=path.name, **asdict(self.counters))

    def _restore(self, saved: Checkpoint) -> None:
        counters = Counters.parsed(saved.state["counters"])
        if counters.phase not in planned(self.config.train):
            raise ValueError(f"it is of the {counters.phase} phase, which train.phase leaves out")
        if counters.phase != self.counters.phase:
            self._enter(counters.phase)
        self.learner.restore(saved.weights, saved.optimizer)
        self.replay.restore(saved.replay, self.dataset.training_starts())
        self.counters = counters
        self.learner.steps = counters.steps

    def run(self) -> bool:
        """Train until the configured episodes are done or `stop`; True if they are done.

        Raises:
          TrainingDiverged: a loss or the gradient is not finite; checkpoints are left as they are.
          RankLost: another process that trained along is gone; a checkpoint was saved.
        """
        self.journal.started(self.counters.phase, self.agent.backend)
        self._tell_phase()
        self.ranks.abandon = self._abandon
        try:
            self._take_from_first()
            while self._act():
                self._poll()
        except StopRequested:
            self._save()
            self.journal.append("stopped", **asdict(self.counters))
            return False
        except TrainingDiverged as error:
            self.journal.append("diverged", reason=str(error), **asdict(self.counters))
            raise
        except RankLost as error:
            self._lose(error)
            raise
        finally:
            self.ranks.abandon = None
            if self.background is not None:
                self.background.close()
        self._save()
        self.journal.append("finished", **asdict(self.counters))
        return True

    def _lose(self, error: RankLost) -> None:
        self._save()
        self.journal.append("rank_lost", reason=str(error), **asdict(self.counters))

    def _abandon(self, error: RankLost) -> None:
        self.learner.step_back()
        self._lose(error)
        self.listener.abandoned(error)

    def _act(self) -> bool:
        """Do the one thing that is due; False when nothing is left to do."""
        counters, train = self.counters, self.config.train
        if counters.steps < self._steps_due():
            self._learn()
        elif is_due(train.validate_interval, counters.validated_at, counters.episodes):
            self._validate()
        elif is_due(train.checkpoint_interval, counters.saved_at, counters.episodes):
            self._save()
        elif counters.episodes < episodes_of(train, counters.phase):
            self._collect()
        elif counters.validated_at < counters.episodes:
            self._validate()
        elif (phase := phase_after(train, counters.phase)) is not None:
            self._advance(phase)
        else:
            return False
        return True

    def _advance(self, phase: PhaseName) -> None:
        """Go on with `phase` from the best checkpoint of the one that is done."""
        # Every phase ends with a validation, the first of which is saved; by the first rank only.
        best = self.folder.checkpoints.best() if self.ranks.first else None
        self._enter(phase, None if best is None else checkpoints.load_weights(best))
        self._take_from_first()
        self._save()
        self._tell_phase()

    def _tell_phase(self) -> None:
        episodes = episodes_of(self.config.train, self.counters.phase)
        self.journal.append("phase", phase=self.counters.phase, episodes=episodes)
        self.listener.phase_begun(self.counters, episodes)

    def _steps_due(self) -> int:
        episodes = episodes_of(self.config.train, self.counters.phase)
        if len(self.replay) * self.ranks.size < min(self.config.replay.min_episodes, episodes):
            return 0
        return int(self.counters.episodes * self.config.train.steps_per_episode)

    def _collect(self) -> None:
        count = round_size(self.config, self.counters.phase, self.counters.episodes)
        mine = math.ceil(count / self.ranks.size)
        first = self.counters.episodes + self.ranks.rank * mine
        if self.supervised is not None:
            played = self.supervised.play_round(first, mine, self._decided)
        elif self.background is None:
            self._play_what_is_learned()
            played = self.collector.play_round(
                self.agent, self.counters.steps, first, mine, self._decided
            )
        else:
            played = self.background.collect(first, self._decided)
        self.replay.add(played.episodes)
        self.counters.episodes += len(played.episodes) * self.ranks.size
        self.journal.collected(played, first, self.counters, self.replay)
        self.listener.collected(played.episodes, self.counters)

    def _learn(self) -> None:
        began, train = time.perf_counter(), self.config.train
        row = self.ranks.rank * self._batch_share + np.arange(self._batch_share)
        keys = rng.key(train.seed, rng.Stream.BATCH, self.counters.steps, row)
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
        self.journal.learned(report, self.counters, time.perf_counter() - began)
        if self.background is not None:
            self.background.learned()
        self.listener.learned(report, self.counters)

    def _play_what_is_learned(self) -> None:
        self.playing.load_weights(list(self.learner.playing_weights().items()), strict=True)
        self.agent.refresh()

    def _validate(self) -> None:
        """The first rank alone validates; all go on by its counters."""
        if self.ranks.first:
            self._play_what_is_learned()
            if self.supervised is None:
                self._backtest()
            else:
                self._assess(self.supervised)
        self.counters = Counters(**self.ranks.facts_of_first(asdict(self.counters)))

    def _backtest(self) -> None:
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
            forecast=asdict(self._forecast()),
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

    def _forecast(self) -> OutcomeForecast:
        starts = self._validation_starts
        return forecast_outcomes(self.playing, self.dataset, self.rules, starts, _FORECAST_BARS)

    def _assess(self, supervised: SupervisedPhase) -> None:
        assessment = supervised.assess(self.playing, self._decided)
        self.counters.validated_at = self.counters.episodes
        best = self.counters.best_score
        is_best = best is None or assessment.score > best
        if is_best:
            self.counters.best_score = assessment.score
        self.journal.append(
            "assessed",
            phase=self.counters.phase,
            episodes=self.counters.episodes,
            steps=self.counters.steps,
            best=is_best,
            report=assessment.as_dict(),
        )
        self.listener.assessed(assessment, self.counters, is_best)
        if is_best:
            self._save(best=True)

    def _is_best(self, metrics: Metrics) -> bool:
        """Best by pips, ties by the quality score (FX "Validation Process", ADR 13)."""
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
        if not self.ranks.first:
            return
        checkpoint = self._checkpoint()
        name = f"{self.counters.saves:06d}-episode-{self.counters.episodes:06d}"
        path = self.folder.checkpoints.save(name, checkpoint, best=best)
        self.journal.append("saved", checkpoint=path.name, best=best)

    def _checkpoint(self) -> Checkpoint:
        weights, optimizer = self.learner.arrays()
        state = {"counters": asdict(self.counters), **schema(self.config, self.rules.table)}
        return Checkpoint(weights, optimizer, self.replay.state(), state)

    def _take_from_first(self) -> None:
        """Stand where the first rank stands: its weights, counters and episodes."""
        if self.ranks.size == 1:
            return
        sent = self.ranks.from_first(packed(self._checkpoint()) if self.ranks.first else {})
        if not self.ranks.first:
            self._restore(unpacked(sent))

    def _decided(self, count: int) -> None:
        self.listener.decided(count)
        # Ranks play at paces of their own and agree on stopping between rounds.
        if self.ranks.size == 1:
            self._poll()

    def _poll(self) -> None:
        if self.background is not None:
            for event in self.background.events():
                self.journal.append(event.event, reason=event.reason, backend=event.backend)
                self.listener.engine_changed(event)
        if self.ranks.any(self.stop()):
            raise StopRequested
