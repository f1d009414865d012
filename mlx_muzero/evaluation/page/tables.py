"""Tables and plots of a page that several kinds of results share."""

import math
from collections.abc import Mapping, Sequence

import numpy as np

from mlx_muzero.evaluation.cost_sweep import CostCurve, CostSweep
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.importance import REPEATS, Importance
from mlx_muzero.evaluation.luck.assessment import NOT_TO_BEAT, Luck
from mlx_muzero.evaluation.luck.concentration import BEST_TRADES, Stretch
from mlx_muzero.evaluation.luck.verdict import Verdict
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.page.contents import Column, Line, Plot, ShownVerdict, Table
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.runlog.look import Look
from mlx_muzero.types import F64
from mlx_muzero.words import named

MOST_LOOKS = 500
"""Looks listed on a page, the newest."""

_CURVES = 6
"""Policies in the plot of costs; the table below it has all."""


def verdict_of(verdict: Verdict | None, looked: str) -> ShownVerdict:
    """The verdict for the top of the page."""
    if verdict is None:
        return ShownVerdict("none", ["the run was trained or chosen on these bars"], looked)
    return ShownVerdict(verdict.call, verdict.reasons, looked)


def policies_table(
    metrics: Mapping[str, Metrics],
    unit: str,
    per: str = "session",
    title: str = "Beside the baselines",
) -> Table:
    """One row for each policy; net figures are of one `per`."""
    columns = (
        Column("policy"),
        Column(f"net {unit}/{per}", "number", 2, signed=True),
        Column("95 % from", "number", 2, signed=True),
        Column("to", "number", 2, signed=True),
        Column(f"net {unit}", "number", 1, signed=True),
        Column("trades", "count"),
        Column("win", "percent", 0),
        Column("expectancy", "number", 2, signed=True),
        Column("profit factor", "number", 2),
        Column(f"max drawdown {unit}", "number", 1),
        Column("Sharpe, annual", "number", 2, signed=True),
        Column("Sortino", "number", 2),
        Column("in market", "percent", 0),
        Column("bars/trade", "number", 1),
    )
    rows = [
        (
            name,
            m.net_pips_per_session,
            m.net_pips_low,
            m.net_pips_high,
            m.net_pips,
            m.trades,
            m.win_frac,
            m.expectancy_pips,
            m.profit_factor,
            m.max_drawdown_pips,
            m.sharpe,
            m.sortino,
            m.exposure_frac,
            m.mean_bars_in_trade,
        )
        for name, m in metrics.items()
    ]
    note = f"Net is after costs. Brackets of 95 % are from a bootstrap over {per}s at other times."
    return Table(title, columns, rows, note)


def spread_table(
    title: str, stretches: Mapping[str, Stretch], unit: str, observation: str
) -> Table:
    """Results by month or year."""
    columns = (
        Column(title),
        Column(f"{observation}s", "count"),
        Column("trades", "count"),
        Column(f"net {unit}", "number", 1, signed=True),
        Column(f"{unit}/{observation}", "number", 2, signed=True),
    )
    rows = [
        (name, s.sessions, s.trades, s.net_pips, s.net_pips / s.sessions)
        for name, s in stretches.items()
    ]
    return Table(f"By {title}", columns, rows)


def luck_tables(luck: Luck, unit: str, year: float, observation: str = "session") -> list[Table]:
    """The figures behind the verdict, and how results are spread over time; as `luck_table`."""
    return [
        luck_table(luck, unit, year, observation),
        spread_table("month", luck.months, unit, observation),
        spread_table("year", luck.years, unit, observation),
    ]


def luck_table(luck: Luck, unit: str, year: float, observation: str) -> Table:
    """The figures behind the verdict.

    Args:
        luck: what the results owe to luck.
        unit: of net figures.
        year: factor by which a Sharpe ratio is annualised.
        observation: what was judged one by one.
    """
    rows = verdict_rows(luck.verdict, year, observation)
    rows["superior predictive ability, against flat"] = _p(luck.beyond_flat)
    if luck.beyond_baseline is not None:
        rows[f"the same, against {luck.baseline}"] = _p(luck.beyond_baseline)
    if luck.overfitting is not None:
        of = f"probability of backtest overfitting, {luck.overfitting_trials} trials"
        rows[of] = f"{luck.overfitting:.0%}"
    if luck.best_share is not None:
        rows[f"share of the profit in the best {BEST_TRADES} trades"] = f"{luck.best_share:.0%}"
    if (pool := luck.seeds) is not None:
        net = f"{pool.net_pips_per_day:+,.2f}{_within(pool.low, pool.high)}"
        rows[f"{pool.seeds} seeds, {unit} a day"] = net
    return evidence_table(rows)


