"""A comparison of policies, as tables for 80 columns."""

from collections.abc import Mapping

from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.config import fx_targets
from mlx_muzero.evaluation.conditions import Conditions
from mlx_muzero.evaluation.metrics import Alarm, Metrics
from muzero_cli.display.policy_tables import (
    count,
    filled,
    net_interval,
    policy_table,
    ratio,
    signed,
)

_ALARM_STYLES: dict[Alarm, str] = {
    "healthy": "green",
    "notice": "yellow",
    "warning": "dark_orange",
    "critical": "bold red",
}

_ACTIONS_IN_ONE_TABLE = 4
"""If there are more actions than this, their shares need a separate table in 80 columns."""


def report(conditions: Conditions, metrics: Mapping[str, Metrics]) -> Group:
    """Results, actions and conditions of the named policies, in the given order.

    Nothing is truncated at 80 columns as long as names have at most 19 characters.
    """
    return Group(
        Text(f"{conditions.data}, {conditions.part}\n", style="bold"),
        results_table(metrics, f"{conditions.unit}/session"),
        *(part for table in _actions(metrics, conditions.unit) for part in (Text(), table)),
        Text(_legend(conditions, next(iter(metrics.values()))), style="dim"),
    )


def results_table(metrics: Mapping[str, Metrics], per: str) -> Table:
    """One row per policy; `per` is the unit of net figures, such as "pips/session"."""
    headings = ("trades", "expect-\nancy", "win", "PF", "max\nDD", "Sharpe")
    table = policy_table(f"net {per}\n[95% interval]", *headings)
    for name, m in metrics.items():
        table.add_row(
            name,
            net_interval(m.net_pips_per_session, m.net_pips_low, m.net_pips_high),
            count(m.trades),
            signed(m.expectancy_pips),
            f"{m.win_frac:.0%}",
            ratio(m.profit_factor),
            count(m.max_drawdown_pips),
            "-" if m.sharpe is None else signed(m.sharpe),
        )
    return table


def _actions(metrics: Mapping[str, Metrics], unit: str) -> list[Table]:
    """Shares of the actions, and the trades they led to; in one table if it fits."""
    actions = next(iter(metrics.values())).action_frac
    headings = ("in\nmarket", "bars/\ntrade", "SQN", f"net\n{unit}", "alarm")
    shares = {
        name: [f"{frac:.0%}" for frac in m.action_frac.values()] for name, m in metrics.items()
    }
    made: dict[str, list[str | Text]] = {
        name: [
            f"{m.exposure_frac:.0%}",
            f"{m.mean_bars_in_trade:.0f}",
            signed(m.sqn),
            signed(m.net_pips),
            Text(m.alarm, style=_ALARM_STYLES[m.alarm]),
        ]
        for name, m in metrics.items()
    }
    if len(actions) > _ACTIONS_IN_ONE_TABLE:
        return [filled(policy_table(*actions), shares), filled(policy_table(*headings), made)]
    joined = {name: [*shares[name], *made[name]] for name in metrics}
    return [filled(policy_table(*actions, *headings), joined)]


def _groups(measured: Metrics) -> list[str]:
    """The note on sessions at the same hours, if there are any."""
    if measured.session_groups == measured.sessions:
        return []
    return [
        "Pairs move together: sessions at the same hours are one portfolio and one observation, "
        f"{measured.session_groups:,} in all. The bootstrap draws them as a whole; Max DD, Sharpe, "
        "Sortino and Calmar are the portfolio's."
    ]


def _targets(unit: str) -> list[str]:
    if unit != fx_targets.UNIT:
        return []
    return [f"Targets of the FX specification for a trained agent: {fx_targets.TARGETS}."]


def _legend(conditions: Conditions, measured: Metrics) -> str:
    unit = conditions.unit
    year = "52 five-day weeks" if conditions.fx_week else "365 whole days"
    begins = f" from {conditions.session_start}" if conditions.session_start else ""
    fit = "one a day, in" if conditions.session_start else "that fit end to end into"
    return "\n".join(
        [
            "",
            f"{conditions.sessions:,} of {conditions.available_sessions:,} sessions of "
            f"{conditions.session_bars} bars{begins}, {conditions.first} to {conditions.last} UTC; "
            f"{conditions.costs}. {conditions.fills}",
            *(f"{note}." for note in conditions.wide_steps),
            *(text for text in (conditions.purged, conditions.looked) if text),
            *_groups(measured),
            f"{unit.capitalize()} are net of costs; the interval is a bootstrap over sessions. "
            f"Expectancy: (Win% x Avg_Win) - (Loss% x Avg_Loss), {unit} per trade. PF: profit "
            f"factor. Max DD: largest drop of the equity, in {unit}, with sessions end to end.",
            *_targets(unit),
            f"Sharpe: mean over standard deviation of net {unit} per session, times "
            f"{measured.sharpe_factor:.1f}, the root of the "
            f"{measured.sharpe_sessions_per_year:,.0f} sessions {fit} {year}.",
            "Alarm, by the share of the most common action: up to 40% healthy, up to 60% notice, "
            "up to 90% warning, above that critical. A policy that keeps positions for long "
            "repeats one action often.",
        ]
    )
