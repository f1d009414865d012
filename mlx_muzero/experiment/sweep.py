"""Tries configurations one after the other, and ranks them by the validation split alone."""

import math
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple, Self

from mlx_muzero.config.differing import differing
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, DataError, RunError, TrainingDiverged
from mlx_muzero.experiment.training import Tell, Training
from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.runlog.journal import read
from mlx_muzero.training.run import RunFolder
from mlx_muzero.training.sweep_folder import SweepFolder, SweepPlan

FAILURES = (ConfigError, DataError, TrainingDiverged)
"""What makes a trial fail, and not the sweep."""


class Trial(NamedTuple):
    """One trial to train: its number from 1, its run, and the minutes left."""

    number: int
    run: RunFolder
    minutes: float | None


@dataclass(frozen=True)
class TrialResult:
    """What a trial reached on its validation split; nothing here knows its test.

    Attributes:
        number: of the trial, from 1.
        run: its folder.
        changes: keys in which it differs from other trials, with its values.
        net_pips: net a session of its best checkpoint; None if none was validated.
        low: lower end of its 95 % interval.
        high: upper end.
        trades: of its best checkpoint.
        note: why there is no result, or that there is more to come; "" otherwise.
    """

    number: int
    run: str
    changes: dict[str, Any]
    net_pips: float | None
    low: float | None
    high: float | None
    trades: int | None
    note: str

    def as_dict(self) -> dict[str, Any]:
        """The result for JSON."""
        return asdict(self)


@dataclass(frozen=True, eq=False)
class Sweep:
    """A sweep, new or begun.

    Attributes:
        folder: the sweep's folder.
        plan: what it was started with.
    """

    folder: SweepFolder
    plan: SweepPlan

    @classmethod
    def of(
        cls,
        folder: SweepFolder,
        base: Config,
        trials: Sequence[Config],
        minutes: float | None,
        database: Path | None,
    ) -> Self:
        """Begin a sweep in `folder`, or go on with the one that is there.

        More trials may follow those it was begun with.

        Args:
            folder: new, or of the same sweep.
            base: what all trials begin from.
            trials: their configurations.
            minutes: training minutes of each; None for all episodes.
            database: bar store; None for the default store.

        Raises:
            RunError: the folder holds something else, or a sweep of other trials.
        """
        asked = SweepPlan(tuple(trials), minutes, str(database or DEFAULT_DATABASE))
        if not folder.exists:
            folder.begin(base, asked)
            return cls(folder, asked)
        plan = folder.plan()
        if difference := _difference(plan, asked):
            raise RunError(
                f"{folder.path} holds another sweep ({difference}). Go on with the file and the "
                "options it was begun with, or choose another --run."
            )
        folder.keep(asked)
        return cls(folder, asked)

    def rest(self) -> Iterator[Trial]:
        """Yield the trials that are left, as each is reached.

        Those that another process trains are left to it: the same command in several processes
        shares the trials among them.
        """
        failed = self.folder.failures()
        for number in range(1, len(self.plan.trials) + 1):
            run, left = self.folder.run(number), self.folder.times.left(number, self.plan.minutes)
            over = left == 0.0 and run.checkpoints.latest() is not None
            if not over and number not in failed and run.holder() is None:
                yield Trial(number, run, left)

    def training(self, trial: Trial, tell: Tell) -> Training:
        """A training of `trial` that is ready to start, or to go on.

        Raises:
            ConfigError, DataError: its settings are invalid, or the store lacks the bars.
        """
        store = Path(self.plan.store)
        if trial.run.exists:
            return Training.begun(trial.run, store, tell)
        return Training.new(trial.run, self.plan.trials[trial.number - 1], store, tell)

    def ranked(self) -> list[TrialResult]:
        """All trials, the one that earned most on its validation split first."""
        names = {str(number): config for number, config in enumerate(self.plan.trials, 1)}
        changes = differing(names) if len(names) > 1 else {}
        failed = self.folder.failures()
        found = [
            self._result(
                number,
                {key: values[str(number)] for key, values in changes.items()},
                failed.get(number),
            )
            for number in range(1, len(names) + 1)
        ]
        return sorted(found, key=lambda one: math.inf if one.net_pips is None else -one.net_pips)

    def _result(self, number: int, changes: dict[str, Any], failed: str | None) -> TrialResult:
        run = self.folder.run(number)
        best = _best_validation(run.journal_path)
        left = self.folder.times.left(number, self.plan.minutes)
        note = "" if left == 0.0 else "not done" if run.exists else "not begun"
        if best is None and left == 0.0:
            note = "never validated: train it longer"
        net, low, high, trades = best or (None, None, None, None)
        return TrialResult(number, str(run.path), changes, net, low, high, trades, failed or note)


def _difference(plan: SweepPlan, asked: SweepPlan) -> str:
    """In what `asked` goes beyond further trials, in words; "" if in nothing."""
    if replace(plan, trials=()) != replace(asked, trials=()):
        limit = "all episodes" if plan.minutes is None else f"{plan.minutes:g} minutes"
        return f"{limit} a trial, bars of {plan.store}"
    if len(asked.trials) < len(plan.trials):
        return f"it has {len(plan.trials):,} trials, not {len(asked.trials):,}"
    for number, (was, wanted) in enumerate(zip(plan.trials, asked.trials, strict=False), 1):
        for key, values in differing({"was": was, "wanted": wanted}).items():
            return f"trial {number}: {key} is {values['was']!r} there, {values['wanted']!r} here"
    return ""


def _best_validation(
    journal: Path,
) -> tuple[float, float | None, float | None, int] | None:
    """Net a session, its interval and trades of the last validation that was the best so far."""
    found = None
    for event in read(journal) if journal.exists() else ():
        metrics = event.get("metrics")
        if event["event"] != "validated" or event.get("best") is not True:
            continue
        # A journal may come from anywhere.
        if not isinstance(metrics, dict):
            continue
        net, low, high = (
            _number(metrics.get(f"net_pips_{what}")) for what in ("per_session", "low", "high")
        )
        trades = metrics.get("trades")
        if net is not None and type(trades) is int:
            found = net, low, high, trades
    return found


def _number(value: Any) -> float | None:
    return float(value) if type(value) in (int, float) and math.isfinite(value) else None
