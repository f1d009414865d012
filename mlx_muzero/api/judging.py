"""Evaluates runs on bars they were not trained on, against baselines and each other."""

from collections.abc import Sequence
from pathlib import Path

from mlx_muzero.api.running import as_run
from mlx_muzero.evaluation.comparison import Comparison
from mlx_muzero.evaluation.full_comparison import SIMULATIONS, FullComparison
from mlx_muzero.experiment import evaluating, judging
from mlx_muzero.experiment.run_comparison import RunComparison
from mlx_muzero.experiment.trained_run import TrainedRun, by_name
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

    Baselines are the built-in ones and those of `register_baseline`.

    Args:
        run: a run that `load_run` returned, or its folder.
        split: "train", "validation" or "test", which is the default.
        first_utc: use later bars instead, which the run has not seen, from this time on.
        end_utc: use later bars, before this time.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision; None for the run's.

    Raises:
        ConfigError: both a split and a time are given, or a time is invalid.
        DataError: the bars do not exist, or contain no session.
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
        first_utc: use later bars instead, which the run has not seen, from this time on.
        end_utc: use later bars, before this time.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision of the searches compared, for each kind of root.
        seed: seed of the Transformer.

    Raises:
        ConfigError: both a split and a time are given, or a time is invalid.
        DataError: the bars do not exist, or contain no session.
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
    """Play the agents of several runs over the sessions they all share in `split`.

    Args:
        runs: runs that `load_run` returned, or their folders; each is named after its folder. All
            others are compared with the first.
        split: a session counts if it lies in that part of every run's data.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision; None for each run's.

    Raises:
        ConfigError: fewer than two runs, two folders with the same name, or different costs.
        DataError: they share no session.
    """
    loaded = [as_run(run) for run in runs]
    return judging.compare_runs(by_name(loaded), split, sessions, simulations)
