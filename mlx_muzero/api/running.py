"""Trains runs in this process, loads them, and walks forward through windows of time."""

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

_WAY_ON = "Pass the configuration it was started with, or choose another folder."

Callback = Callable[[Round], bool | None]
"""Called after every round of episodes; False stops, with a checkpoint."""


@dataclass(frozen=True)
class TrainingResult:
    """The result of a call of `train`.

    Attributes:
        run: folder of the run.
        finished: whether the configured episodes are done; if not, call again to continue.
        rounds: the rounds of this call, in order.
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
    """Train a new run, or the rest of the one in the folder `run`, in this process.

    An interrupt (Ctrl-C, or a notebook's stop button) ends it after the current step, with a
    checkpoint; the same call continues from there as if nothing had happened.

    Args:
        config: configuration of the run; for an existing run, the one it was started with.
        run: folder.
        store: bar store; None for the run's own, or for a new run the default store.
        callback: called after every round of episodes; training stops if it returns False.
        minutes: stop after this long; None for all episodes.
        start_from: run from whose best checkpoint a new one starts.

    Raises:
        ConfigError, DataError: the settings are invalid, or the store lacks the bars.
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
    with training.opened(reporter, wanted, _ignore) as trainer, _receiving_signals(stop):
        finished = trainer.run()
    reporter.close()
    return TrainingResult(folder.path, finished, tuple(reporter.rounds))


def _ignore(_line: str) -> None:
    """Ignore a line: a notebook user sees the data, and was warned of what it lacks."""


def _receiving_signals(stop: StopSwitch) -> AbstractContextManager[object]:
    """Let `stop` receive signals where Python allows it, in the main thread only."""
    return stop if current_thread() is main_thread() else nullcontext()


def load_run(
    run: str | Path,
    *,
    checkpoint: str = "best",
    store: Store | str | Path | None = None,
    symbol: str | None = None,
    backend: Backend | None = None,
    root_backend: Backend | None = None,
) -> TrainedRun:
    """Load the run in the folder `run`, with the bars it was trained on or another symbol's.

    Args:
        run: folder.
        checkpoint: "best", "latest" or a checkpoint's name.
        store: bar store that holds the bars; None for the run's own.
        symbol: use only this of several symbols, or this instead of the run's.
        backend: backend that evaluates the search's leaves; None for the run's.
        root_backend: backend that evaluates roots; None for the fastest that a profile found, or
            what suits the leaves.

    Raises:
        RunError: the run or checkpoint does not exist, or the store now holds other bars.
        ConfigError: its reward is user-defined and not registered here, or it cannot trade the
            symbol.
    """
    loaded = trained_run.load_run(
        *(Path(run), checkpoint, store_path(store), symbol, backend),
        tell=note,
        root_backend=root_backend,
        measure=True,
    )
    if loaded.warning is not None:
        note(loaded.warning)
    return loaded


def as_run(run: TrainedRun | str | Path, symbol: str | None = None) -> TrainedRun:
    """The run itself if it is loaded, else the run in a folder."""
    return run if isinstance(run, TrainedRun) else load_run(run, symbol=symbol)


@dataclass(frozen=True)
class WalkForwardResult:
    """The result of a call of `walk_forward`.

    Attributes:
        run: folder of the walk-forward.
        tested: every window's agent on its own test; None if a window is not fully trained yet:
            call again to continue.
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
    anchored: bool = False,
    callback: Callable[[int, Round], bool | None] | None = None,
) -> WalkForwardResult:
    """Train and test in rolling windows over all bars, in this process.

    An interrupt, or a callback that returns False, ends it with a checkpoint; the same call
    continues from there.

    Args:
        config: configuration of every window.
        run: folder, new or started with the same `config`; an existing one keeps its plan.
        windows: number of windows.
        store: bar store; None for the one it was started with, or the default store.
        minutes: training minutes per window; None for all its episodes.
        sessions: maximum number of sessions per test, spread evenly; None for all.
        anchored: whether every window begins with the first bar, instead of being equally long.
        callback: called with the window's number and each of its rounds.

    Raises:
        ConfigError, DataError: the settings are invalid, or there are too few bars.
        RunError: the folder holds something else, or a walk-forward of another configuration.
    """
    folder, path = WalkForwardFolder(Path(run)), store_path(store)
    if folder.exists:
        require_same(folder.path, folder.config(), config, _WAY_ON)
        training = RollingTraining.begun(folder, path)
    else:
        folder.require_new()
        training = RollingTraining.new(folder, config, windows, minutes, path, anchored=anchored)
    note_all(training.notes)

    def attend(window: Window, stop: StopSwitch) -> Attendance:
        reporter = RoundReporter(callback and partial(callback, window.number))
        return Attendance(
            reporter, _receiving_signals(stop), lambda: reporter.stopped, reporter.close
        )

    if not training.train_rest(attend):
        return WalkForwardResult(folder.path, None)
    note_all(training.unvalidated())
    return WalkForwardResult(folder.path, training.test(sessions))
