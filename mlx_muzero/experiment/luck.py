"""What a run's results owe to luck, given everything that its ledger has seen."""

import warnings
from collections.abc import Mapping
from pathlib import Path

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.comparison import Comparison
from mlx_muzero.evaluation.luck.assessment import Luck, assess
from mlx_muzero.evaluation.luck.course import Course
from mlx_muzero.evaluation.luck.random_entries import entries_p, positions
from mlx_muzero.evaluation.luck.verdict import Verdict
from mlx_muzero.experiment.judging import JudgedBars
from mlx_muzero.experiment.looks import Recorded
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.runlog.journal import Clock, utc_now
from mlx_muzero.runlog.verdict_file import VerdictFile


def assess_luck(
    run: TrainedRun,
    bars: JudgedBars,
    comparison: Comparison,
    judged: Mapping[str, Backtest],
    recorded: Recorded,
) -> Luck | None:
    """Judge the first of `judged`, and keep the verdict in the run's folder.

    None on bars that the run was trained or chosen on: of those, nothing could be shown.
    """
    if recorded.looks is None:
        return None
    played = next(iter(judged.values()))
    held = positions(played, bars.dataset, run.rules, comparison.bars.starts)
    conditions = comparison.conditions
    luck = assess(
        {name: Course.of(each) for name, each in judged.items()},
        {name: Course.of(each) for name, each in comparison.baselines.items()},
        recorded.looks.tried,
        tuple(recorded.trials.values()),
        entries_p(held),
        conditions.unit,
        recorded.seeds,
    )
    about = f"{conditions.data}, {conditions.part}, checkpoint {run.checkpoint}"
    keep_verdict(luck.verdict, run.folder.path, about)
    return luck


def keep_verdict(verdict: Verdict, run: Path, about: str, clock: Clock = utc_now) -> None:
    """Keep `verdict` in the folder `run` for `status`, and warn if that is not possible."""
    kept = VerdictFile(verdict.call, verdict.reasons, about, clock().isoformat())
    if (trouble := kept.save(run)) is not None:
        warnings.warn(f"`status` will not show this verdict: {trouble}", RuntimeWarning, 2)
