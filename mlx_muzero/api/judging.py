"""What runs are worth: on bars they were not trained on, next to baselines and to each other."""

from collections.abc import Mapping, Sequence
from pathlib import Path

from mlx_muzero.api.running import as_run
from mlx_muzero.evaluation.comparison import Comparison
from mlx_muzero.evaluation.full_comparison import SIMULATIONS, FullComparison
from mlx_muzero.experiment import evaluating, judging
from mlx_muzero.experiment.judging import RunComparison
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.sessions import Split


def evaluate(
    run: TrainedRun | str | Path,
    *,
    split: Split | None = None,
    first_utc: str | None = None,
    end_utc: str | None = None,
    sessions: int | None = None,
    simulations: int | None = None,
) -> Comparison:
    """Play a run's agent, its raw network and all baselines over the same sessions.

    Baselines are those built in and those of `register_baseline`.

    Args:
        run: that `load_run` gave, or its folder.
        split: "train", "validation" or "test", which is the default.
        first_utc: later bars instead, which the run has not seen: from this time on.
        end_utc: later bars, before this time.
        sessions: at most so many, spread evenly; None for all.
        simulations: of a decision; None for the run's.

    Raises:
        ConfigError: both a split and a time are named, or a time is no time.
        DataError: there are no such bars, or no session in them.
    """
    loaded = as_run(run)
    bars = judging.judged_bars(loaded, split, first_utc, end_utc)
    return evaluating.evaluate(loaded, bars, sessions, simulations).comparison


def compare_fully(
    run: TrainedRun | str | Path,
    *,
    split: Split | None = None,
    first_utc: str | None = None,
    end_utc: str | None = None,
    sessions: int | None = None,
    simulations: Sequence[int] = SIMULATIONS,
    seed: int = 0,
) -> FullComparison:
    """Compare a run's searches with its raw network and a supervised Transformer.

    The baselines play as well; costs are varied, and forecasts of the next bar scored.

    Args:
        run: a run that `load_run` returned, or its folder.
        split: "train", "validation" or "test", which is the default.
        first_utc: later bars instead, which the run has not seen: from this time on.
        end_utc: later bars, before this time.
        sessions: at most this many, spread evenly; None for all.
        simulations: per decision, of the searches compared below each kind of root.
        seed: of the Transformer.

    Raises:
        ConfigError: both a split and a time are named, or a time is no time.
        DataError: there are no such bars, or no session in them.
    """
    loaded = as_run(run)
    bars = judging.judged_bars(loaded, split, first_utc, end_utc)
    found = evaluating.evaluate_fully(loaded, bars, sessions, simulations, seed)
    assert found.full is not None
    return found.full


def compare_runs(
    *runs: TrainedRun | str | Path,
    split: Split = "test",
    sessions: int | None = None,
    simulations: int | None = None,
) -> RunComparison:
    """Play the agents of several runs over the sessions that all of them have in `split`.

    Args:
        runs: that `load_run` gave, or their folders; each is called as its folder. The others are
            compared with the first.
        split: a session counts if it lies in that part of every run's data.
        sessions: at most so many, spread evenly; None for all.
        simulations: of a decision; None for each run's.

    Raises:
        ConfigError: fewer than two, two folders of one name, or other costs.
        DataError: they share no session.
    """
    loaded = [as_run(run) for run in runs]
    return judging.compare_runs(_by_name(loaded), split, sessions, simulations)


def _by_name(runs: list[TrainedRun]) -> Mapping[str, TrainedRun]:
    """By folder's name, or its whole path where two have one name."""
    names = [run.folder.path.name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder.path) for run in runs]
    return dict(zip(names, runs, strict=True))
