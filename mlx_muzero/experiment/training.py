"""A new or resumed training; everything that can be wrong is checked before its run starts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Self

from mlx_muzero.agent.backend_choice import settle
from mlx_muzero.agent.backend_speeds import BackendSpeeds
from mlx_muzero.config.choices import TrainDevice
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.config.unused import unused_note
from mlx_muzero.experiment.loading import costs_of, known_levels, load_dataset, settled
from mlx_muzero.experiment.looks import record_training
from mlx_muzero.experiment.validation_looks import ValidationLooks
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import gap_bars, reach_bars
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.device import use_device
from mlx_muzero.training.models import build_model, starting_weights
from mlx_muzero.training.progress import Listener
from mlx_muzero.training.rank_agreement import (
    config_of_first,
    market_of_first,
    require_same_market,
)
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.training.trainer import Trainer

Tell = Callable[[str], None]
"""Receives text that a user should see."""


@dataclass(frozen=True, eq=False)
class Training:
    """A training that is ready to start.

    Attributes:
        folder: the run's folder.
        config: the run's configuration, its search backend settled.
        dataset: the bars it is trained on.
        market: record of those bars.
        rules: trading rules.
        notes: what the bars lack, in words.
        resumes: whether the run existed before.
        origin: run from whose best checkpoint a new one starts.
        ranks: the processes that train together; only the first has the run in `folder`.
        speeds: by which the search backend was chosen just now; None if it was named.
    """

    folder: RunFolder
    config: Config
    dataset: MarketDataset
    market: MarketRecord
    rules: TradingRules
    notes: tuple[str, ...]
    resumes: bool
    origin: RunFolder | None
    ranks: Ranks
    speeds: BackendSpeeds | None = None

    @classmethod
    def new(
        cls,
        folder: RunFolder,
        config: Config,
        database: Path | None,
        tell: Tell,
        *,
        origin: RunFolder | None = None,
        ranks: Ranks | None = None,
    ) -> Self:
        """Prepare a new run.

        Raises:
            ConfigError, DataError: the settings are invalid, or the store lacks the bars.
            RunError: another rank has other bars.
        """
        ranks = ranks or Ranks()
        config = config_of_first(ranks, settled(config, database, tell))
        use_device(config.train.device)
        if (note := unused_note(config)) is not None and ranks.first:
            tell(note)
        return cls._on_bars(folder, config, database, None, tell, origin, ranks)

    @classmethod
    def begun(
        cls,
        folder: RunFolder,
        database: Path | None,
        tell: Tell,
        *,
        device: TrainDevice | None = None,
        ranks: Ranks | None = None,
    ) -> Self:
        """Prepare to resume the run in `folder`, with the bars it was started with.

        Args:
            folder: the run's folder; only the first rank's machine has it.
            database: another store that holds the bars; None for the run's own.
            tell: receives what has changed.
            device: device to continue on; None for the run's.
            ranks: all processes that train together; None for this one alone.

        Raises:
            RunError: the run does not exist, or the store now holds other bars.
        """
        ranks = ranks or Ranks()
        config = config_of_first(ranks, folder.config() if ranks.first else FX_MICRO)
        kept = folder.market() if ranks.first else None
        if device is not None and device != config.train.device:
            was = config.train.device
            config = replace(config, train=replace(config.train, device=device))
            tell(
                f"resuming on the {device}; the run started with train.device {was}, so "
                "results may differ in the last bits"
            )
        use_device(config.train.device)
        if kept is not None:
            database = database or Path(kept.store)
        return cls._on_bars(folder, config, database, kept, tell, None, ranks, resumes=True)

    @classmethod
    def _on_bars(
        cls,
        folder: RunFolder,
        config: Config,
        database: Path | None,
        kept: MarketRecord | None,
        tell: Tell,
        origin: RunFolder | None,
        ranks: Ranks,
        *,
        resumes: bool = False,
    ) -> Self:
        notes: list[str] = []
        kept = market_of_first(ranks, kept)
        period = kept.period if kept else None
        dataset, store = load_dataset(config, database, tell=notes.append, period=period)
        market = MarketRecord.of(store, dataset)
        require_same_market(ranks, market)
        if resumes and ranks.first:
            folder.require_market(market)
        rules = TradingRules.from_config(config)
        speeds = None
        if config.search.backend == "auto" and not resumes and ranks.first:
            # Once for the whole run, whose config.toml keeps the answer: results depend on it, so a
            # resumed run must name it.
            search, speeds = settle(build_model(config, rules.table), config.search)
            config = replace(config, search=search)
            tell(f"search backend: {search.backend} (leaves/s: {speeds})")
        config = config_of_first(ranks, config)
        return cls(
            folder, config, dataset, market, rules, tuple(notes), resumes, origin, ranks, speeds
        )

    @contextmanager
    def opened(self, listener: Listener, stop: Callable[[], bool], tell: Tell) -> Iterator[Trainer]:
        """A trainer at the newest checkpoint or the beginning, its run locked by this process.

        Args:
            listener: receives progress.
            stop: polled between decisions and steps.
            tell: receives what is trained on, and what that lacks.

        Raises:
            RunError: the run to start from or the newest checkpoint does not fit, or another
                process trains this run.
        """
        origin = None
        if self.origin is not None:
            origin = starting_weights(self.origin, self.config, self.rules.table)
        looked = ValidationLooks(
            Path(self.market.store), self.dataset, self.config, self.folder.path, tell
        )
        trainer = Trainer(
            self.config, self.dataset, self.rules, self.folder, listener, stop, self.ranks, looked
        )
        if not self.ranks.first:
            yield trainer
            return
        with self.folder.held():
            # Start the run only after everything that a configuration or market can get wrong.
            if self.resumes:
                trainer.resume()
            else:
                self.folder.begin(self.config, self.market)
                if self.speeds is not None:
                    search, rates = self.config.search, self.speeds.leaves_per_s
                    settled_on = search.backend, search.root_backend
                    trainer.journal.settled(*settled_on, rates)
                store, run = Path(self.market.store), self.folder.path
                looks = record_training(store, self.dataset, self.config, run)
                if looks.unrecorded is not None:
                    tell(
                        f"warning: this training is not in the ledger of looks: {looks.unrecorded}"
                    )
                if origin is not None:
                    trainer.begin_from(*origin)
            if levels := known_levels(
                self.config, Path(self.market.store), self.dataset, self.rules
            ):
                trainer.journal.levels(levels)
            for line in (self.heading, *self.cautions()):
                tell(line)
            yield trainer

    @property
    def heading(self) -> str:
        """What is trained on, in words."""
        return (
            f"training on {self.market.symbol}: {self.market.bars:,} bars, "
            f"{len(self.dataset.training_starts()):,} possible sessions, run {self.folder.path}"
        )

    def cautions(self) -> Iterator[str]:
        """What the results will depend on: costs, what the bars lack, and who plays."""
        yield from costs_of(self.config, self.dataset)
        yield from self.notes
        reach = reach_bars(self.config)
        if (lacking := reach - gap_bars(self.config.market)) > 0:
            yield (
                f"window, unroll and targets reach over {reach:,} bars, more than "
                "lie between a split and the first decision of the next: consider "
                f"market.embargo_bars = {self.config.market.embargo_bars + lacking}"
            )
        collect = self.config.collect
        if collect.backend != "same":
            yield (
                f"collecting with {collect.backend}, exported every {collect.refresh_steps} "
                "training steps; when an export takes over depends on timing, so this run "
                "cannot be repeated bit for bit"
            )
