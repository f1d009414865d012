"""Walk-forward: checks all windows before training, trains one after the other, tests as one."""

import time
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from pathlib import Path
from typing import NamedTuple, Self

from mlx_muzero.agent.backend_choice import settle
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import DataError
from mlx_muzero.evaluation.backtest import Doing
from mlx_muzero.evaluation.walk_forward import WalkForward, WindowTest, play_window
from mlx_muzero.experiment.loading import PeriodOf, costs_of, load_dataset, settled
from mlx_muzero.experiment.looks import looked_bars, record_evaluation, record_training
from mlx_muzero.experiment.luck import keep_verdict
from mlx_muzero.experiment.stop_switch import StopSwitch
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.experiment.validation_looks import ValidationLooks
from mlx_muzero.exports.deployment import EngineEvent, warn
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SPLITS, reach_bars
from mlx_muzero.runlog.look import LookedBars
from mlx_muzero.runlog.look_ledger import LookLedger, Looks, counted_looks
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.device import use_device
from mlx_muzero.training.models import build_model, validation_warning
from mlx_muzero.training.progress import Listener
from mlx_muzero.training.run import MarketRecord
from mlx_muzero.training.trainer import Trainer
from mlx_muzero.training.walk_forward_folder import Plan, WalkForwardFolder, window_configs
from mlx_muzero.types import Advance


class Window(NamedTuple):
    """One window to train: its number from 1, its configuration, and the minutes left."""

    number: int
    config: Config
    minutes: float | None


class Attendance(NamedTuple):
    """What accompanies the training of one window.

    Attributes:
        listener: receives progress.
        around: context entered while it trains.
        stopped: polled between decisions and steps, in addition to the window's switch.
        after: called once it has trained.
    """

    listener: Listener
    around: AbstractContextManager[object]
    stopped: Callable[[], bool] = lambda: False
    after: Callable[[], None] = lambda: None


