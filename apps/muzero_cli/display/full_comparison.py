"""A full comparison as text for 80 columns."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.conditions import Conditions
from mlx_muzero.evaluation.cost_sweep import CostSweep
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.full_comparison import RAW_NETWORK, FullComparison
from mlx_muzero.evaluation.ppo.rival import Rival
from mlx_muzero.evaluation.transformer_teaching import TaughtTransformer
from mlx_muzero.words import counted
from muzero_cli.display.comparison import report
from muzero_cli.display.policy_tables import (
    count,
    ends,
    filled,
    net_interval,
    policy_table,
    ratio,
    signed,
    verdict,
)

_COSTS_SHOWN = 5
"""How many of the swept cost levels the table shows."""


def full_report(full: FullComparison) -> Group:
    """The report of the policies, then risk and speed, the cost sweep, and the forecast."""
    comparison = full.comparison
    unit = comparison.conditions.unit
    heading = Text(f"\n{_sweep_heading(full.sweep, comparison.conditions)}\n")
    parts: list[RenderableType] = [
        report(comparison.conditions, comparison.metrics),
        Text(),
        _risk(full, unit),
        Text(_risk_legend(unit), style="dim"),
        heading,
        _costs(full.sweep),
        Text(_sweep_legend(unit), style="dim"),
        Text(
            f"\n{_taught(full.transformer, unit)}\n{_rival(full.ppo, unit)}\n"
            f"{_forecast(full.forecast)}"
        ),
    ]
    return Group(*parts)


def _risk(full: FullComparison, unit: str) -> Table:
    headings = ("Sortino", "Calmar", "turnover/\nsession", "decisions/\ns")
    rows: dict[str, list[str | Text]] = {}
    for name, entry in full.comparison.entries.items():
        m, beyond = entry.backtest.metrics, full.beyond_raw[name]
        rows[name] = [
            net_interval(beyond.mean, beyond.low, beyond.high),
            ratio(m.sortino),
            ratio(m.calmar),
            f"{m.turnover_per_session:.1f}",
            count(entry.decisions_per_s),
        ]
    first = f"{unit} beyond {RAW_NETWORK}\n[95% interval]"
    return filled(policy_table(first, *headings), rows)


def _risk_legend(unit: str) -> str:
    return (
        f"Beyond {RAW_NETWORK}: net {unit} per session above the same network without search; the "
        "interval is over the differences of single sessions. Sortino: like Sharpe, over the "
        f"downside deviation. Calmar: net {unit} per year over Max DD. Turnover: exposure filled, "
        "in and out; a round trip of exposure 1 counts 2. Decisions/s: for all sessions in "
        "lockstep, including the market's steps."
    )


def _sweep_heading(sweep: CostSweep, conditions: Conditions) -> str:
    unit, decided_at = conditions.unit, f"{sweep.decided_at:g}"
    if conditions.spread_bps is not None:
        decided_at = f"their bars' quotes, {sweep.decided_at:.3g} on average"
    what = f"a round trip, {unit}" if sweep.cost == "round_trip" else f"every fill, {unit}"
    return (
        f"Net {unit} per session of the same trades at other costs (of {what}). All were decided "
        f"at {decided_at}; at another cost, a policy would have made other trades."
    )


def _costs(sweep: CostSweep) -> Table:
    stride = (len(sweep.levels) - 1) // (_COSTS_SHOWN - 1)
    shown = range(0, len(sweep.levels), stride)
    headings = [f"at {sweep.levels[level]:g}" for level in shown]
    rows: dict[str, list[str | Text]] = {}
    for name, curve in sweep.curves.items():
        cells: list[str | Text] = []
        for level in shown:
            style = verdict(curve.low[level], curve.high[level])
            cells.append(Text(signed(curve.net[level]), style=style))
        around = "-"
        if curve.break_even_low is not None:
            around = ends(curve.break_even_low, curve.break_even_high)
        rows[name] = [*cells, _break_even(curve.break_even), around]
    return filled(policy_table(*headings, "breaks\neven at", "\n[95% interval]"), rows)


def _break_even(cost: float | None) -> str:
    return "-" if cost is None else signed(cost) if cost > 0.0 else "never"


def _sweep_legend(unit: str) -> str:
    return (
        f"Breaks even at: the cost at which the net {unit} of these trades is 0, with its "
        "bootstrap interval; never: they lose even without costs."
    )


def _taught(taught: TaughtTransformer, unit: str) -> str:
    recipe = taught.recipe
    return (
        f"Transformer: {recipe.sizes.layers} layers of width {recipe.sizes.width}, seed "
        f"{taught.seed}, taught the actions of perfect foresight after costs on training "
        f"sessions. Best of {counted(len(taught.checked_net_pips), 'check')}: after "
        f"{taught.chosen_steps:,} steps, {signed(taught.checked_net_pips[taught.chosen_steps])} "
        f"net {unit} per session on the validation split."
    )


def _rival(ppo: Rival | str, unit: str) -> str:
    if isinstance(ppo, str):
        return f"PPO: {ppo}"
    best = ppo.trials[ppo.chosen - 1]
    trials = counted(len(ppo.trials), "trial")
    if ppo.minutes is not None:
        trials += f" of {ppo.minutes:.3g} minutes each"
    return (
        f"PPO: the agent's encoder, learning by trying at the same costs. Best of "
        f"{trials} by the validation split: trial {ppo.chosen}, after "
        f"{best.chosen_updates:,} of {best.updates:,} updates, {signed(best.net_pips)} net {unit} "
        "per session there."
    )


def _forecast(forecast: OutcomeForecast) -> str:
    return (
        f"Next bar's outcome: cross-entropy {forecast.cross_entropy:.4f} nats (base rates of the "
        f"training split {forecast.base_rate_cross_entropy:.4f}), Brier score "
        f"{forecast.brier:.4f} ({forecast.base_rate_brier:.4f})."
    )