def verdict_rows(verdict: Verdict, year: float, observation: str) -> dict[str, str]:
    """The figures of a verdict by name, Sharpe ratios annualised by `year`."""
    low, high = (
        None if end is None else end * year for end in (verdict.sharpe_low, verdict.sharpe_high)
    )
    if verdict.observations < 2:
        return {f"{observation}s": f"a single {observation} tells nothing"}
    needed = "none would" if verdict.more_needed is None else f"{verdict.more_needed:,}"
    rows = {
        f"{observation}s at different times": f"{verdict.observations:,}",
        "Sharpe, annual": f"{verdict.sharpe * year:+.2f}{_within(low, high)}",
        "probability that it is above 0": f"{verdict.probability:.3f}",
        "independent trials": f"{verdict.trials:.3g}",
        "Sharpe of the best of them without skill": f"{verdict.lucky_sharpe * year:+.2f}",
        "deflated Sharpe ratio, of 0.95 needed": f"{verdict.deflated:.3f}",
        f"more {observation}s that would show it": needed,
        "chance, in a block bootstrap": _p(verdict.chance),
    }
    if verdict.entries is not None:
        rows["random entries of the same exposure"] = _p(verdict.entries)
    return rows


def evidence_table(rows: Mapping[str, str]) -> Table:
    """Figures that speak for luck or for skill."""
    return Table("Luck or skill", (Column("evidence"), Column("figure")), list(rows.items()))


def costs_plot(sweep: CostSweep, unit: str) -> Plot:
    """What trades would have earned at other costs."""
    what = f"cost of a {'round trip' if sweep.cost == 'round_trip' else 'fill'}, {unit}"
    paid = (sweep.decided_at, "decided at")
    return cost_curves_plot(sweep.curves, sweep.levels, what, f"net {unit} per session", paid)


def cost_curves_plot(
    curves: Mapping[str, CostCurve],
    levels: Sequence[float],
    x: str,
    y: str,
    marked: tuple[float, str],
) -> Plot:
    """Cost curves of policies.

    Args:
        curves: of each policy, the judged one first.
        levels: costs they were computed at.
        x: what these are.
        y: what was earned.
        marked: the cost that was paid, and what to call it.
    """
    lines = [
        Line(name, np.array(levels), np.array(curve.net), _edge(curve.low), _edge(curve.high))
        for name, curve in curves.items()
        if name not in NOT_TO_BEAT and curve.break_even is not None
    ]
    columns = (
        Column("policy"),
        *(Column(f"at {level:.3g}", "number", 2, signed=True) for level in levels),
        Column("breaks even at", "number", 2),
    )
    rows = [(n, *curve.net, curve.break_even) for n, curve in curves.items()]
    return Plot(
        "Cost curve",
        x,
        y,
        lines[:_CURVES],
        "The same trades charged other costs; an agent that plans with another cost trades "
        "otherwise.",
        marked_x=marked,
        of=Table("Net by cost", columns, rows),
    )


def calibration_plot(forecasts: Mapping[str, OutcomeForecast], note: str) -> Plot:
    """How often what was forecast came, by the name of each forecast."""
    lines = [
        Line(
            name,
            np.array([each.predicted for each in forecast.calibration]),
            np.array([each.observed for each in forecast.calibration]),
        )
        for name, forecast in forecasts.items()
    ]
    columns = (
        Column("forecast"),
        Column("probability"),
        Column("predicted", "percent", 1),
        Column("observed", "percent", 1),
        Column("forecasts", "count"),
    )
    rows = [
        (name, f"{each.low:.1f} to {each.high:.1f}", each.predicted, each.observed, each.count)
        for name, forecast in forecasts.items()
        for each in forecast.calibration
    ]
    about = [_quality(name, forecast) for name, forecast in forecasts.items()]
    return Plot(
        "Calibration",
        "probability forecast",
        "share that came",
        lines,
        " ".join([*about, note]).strip(),
        diagonal=True,
        of=Table("Forecasts by probability", columns, rows),
    )


