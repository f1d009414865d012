"""The trials of a sweep as text for 80 columns."""

from collections.abc import Sequence
from typing import Any

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.experiment.sweep import TrialResult
from muzero_cli.display.policy_tables import count, net_interval, policy_table


def sweep_report(results: Sequence[TrialResult], unit: str) -> Group:
    """A row for each trial, the best first, and how to go on with it."""
    table = policy_table(f"net {unit}/session\n[95% interval]", "trades", first="trial")
    table.add_column("configuration", overflow="fold")
    for result in results:
        _add(table, result)
    legend = (
        "Ranked by the validation splits alone: no test was looked at. The best of many is lucky, "
        "so its test earns less; the ledger of looks counts every trial."
    )
    return Group(table, Text(legend, style="dim"))


def _add(table: Table, result: TrialResult) -> None:
    changes = ", ".join(f"{key} {_value(value)}" for key, value in result.changes.items())
    note = f" ({result.note})" if result.note else ""
    net: Text | str = "-"
    if result.net_pips is not None:
        net = net_interval(result.net_pips, result.low, result.high)
    trades = "-" if result.trades is None else count(result.trades)
    table.add_row(str(result.number), net, trades, Text(f"{changes}{note}"))


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:g}"
    return ",".join(map(str, value)) if isinstance(value, tuple) else str(value)
