"""Checks of data and rewards: whether the future leaks, and what a reward really pays for."""

from pathlib import Path

from mlx_muzero.api.notes import note_all
from mlx_muzero.api.running import as_run
from mlx_muzero.api.store import Store, store_path
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.leakage import LeakageReport
from mlx_muzero.evaluation.reward_audit import RewardAudit
from mlx_muzero.experiment.leakage import LeakageTest
from mlx_muzero.experiment.reward_audit import RewardAuditing
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.sessions import Split


def audit_reward(
    config: Config,
    *,
    store: Store | str | Path | None = None,
    split: Split = "train",
    sessions: int | None = 200,
) -> RewardAudit:
    """Rank scripted policies by what each reward scheme pays them, next to their net pips.

    Schemes are those built in and those of `register_reward`.

    Args:
        config: names the bars, the costs and the actions.
        store: bar store; None for the usual one.
        split: "train", "validation" or "test".
        sessions: at most this many, spread evenly; None for all.

    Raises:
        DataError: the store lacks the bars.
    """
    auditing = RewardAuditing.of_config(config, store_path(store), split, sessions)
    note_all(auditing.notes)
    return auditing.run()


def check_leakage(
    subject: TrainedRun | Config | str | Path,
    *,
    store: Store | str | Path | None = None,
    cuts: int = 16,
    seed: int = 0,
) -> LeakageReport:
    """Replace everything after a bar and check that nothing known before it changes.

    Args:
        subject: a run that `load_run` returned, or its folder: its bars, features and agent are
            tested. A configuration: its bars and features.
        store: bar store of a configuration; None for the usual one. A run has its own.
        cuts: how many bars to cut at.
        seed: seed of the replacement bars.

    Returns:
        The comparisons; `failure()` returns a `LeakageError` to raise, or None.

    Raises:
        DataError: the store lacks the bars.
    """
    if isinstance(subject, Config):
        test = LeakageTest.of_config(subject, store_path(store))
    else:
        test = LeakageTest.of_run(as_run(subject))
    return test.run(cuts, seed)
