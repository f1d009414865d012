"""The page of several runs on the same sessions: settings, curves over each other, days."""

from collections.abc import Mapping
from dataclasses import replace

from mlx_muzero.evaluation.page.contents import Again, Column, Page, Table
from mlx_muzero.evaluation.page.courses import courses_of
from mlx_muzero.evaluation.page.tables import policies_table
from mlx_muzero.experiment.page_parts import repeating, weights_digest
from mlx_muzero.experiment.run_comparison import RunComparison
from mlx_muzero.experiment.trained_run import TrainedRun


def run_comparison_page(runs: Mapping[str, TrainedRun], found: RunComparison, command: str) -> Page:
    """The page of `found`, in which `runs` were compared by `command`."""
    conditions, unit = found.conditions, found.conditions.unit
    backtests = {name: entry.backtest for name, entry in found.entries.items()}
    metrics = {name: played.metrics for name, played in backtests.items()}
    same = [] if found.differing else ["The runs have the same configuration."]
    return Page(
        title=f"{' against '.join(found.entries)}: {conditions.data}, {conditions.part}",
        about=[*conditions.sentences, conditions.looked, *same],
        unit=unit,
        again=Again(command, _repeating_all(runs)),
        courses=[replace(each, shown=True) for each in courses_of(backtests, found.bars)],
        tables=[
            policies_table(metrics, unit, title="Runs"),
            days_table(found),
            *([keys_table(found)] if found.differing else []),
        ],
    )


def days_table(found: RunComparison) -> Table:
    """What each run earned beyond the first, day by day."""
    first, unit = next(iter(found.entries)), found.conditions.unit
    columns = (
        Column("run"),
        Column(f"{unit}/day beyond {first}", "number", 2, signed=True),
        Column("95 % from", "number", 2, signed=True),
        Column("to", "number", 2, signed=True),
        Column("days", "count"),
        Column("better", "count"),
        Column("worse", "count"),
    )
    rows = [
        (name, days.mean, days.low, days.high, days.days, days.better, days.worse)
        for name, days in found.by_day.items()
    ]
    note = (
        f"Net {unit} of a UTC day above that of {first} on the same sessions; the interval draws "
        "blocks of days. That the best of the others is better by luck alone has "
        f"p = {found.superior:.3f} (superior predictive ability)."
    )
    return Table(f"Beyond {first}, by day", columns, rows, note)


def keys_table(found: RunComparison) -> Table:
    """The keys in which the configurations differ."""
    rows = [
        (key, *(str(values[name]) for name in found.entries))
        for key, values in found.differing.items()
    ]
    return Table("Settings that differ", [Column("key"), *map(Column, found.entries)], rows)


def _repeating_all(runs: Mapping[str, TrainedRun]) -> dict[str, str]:
    """What has to be the same to compare again: once where `runs` share it, otherwise of each."""
    each = {
        name: {"SHA-256 of the weights": weights_digest(run), **repeating(run, run.dataset)}
        for name, run in runs.items()
    }
    told = {}
    for fact in next(iter(each.values())):
        values = {name: facts[fact] for name, facts in each.items()}
        if len(set(values.values())) == 1:
            told[fact] = next(iter(values.values()))
        else:
            told |= {f"{fact}, {name}": value for name, value in values.items()}
    return told