def _quality(name: str, forecast: OutcomeForecast) -> str:
    of = zip(OUTCOME_NAMES, forecast.predicted, forecast.realized, strict=True)
    shares = ", ".join(f"{outcome} {said:.0%} (came {came:.0%})" for outcome, said, came in of)
    return (
        f"{name.capitalize()} of the next bar: {shares}; cross-entropy "
        f"{forecast.cross_entropy:.4f} nats, of base rates {forecast.base_rate_cross_entropy:.4f}; "
        f"expected calibration error {forecast.calibration_error:.4f}."
    )


def importance_table(found: Sequence[Importance], unit: str) -> Table:
    """What a policy earns less without each group of features."""
    columns = (
        Column("group"),
        Column(f"lost {unit}/session", "number", 2, signed=True),
        Column("95 % from", "number", 2, signed=True),
        Column("to", "number", 2, signed=True),
        Column(f"net {unit}/session", "number", 2, signed=True),
        Column("columns", "count"),
    )
    rows = [
        (each.group, each.lost, each.low, each.high, each.net_pips, len(each.columns))
        for each in found
    ]
    note = (
        "What the agent earns less, after costs, where a group tells of another session and time "
        f"of the same pair: the mean of {REPEATS} permutations. Groups that tell much the same "
        "stand in for each other, so both may seem to matter little."
    )
    return Table("Which features it earns with", columns, rows, note)


def looks_table(looks: Sequence[Look], unit: str) -> Table:
    """What was tried on a market, the newest first."""
    columns = (
        Column("recorded, UTC"),
        Column("what"),
        Column("symbols"),
        Column("from"),
        Column("to"),
        Column("run"),
        Column("seed", "count"),
        Column("configuration"),
        Column(f"net {unit}", "number", 2, signed=True),
    )
    newest = sorted(looks, key=lambda look: look.time, reverse=True)
    rows = [
        (
            look.time[:16].replace("T", " "),
            look.what,
            named(look.bars.symbols, "symbol"),
            utc_text(look.bars.first_ns)[:10],
            utc_text(look.bars.end_ns)[:10],
            look.run,
            look.seed,
            look.configuration[:8],
            max((policy.mean for policy in look.policies.values()), default=None),
        )
        for look in newest[:MOST_LOOKS]
    ]
    note = "Net of a session, or of sessions at the same hours: of the best row of a comparison."
    if len(newest) > MOST_LOOKS:
        left = len(newest) - MOST_LOOKS
        note += f" {left:,} older looks are left out: `mlx-muzero looks` lists them."
    return Table("What was tried", columns, rows, note)


def figures_of(m: Metrics, unit: str, per: str = "session") -> dict[str, str]:
    """The most important figures of the judged policy, written out."""
    within = _within(m.net_pips_low, m.net_pips_high)
    sharpe = {} if m.sharpe is None else {"Sharpe, annual": f"{m.sharpe:+.2f}"}
    return {
        f"net {unit} per {per}": f"{m.net_pips_per_session:+,.1f}{within}",
        f"net {unit}": f"{m.net_pips:+,.1f}",
        f"cost {unit}": f"{m.cost_pips:,.1f}",
        "round trips": f"{m.trades:,}",
        "won": f"{m.win_frac:.0%}",
        "profit factor": _ratio(m.profit_factor),
        f"largest drawdown, {unit}": f"{m.max_drawdown_pips:,.1f}",
        **sharpe,
        "in the market": f"{m.exposure_frac:.0%}",
    }


def _within(low: float | None, high: float | None) -> str:
    """An interval to follow a figure; "" if unknown."""
    return "" if low is None or high is None else f" [{low:+,.1f}, {high:+,.1f}]"


def _p(value: float) -> str:
    return "p < 0.001" if value < 0.001 else f"p = {value:.3f}"


def _ratio(value: float | None) -> str:
    if value is None:
        return "\u2013"
    return "\u221e" if math.isinf(value) else f"{value:.2f}"


def _edge(values: Sequence[float | None]) -> F64 | None:
    known = [value for value in values if value is not None]
    return np.array(known) if len(known) == len(values) else None
