"""The training loop: collect, learn, validate, save, with the same result if interrupted.

All phases share one loop; the phase decides who plays and what is validated
(`mlx_muzero.training.phases`). What comes next depends only on counters (`Counters`), which also
key every random number, so a run resumed from a checkpoint does exactly what the uninterrupted run
would have done. If `collect.ahead` is set, a round is played while the one before is learned from;
a stop then returns to where that round was begun. If `collect.backend` is set, rounds are played
concurrently, with weights whose age depends on timing.
"""

import math
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field

import mlx.core as mx

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, RankLost, TrainingDiverged
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training import checkpoint as checkpoints
from mlx_muzero.training.checkpoint import Checkpoint
from mlx_muzero.training.phases.build import build_phase
from mlx_muzero.training.phases.cadence import is_due, round_size
from mlx_muzero.training.phases.phase import PhaseContext
from mlx_muzero.training.phases.schedule import episodes_of, phase_after, planned
from mlx_muzero.training.player import Player
from mlx_muzero.training.progress import Counters, Listener, Looked, StopRequested
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.resumable_state import ResumableState
from mlx_muzero.training.run import RunFolder, misfit, require_schema
from mlx_muzero.training.training_journal import TrainingJournal


@dataclass
class Trainer:
    """One training run in `folder`; `resume` continues it, `run` does the work.

    Attributes:
        config: the run's configuration.
        dataset: bars, features and outcomes.
        rules: trading rules.
        folder: receives journal and checkpoints.
        listener: receives progress.
        stop: polled between decisions and steps; if True, `run` saves a checkpoint and ends.
        ranks: the processes that train together; only the first writes and is polled, for all.
        looked: called for every validation of the first rank.
    """

    config: Config
    dataset: MarketDataset
    rules: TradingRules
    folder: RunFolder
    listener: Listener
    stop: Callable[[], bool]
    ranks: Ranks = field(default_factory=Ranks)
    looked: Looked = lambda _metrics: None

    def __post_init__(self) -> None:
        """Build player, journal and the first phase from the configuration."""
        self.player = Player(self.config, self.rules)
        journal_path = self.folder.journal_path if self.ranks.first else None
        self.journal = TrainingJournal(journal_path, self.config, self.rules)
        if self.ranks.size > 1 and self.config.collect.backend != "same":
            raise ConfigError('collect.backend must be "same" if several processes train together')
        if self.ranks.size > 1 and self.config.collect.ahead:
            raise ConfigError("collect.ahead must be false if several processes train together")
        self._round_begun: Checkpoint | None = None
        self._validation_starts = self.dataset.evaluation_starts(
            "validation", self.config.train.validate_sessions
        )
        self._enter(Counters(phase=planned(self.config.train)[0]))

    def _enter(self, counters: Counters, weights: dict[str, mx.array] | None = None) -> None:
        """Start a phase with `weights`, or with the seed's weights if None."""
        self.state = ResumableState(
            self.config, self.dataset, self.rules, self.ranks, counters, weights
        )
        context = PhaseContext(
            self.config,
            self.dataset,
            self.rules,
            self.folder,
            self._validation_starts,
            self.player,
            self.state.learner,
            self.journal,
            self.listener,
            self.looked if self.ranks.first else lambda _metrics: None,
        )
        self.phase = build_phase(counters.phase, context)

    @property
    def counters(self) -> Counters:
        """The run's progress."""
        return self.state.counters

    def begin_from(self, weights: dict[str, mx.array], origin: str) -> None:
        """Start the run with the weights of another, called `origin`, instead of the seed's.

        Raises:
            ValueError: they belong to other networks.
        """
        self._enter(self.counters, weights)
        self.journal.append("begun_from", checkpoint=origin)
        # At once: a run killed before its first checkpoint would otherwise restart from the seed.
        self._save()

    def resume(self) -> None:
        """Return to the newest checkpoint of the run folder, if there is one.

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
            raise ValueError(f"it is from the {counters.phase} phase, which train.phase leaves out")
        if counters.phase != self.counters.phase:
            self._enter(counters)
        self.state.restore(saved)

    def run(self) -> bool:
        """Train until the configured episodes are done or `stop` says so; True if they are done.

        Raises:
            TrainingDiverged: a loss or gradient is not finite; checkpoints are left untouched.
            RankLost: another process of the training is gone; a checkpoint was saved.
        """
        self.journal.started(self.counters.phase, self.player.agent.backend)
        self._tell_phase()
        self.ranks.abandon = self._abandon
        try:
            self._take_from_first()
            self._play_ahead()
            while self._act():
                self._poll()
        except StopRequested:
            if self._round_begun is not None:
                self.state.restore(self._round_begun)
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
            self.phase.close()
        self._save()
        self.journal.append("finished", **asdict(self.counters))
        return True

    def _lose(self, error: RankLost) -> None:
        self._save()
        self.journal.append("rank_lost", reason=str(error), **asdict(self.counters))

    def _abandon(self, error: RankLost) -> None:
        self.state.learner.step_back()
        self._lose(error)
        self.listener.abandoned(error)

    def _act(self) -> bool:
        """Do the next thing due; return False if nothing is left to do."""
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
        """Continue with `phase` from the best checkpoint of the finished phase."""
        # Every phase ends with a validation, the first of which is saved, by the first rank only.
        best = self.folder.checkpoints.best() if self.ranks.first else None
        weights = None if best is None else checkpoints.load_weights(best)
        self._enter(Counters(phase=phase, saves=self.counters.saves), weights)
        self._take_from_first()
        self._save()
        self._tell_phase()

    def _tell_phase(self) -> None:
        episodes = episodes_of(self.config.train, self.counters.phase)
        self.journal.append("phase", phase=self.counters.phase, episodes=episodes)
        self.listener.phase_begun(self.counters, episodes)

    def _steps_due(self) -> int:
        episodes = episodes_of(self.config.train, self.counters.phase)
        if not self.state.has(min(self.config.replay.min_episodes, episodes)):
            return 0
        return int(self.counters.episodes * self.config.train.steps_per_episode)

    def _play_ahead(self) -> None:
        """Let the phase begin the next round if it plays ahead, and remember with what state."""
        begun = self.phase.play_ahead(self.counters.episodes)
        self._round_begun = self.state.checkpoint() if begun else None

    def _collect(self) -> None:
        count = round_size(self.config, self.counters.phase, self.counters.episodes)
        mine = math.ceil(count / self.ranks.size)
        first = self.counters.episodes + self.ranks.rank * mine
        played = self.phase.play_round(first, mine, self._decided)
        if played is None:
            self.counters.episodes += mine * self.ranks.size
            self.journal.advanced(self.counters)
            self.listener.advanced(self.counters)
            return
        self.state.replay.add(played.episodes)
        self.counters.episodes += len(played.episodes) * self.ranks.size
        self._play_ahead()
        self.journal.collected(played, first, self.counters, self.state.replay)
        self.listener.collected(played.episodes, self.counters)

    def _learn(self) -> None:
        began = time.perf_counter()
        batch = self.state.next_batch()
        # After the last step of a round, others are learned from.
        more = self.counters.steps + 1 < self._steps_due()
        report = self.state.learner.step(batch, self.state.gather_ahead if more else None)
        self.counters.steps = self.state.learner.steps
        self.journal.learned(report, self.counters, time.perf_counter() - began)
        self.phase.learned()
        self.listener.learned(report, self.counters)

    def _validate(self) -> None:
        """Validate on the first rank alone; all continue with its counters."""
        if self.ranks.first:
            self.player.take(self.state.playing_weights())
            if self.phase.validate(self.counters, self._decided):
                self._save(best=True)
        self.state.counters = Counters(**self.ranks.facts_of_first(asdict(self.counters)))

    def _save(self, *, best: bool = False) -> None:
        self.counters.saved_at = self.counters.episodes
        self.counters.saves += 1
        if not self.ranks.first:
            return
        name = f"{self.counters.saves:06d}-episode-{self.counters.episodes:06d}"
        path = self.folder.checkpoints.save(name, self.state.checkpoint(), best=best)
        self.journal.append("saved", checkpoint=path.name, best=best)

    def _take_from_first(self) -> None:
        """Take over the first rank's weights, counters and episodes."""
        if self.ranks.size == 1:
            return
        mine = checkpoints.packed(self.state.checkpoint()) if self.ranks.first else {}
        sent = self.ranks.from_first(mine)
        if not self.ranks.first:
            self._restore(checkpoints.unpacked(sent))

    def _decided(self, count: int) -> None:
        self.listener.decided(count)
        # Ranks play at their own pace and agree on stopping between rounds.
        if self.ranks.size == 1:
            self._poll()

    def _poll(self) -> None:
        for event in self.phase.events():
            self.journal.append(event.event, **event.facts)
            self.listener.engine_changed(event)
        if self.ranks.any(self.stop()):
            raise StopRequested
