"""Runs: train one in this process, load one, and go through windows of time with many."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import current_thread, main_thread

from mlx_muzero.api.notes import note, note_all
from mlx_muzero.api.rounds import Round, RoundReporter
from mlx_muzero.api.store import Store, store_path
from mlx_muzero.config.choices import Backend
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.walk_forward import WalkForward
from mlx_muzero.experiment import trained_run
from mlx_muzero.experiment.standing import require_same, standing
from mlx_muzero.experiment.stop_switch import StopSwitch
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.experiment.training import Training
from mlx_muzero.experiment.walk_forward import Attendance, RollingTraining, Window
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.walk_forward_folder import WalkForwardFolder

_WAY_ON = "Pass the configuration it was begun with, or choose another folder."

Callback = Callable[[Round], bool | None]
"""Called after every round of episodes; False stops, with a checkpoint."""


@dataclass(frozen=True)
class TrainingResult:
    """What a call of `train` left.

    Attributes:
        run: folder of the run.
        finished: whether the configured episodes are done; if not, train again to go on.
        rounds: those of this call, in order.
    """

    run: Path
    finished: bool
    rounds: tuple[Round, ...]


def train(
    config: Config,
    run: str | Path,
    *,
    store: Store | str | Path | None = None,
    callback: Callback | None = None,
    minutes: float | None = None,
    start_from: str | Path | None = None,
) -> TrainingResult:
    """Train in this process, a new run or the rest of the one in the folder `run`.

    An interrupt (Ctrl-C, or a notebook's stop button) ends it after the step it is in, with a
    checkpoint; the same call goes on from there, as if nothing had happened.

    Args:
        config: of the run; of one that is begun, the same as then.
        run: folder.
        store: bar store; None for the run's own, or the usual one of a new run.
        callback: called after every round of episodes; what returns False stops.
        minutes: stop after this long; None for all episodes.
        start_from: run whose best checkpoint a new one begins with.

    Raises:
        ConfigError, DataError: it cannot be trained so, or the store lacks the bars.
        RunError: the folder holds a run of another configuration, or another process trains it.
        TrainingDiverged: a loss became infinite or NaN.
    """
    folder = RunFolder(Path(run))
    stands = standing(folder, config, _WAY_ON)
    if stands == "finished":
        return TrainingResult(folder.path, True, ())
    path = store_path(store)
    if stands == "new":
        folder.require_new()
        origin = None if start_from is None else RunFolder(Path(start_from))
        training = Training.new(folder, config, path, note, origin=origin)
    else:
        training = Training.begun(folder, path, note)
    reporter = RoundReporter(callback)
    stop = StopSwitch(minutes)

    def wanted() -> bool:
        return stop.requested() or reporter.stopped

    note_all(training.cautions())
    with training.opened(reporter, wanted, _unsaid) as trainer, _listening(stop):
        finished = trainer.run()
    reporter.close()
    return TrainingResult(folder.path, finished, tuple(reporter.rounds))


def _unsaid(_line: str) -> None:
    """A notebook sees what it trains on, and was warned already of what that lacks."""


def _listening(stop: StopSwitch) -> AbstractContextManager[object]:
    """`stop` hears of signals where Python lets it: in the main thread alone."""
    return stop if current_thread() is main_thread() else nullcontext()


def load_run(
    run: str | Path,
    *,
    checkpoint: str = "best",
    store: Store | str | Path | None = None,
    symbol: str | None = None,
    backend: Backend | None = None,
) -> TrainedRun:
    """The run in the folder `run`, on the bars it was trained on or those of another symbol.

    Args:
        run: folder.
        checkpoint: "best", "latest" or the name of one.
        store: bar store that holds the bars; None for the run's own.
        symbol: to look at alone, out of several, or instead of the one the run was trained on.
        backend: what evaluates the search's leaves; None for the run's.

    Raises:
        RunError: there is no such run or checkpoint, or the store holds other bars by now.
        ConfigError: its reward is one of somebody's own that is not registered here, or the
            symbol is none it can trade.
    """
    loaded = trained_run.load_run(
        Path(run), checkpoint, store_path(store), symbol, backend, tell=note
    )
    if loaded.warning is not None:
        note(loaded.warning)
    return loaded


def as_run(run: TrainedRun | str | Path, symbol: str | None = None) -> TrainedRun:
    """A run that is loaded, or the one in a folder."""
    return run if isinstance(run, TrainedRun) else load_run(run, symbol=symbol)


@dataclass(frozen=True)
class WalkForwardResult:
    """What a call of `walk_forward` left.

    Attributes:
        run: folder of the walk-forward.
        tested: every window's agent on its own test; None where a window is not trained to its
            end yet: call again to go on.
    """

    run: Path
    tested: WalkForward | None


def walk_forward(
    config: Config,
    run: str | Path,
    *,
    windows: int = 4,
    store: Store | str | Path | None = None,
    minutes: float | None = None,
    sessions: int | None = None,
    callback: Callable[[int, Round], bool | None] | None = None,
) -> WalkForwardResult:
    """Train and test in rolling windows over all bars, in this process.

    An interrupt, or a callback that returns False, ends it with a checkpoint; the same call goes
    on from there.

    Args:
        config: of every window.
        run: folder, new or begun with the same `config`; one that is begun keeps its plan.
        windows: how many.
        store: bar store; None for the one it was begun with, or the usual one.
        minutes: of training for each window; None for all its episodes.
        sessions: at most so many of each test, spread evenly; None for all.
        callback: called with the window's number and each of its rounds.

    Raises:
        ConfigError, DataError: it cannot be trained so, or the bars do not suffice.
        RunError: the folder holds something else, or a walk-forward of another configuration.
    """
    folder, path = WalkForwardFolder(Path(run)), store_path(store)
    if folder.exists:
        require_same(folder.path, folder.config(), config, _WAY_ON)
        training = RollingTraining.begun(folder, path)
    else:
        folder.require_new()
        training = RollingTraining.new(folder, config, windows, minutes, path)
    note_all(training.notes)

    def attend(window: Window, stop: StopSwitch) -> Attendance:
        reporter = RoundReporter(callback and partial(callback, window.number))
        return Attendance(reporter, _listening(stop), lambda: reporter.stopped, reporter.close)

    if not training.train_rest(attend):
        return WalkForwardResult(folder.path, None)
    note_all(training.unvalidated())
    return WalkForwardResult(folder.path, training.test(sessions))
