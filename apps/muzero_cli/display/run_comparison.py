"""Several runs on the same sessions, as text for 80 columns."""

import numpy as np
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.experiment.run_comparison import RunComparison
from mlx_muzero.types import F64
from muzero_cli.display.comparison import report
from muzero_cli.display.policy_tables import count, net_interval, policy_table, signed

_LEVELS = "▁▂▃▄▅▆▇█"
_CURVE_COLUMNS = 48


def run_comparison_report(found: RunComparison) -> Group:
    """The keys in which the runs differ, their results, their days, and their curves."""
    unit = found.conditions.unit
    parts: list[RenderableType] = [_keys(found), Text()]
    metrics = {name: entry.backtest.metrics for name, entry in found.entries.items()}
    parts += [report(found.conditions, metrics), Text(), _days(found, unit)]
    first = next(iter(found.entries))
    parts += [
        Text(
            f"Beyond {first}: net {unit} of a UTC day above that run's on the same sessions; the "
            "interval draws blocks of days. That the best of the others is better by luck alone "
            f"has p = {found.superior:.3f} (superior predictive ability).",
            style="dim",
        ),
        Text(),
        _curves(found, unit),
    ]
    return Group(*parts)


def _keys(found: RunComparison) -> RenderableType:
    if not found.differing:
        return Text("The runs have the same configuration.", style="bold")
    table = policy_table(*found.entries, first="key")
    for key, values in found.differing.items():
        table.add_row(Text(key), *(Text(str(values[name])) for name in found.entries))
    return table


def _days(found: RunComparison, unit: str) -> Table:
    first = next(iter(found.entries))
    heading = f"{unit}/day beyond {first}\n[95% interval]"
    table = policy_table(heading, "days", "better", "worse", first="run")
    for name, days in found.by_day.items():
        table.add_row(
            Text(name),
            net_interval(days.mean, days.low, days.high),
            count(days.days),
            count(days.better),
            count(days.worse),
        )
    return table


def _curves(found: RunComparison, unit: str) -> Table:
    """The equity of each run at the end of each day, all on one scale."""
    _, totals = found.days
    curves = {name: np.concatenate([[0.0], total.cumsum()]) for name, total in totals.items()}
    low = min(float(curve.min()) for curve in curves.values())
    high = max(float(curve.max()) for curve in curves.values())
    table = policy_table("", f"net {unit}", first="equity by day")
    for name, curve in curves.items():
        table.add_row(Text(name), _drawn(curve, low, high), signed(float(curve[-1])))
    return table


def _drawn(curve: F64, low: float, high: float) -> str:
    shown = curve[np.linspace(0, len(curve) - 1, min(len(curve), _CURVE_COLUMNS)).astype(int)]
    height = (shown - low) / ((high - low) or 1.0)
    return "".join(_LEVELS[round(float(share) * (len(_LEVELS) - 1))] for share in height)
