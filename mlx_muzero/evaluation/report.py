"""Several policies side by side, as a table to read and a dict to keep."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from rich.table import Table

from mlx_muzero.evaluation.metrics import Metrics


@dataclass(frozen=True)
class Conditions:
    """What the numbers were measured on.

    Attributes:
        data: symbol or file.
        split: "train", "validation" or "test".
        sessions: sessions played by every policy.
        session_bars: steps of each.
        round_trip_cost_pips: cost of one trade.
        first: UTC time of the first bar, ISO 8601.
        last: UTC time of the last bar.
    """

    data: str
    split: str
    sessions: int
    session_bars: int
    round_trip_cost_pips: float
    first: str
    last: str


def report_table(conditions: Conditions, metrics: Mapping[str, Metrics]) -> Table:
    """A Rich table, one row for each named policy in the order given."""
    table = Table(
        title=f"{conditions.data}, {conditions.split} split",
        caption=f"{conditions.sessions} sessions of {conditions.session_bars} bars, "
        f"{conditions.first} to {conditions.last}, round trip {conditions.round_trip_cost_pips:g} "
        "pips; net pips a session with 95 % bootstrap interval",
    )
    table.add_column("policy")
    for heading in (
        "net pips/session",
        "95 %",
        "trades/session",
        "expectancy",
        "win",
        "profit factor",
        "sharpe",
        "SQN",
        "max drawdown",
        "in market",
    ):
        table.add_column(heading, justify="right")
    table.add_column("actions")
    for name, m in metrics.items():
        factor = "-" if m.profit_factor is None else f"{m.profit_factor:.2f}"
        table.add_row(
            name,
            f"{m.net_pips_per_session:+.1f}",
            f"{m.net_pips_low:+.1f} to {m.net_pips_high:+.1f}",
            f"{m.trades_per_session:.1f}",
            f"{m.expectancy_pips:+.2f}",
            f"{m.win_frac:.0%}",
            factor,
            f"{m.sharpe:.2f}",
            f"{m.sqn:.2f}",
            f"{m.max_drawdown_pips:.0f}",
            f"{m.exposure_frac:.0%}",
            m.alarm,
        )
    return table


def report_dict(conditions: Conditions, metrics: Mapping[str, Metrics]) -> dict[str, Any]:
    """The same for JSON: ``{"conditions": ..., "policies": {name: metrics}}``."""
    return {
        "conditions": asdict(conditions),
        "policies": {name: m.as_dict() for name, m in metrics.items()},
    }