@dataclass(frozen=True, eq=False)
class RollingTraining:
    """The windows of a walk-forward, checked to have enough bars.

    Attributes:
        folder: the walk-forward's folder.
        configs: configurations of the windows, the earliest first.
        store: the store of their bars.
        market: the bars that are cut into windows.
        notes: costs, and what the bars of each window lack, in words.
    """

    folder: WalkForwardFolder
    configs: tuple[Config, ...]
    store: Path
    market: MarketRecord
    notes: tuple[str, ...]

    @classmethod
    def new(
        cls,
        folder: WalkForwardFolder,
        config: Config,
        windows: int,
        minutes: float | None,
        database: Path | None,
        *,
        anchored: bool = False,
    ) -> Self:
        """Start a walk-forward of `windows` windows, each trained for `minutes` or all episodes.

        If `anchored`, all of them begin with the first bar.

        Raises:
            DataError: there are too few bars for that many windows.
            RunError: the folder is not empty.
        """
        notes: list[str] = []
        config = settled(config, database, notes.append)
        dataset, store = load_dataset(config, database)
        market = MarketRecord.of(store, dataset)
        plan = Plan(windows, minutes, str(store), market, anchored)
        use_device(config.train.device)
        checked = cls._checked(folder, config, plan, store, dataset)
        config = _with_backend(config)
        folder.begin(config, plan)
        return replace(checked._searching_as(config), notes=(*notes, *checked.notes))

    @classmethod
    def begun(cls, folder: WalkForwardFolder, database: Path | None) -> Self:
        """Resume the walk-forward in `folder`, on the bars it was started with.

        Raises:
            RunError: it does not exist, or the store now holds other bars.
        """
        config, plan = folder.config(), folder.plan()
        period = plan.market.period if plan.market else None
        dataset, store = load_dataset(config, database or Path(plan.store), period=period)
        market = MarketRecord.of(store, dataset)
        if plan.market:
            plan.market.require(market, folder.path, config.trading.fill)
        plan = replace(plan, market=plan.market or market)
        use_device(config.train.device)
        checked = cls._checked(folder, config, plan, store, dataset)
        folder.keep(plan)
        return checked._searching_as(config)

    @classmethod
    def _checked(
        cls,
        folder: WalkForwardFolder,
        config: Config,
        plan: Plan,
        store: Path,
        dataset: MarketDataset,
    ) -> Self:
        market = plan.market or MarketRecord.of(store, dataset)
        configs = window_configs(config, dataset.open_time_ns, plan)
        folder.require_windows(configs)
        notes = [
            f"window {number} of {plan.windows}: {note}"
            for number, of_window in enumerate(configs, 1)
            for note in _lacking(of_window, store, market.period, number, plan.windows)
        ]
        notes = [*costs_of(config, dataset), *notes]
        return cls(folder, tuple(configs), store, market, tuple(notes))

    def _searching_as(self, config: Config) -> Self:
        configs = (replace(of_window, search=config.search) for of_window in self.configs)
        return replace(self, configs=tuple(configs))

    def untrained(self) -> Iterator[Window]:
        """Yield the windows that are not fully trained, as each is reached."""
        for number, config in enumerate(self.configs, 1):
            left = self.folder.times.left(number, self.folder.plan().minutes)
            if left != 0.0 or self.folder.run(number).checkpoints.latest() is None:
                yield Window(number, config, left)

    @property
    def rules(self) -> TradingRules:
        """Trading rules, the same in every window."""
        return TradingRules.from_config(self.configs[0])

    def train_rest(self, attend: Callable[[Window, StopSwitch], Attendance]) -> bool:
        """Train what is left, window by window; return False if it was stopped, with a checkpoint.

        Args:
            attend: called before each window trains, with the window and its time switch.

        Raises:
            RunError: another process trains one of them.
        """
        for window in self.untrained():
            stop = StopSwitch(window.minutes)
            listener, around, stopped, after = attend(window, stop)

            def wanted(stop: StopSwitch = stop, stopped: Callable[[], bool] = stopped) -> bool:
                return stop.requested() or stopped()

            finished = self.train(window, listener, wanted, around)
            after()
            if not finished and (stop.interrupted or stopped()):
                return False
        return True

    def train(
        self,
        window: Window,
        listener: Listener,
        stop: Callable[[], bool],
        around: AbstractContextManager[object],
    ) -> bool:
        """Train `window` from where it stopped; return whether its episodes were completed.

        Args:
            window: one of `untrained`.
            listener: receives progress.
            stop: polled between decisions and steps.
            around: context entered while it trains.

        Raises:
            RunError: another process trains it.
        """
        run, rules = self.folder.run(window.number), self.rules
        dataset, store = load_dataset(window.config, self.store, period=self.market.period)
        market = MarketRecord.of(store, dataset)
        tell = partial(warnings.warn, category=RuntimeWarning, stacklevel=2)
        looked = ValidationLooks(store, dataset, self.folder.config(), run.path, tell)
        trainer = Trainer(window.config, dataset, rules, run, listener, stop, looked=looked)
        began = time.monotonic()
        with run.held():
            if run.exists:
                run.require_market(market)
                trainer.resume()
            else:
                run.begin(window.config, market)
                looks = record_training(store, dataset, self.folder.config(), run.path)
                if looks.unrecorded is not None:
                    tell(f"this training is not in the ledger of looks: {looks.unrecorded}")
            with around:
                finished = trainer.run()
        minutes = (time.monotonic() - began) / 60.0
        self.folder.times.add(window.number, minutes, finished=finished)
        return finished

    def unvalidated(self) -> Iterator[str]:
        """Yield warnings about windows whose agent was not chosen by a validation."""
        for number in range(1, len(self.configs) + 1):
            run = self.folder.run(number)
            best = run.checkpoints.best()
            warning = None if best is None else validation_warning(run, best.name)
            if warning is not None:
                yield warning

    def test(
        self,
        sessions: int | None = None,
        tick: Advance = lambda _decisions: None,
        doing: Doing = lambda _what, _total: None,
        report: Callable[[EngineEvent], None] = warn,
        tested: Callable[[TrainedRun, WindowTest], None] = lambda _run, _test: None,
    ) -> WalkForward:
        """Test the best agent of every window on the window's test split.

        Args:
            sessions: maximum number of sessions per test, spread evenly; None for all.
            tick: called with the number of decisions made.
            doing: called with what begins and its number of decisions.
            report: receives what happens to the programs of an export.
            tested: receives each window's run and test while they are loaded.

        Raises:
            RunError: a window has no checkpoint yet.
            DataError: no session is left for a window.
        """
        tests: list[WindowTest] = []
        bars: list[LookedBars] = []
        tested_until_ns = 0
        for number, config in enumerate(self.configs, 1):

            def in_window(what: str, total: int | None, window: int = number) -> None:
                doing(f"window {window} of {len(self.configs)}, {what}", total)

            run = load_run(self.folder.run(number).path, "best", self.store, report=report)
            agents = run.agents(run.agent(), config.search.num_simulations)
            played = play_window(
                agents,
                run.checkpoint,
                run.dataset,
                run.rules,
                tested_until_ns,
                sessions,
                tick,
                in_window,
            )
            agent_alone = dict(islice(played.backtests.items(), 1))
            recorded = record_evaluation(
                run, run.dataset, "test", agent_alone, self.folder.config()
            )
            tests.append(
                played.after(recorded.looks, reach_bars(config), recorded.trials, recorded.seeds)
            )
            bars.append(looked_bars(run.dataset, "test"))
            tested(run, tests[-1])
            tested_until_ns = utc_ns(config.market.end_utc)
        names = tuple(policy.name for policy in agents)
        walk = WalkForward(tuple(tests), self.rules, names, self._looks(tests, bars))
        about = f"{walk.conditions.data}, {walk.conditions.split}"
        keep_verdict(walk.luck.verdict, self.folder.path, about)
        return walk

    def _looks(self, tests: Sequence[WindowTest], bars: Sequence[LookedBars]) -> Looks:
        """At the `bars` of all tests together: what was tried on any of them was tried on these."""
        told = [test.conditions.looks for test in tests if test.conditions.looks is not None]
        troubles = dict.fromkeys(looks.unrecorded for looks in told if looks.unrecorded)
        whole = counted_looks(LookLedger(self.store).kept(), bars, "; ".join(troubles) or None)
        return replace(whole, evaluations=max(looks.evaluations for looks in told))


def _with_backend(config: Config) -> Config:
    if config.search.backend != "auto":
        return config
    # Once for all windows, so that their results can be compared.
    table = TradingRules.from_config(config).table
    search, _ = settle(build_model(config, table), config.search)
    return replace(config, search=search)


def _lacking(config: Config, store: Path, period: PeriodOf, number: int, windows: int) -> list[str]:
    """Find what the window's bars lack, and whether they suffice, before training in vain."""
    notes: list[str] = []
    try:
        dataset, _ = load_dataset(config, store, tell=notes.append, period=period)
        for split in SPLITS:
            dataset.evaluation_starts(split)
    except DataError as error:
        span = f"{config.market.first_utc} to {config.market.end_utc} UTC"
        raise DataError(
            f"window {number} of {windows}, {span}: {str(error).rstrip('.')}. Leave out what is "
            "not there in every window, or choose fewer windows."
        ) from error
    return notes
