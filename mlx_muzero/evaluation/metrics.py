"""Metrics of a policy from a backtest of whole sessions, in pips (FX "Monitoring & Validation").

Pips are the instrument's own; basis points if it has none.
"""

import math
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, Literal

import numpy as np

from mlx_muzero.evaluation.session_groups import SessionGroups, interval
from mlx_muzero.trading.ledger import Trades
from mlx_muzero.types import F64, I64

Alarm = Literal["healthy", "notice", "warning", "critical"]

BARS_PER_DAY = 1440

FX_BARS_PER_YEAR = 52 * 5 * BARS_PER_DAY
"""52 weeks of five days of 1440 minutes, the trading time of an FX pair."""

CRYPTO_BARS_PER_YEAR = 365 * 1440
"""Every minute."""

_SQN_TRADES = 100


@dataclass(frozen=True)
class Metrics:
    """Metrics of one policy on one set of sessions; zeros if nothing was traded.

    Attributes:
        sessions: sessions played.
        session_groups: groups of sessions that overlap in time, usually of several pairs; each is
            one portfolio and one observation.
        session_bars: steps per session.
        trades: round trips: stretches on one side, from first fill to last (`Trades.round_trip`).
        trades_per_session: their mean number per session.
        win_frac: share of trades with net pips above zero.
        expectancy_pips: FX's (Win% x Avg_Win) - (Loss% x Avg_Loss), net of costs, per trade.
        net_pips: pips after costs, all sessions.
        gross_pips: pips before costs.
        cost_pips: costs paid.
        funding_pips: funding paid, negative if received.
        net_pips_per_session: mean net pips per session.
        net_pips_standard_error: its standard error, treating groups as independent.
        net_pips_low: lower end of its 95 % bootstrap interval over groups; None with one group.
        net_pips_high: upper end.
        profit_factor: net pips won over net pips lost; infinite without a loss, None without
            either.
        max_drawdown_pips: largest fall from a peak of the portfolio's equity, groups end to end,
            marked every bar.
        sharpe: mean over standard deviation of net pips per group, annualized; 0 without spread.
            None, like the next two, if there is too little time (`report.performance`).
        sharpe_factor: the square root of `sharpe_sessions_per_year`, by which it was multiplied.
        sharpe_sessions_per_year: sessions that fit end to end into a year of trading.
        sortino: mean of net pips per group over their downside deviation (root mean squared loss),
            annualized like `sharpe`; infinite without a losing group, None if nothing was won
            either.
        calmar: net pips per year over `max_drawdown_pips`; infinite without a drawdown, None if
            nothing was won either.
        sqn: system quality number, sqrt(min(trades, 100)) x mean / standard deviation of net pips
            per trade (ADR 13); 0 without spread.
        exposure_frac: share of bars with a position.
        mean_bars_in_trade: mean number of bars from entry to exit.
        turnover_per_session: exposure filled per session, in and out; a trade of exposure 1 is 2.
        action_frac: share of each action, by name.
        alarm: FX's action alarm (`action_alarm`).
    """

    sessions: int
    session_groups: int
    session_bars: int
    trades: int
    trades_per_session: float
    win_frac: float
    expectancy_pips: float
    net_pips: float
    gross_pips: float
    cost_pips: float
    funding_pips: float
    net_pips_per_session: float
    net_pips_standard_error: float
    net_pips_low: float | None
    net_pips_high: float | None
    profit_factor: float | None
    max_drawdown_pips: float
    sharpe: float | None
    sharpe_factor: float
    sharpe_sessions_per_year: float
    sortino: float | None
    calmar: float | None
    sqn: float
    exposure_frac: float
    mean_bars_in_trade: float
    turnover_per_session: float
    action_frac: dict[str, float]
    alarm: Alarm

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON: an infinite ratio becomes the text "inf"."""
        values = asdict(self)
        return {name: "inf" if value == math.inf else value for name, value in values.items()}

    def as_row(self) -> dict[str, Any]:
        """The numbers for a row of a table: each share of `action_frac` is a separate column."""
        values = asdict(self)
        shares = values.pop("action_frac")
        return values | {f"action_frac_{name}": share for name, share in shares.items()}


def measure(
    trades: Trades,
    equity_pips: F64,
    action_counts: I64,
    action_names: Sequence[str],
    *,
    fx_week: bool = True,
    daily: bool = False,
    seed: int = 0,
    groups: SessionGroups | None = None,
) -> Metrics:
    """Metrics of `N` sessions of `steps` steps, all ending flat.

    Args:
        trades: every trade of every session.
        equity_pips: ``f64[N, steps]`` net equity of each session after each step.
        action_counts: ``i64[A]`` how often each action was chosen.
        action_names: `A` names.
        fx_week: whether a year consists of trading weeks, or of every minute.
        daily: whether a day has at most one session, however short.
        seed: seed of the bootstrap.
        groups: which sessions overlap; by default they follow one another.

    Raises:
        ValueError: no session, wrong counts, or trades that do not add up to the final equity.
    """
    sessions, steps = equity_pips.shape
    counts = np.asarray(action_counts, np.int64)
    if sessions < 1 or steps < 1:
        raise ValueError(f"equity_pips has shape {equity_pips.shape}, wanted at least one session")
    if counts.shape != (len(action_names),):
        raise ValueError(f"action_counts {counts} must count {len(action_names)} actions")
    session_pips = equity_pips[:, -1]
    net: F64 = np.bincount(trades.round_trip, trades.net_pips).astype(np.float64)
    bars_held = np.bincount(trades.round_trip, trades.bars_held)
    if not math.isclose(net.sum(), session_pips.sum(), rel_tol=1e-9, abs_tol=1e-5 * sessions):
        raise ValueError(
            f"trades add up to {net.sum()} pips but the sessions end with {session_pips.sum()}"
        )
    won, lost = float(net[net > 0].sum()), float(-net[net < 0].sum())
    groups = groups or SessionGroups.apart(sessions)
    low, high = interval(groups.resampled_means(session_pips, seed))
    portfolio = groups.totals(equity_pips)
    group_pips, drawdown = portfolio[:, -1], float(drawdown_pips(portfolio).max())
    mean = float(group_pips.mean())
    bars_apart = max(steps, BARS_PER_DAY) if daily else steps
    sessions_per_year = (FX_BARS_PER_YEAR if fx_week else CRYPTO_BARS_PER_YEAR) / bars_apart
    factor = math.sqrt(sessions_per_year)
    return Metrics(
        sessions=sessions,
        session_groups=len(portfolio),
        session_bars=steps,
        trades=len(net),
        trades_per_session=len(net) / sessions,
        win_frac=float((net > 0).mean()) if len(net) else 0.0,
        expectancy_pips=expectancy_pips(net),
        net_pips=float(net.sum()),
        gross_pips=float(trades.gross_pips.sum()),
        cost_pips=float(trades.cost_pips.sum()),
        funding_pips=float(trades.funding_pips.sum()),
        net_pips_per_session=float(session_pips.mean()),
        net_pips_standard_error=groups.standard_error(session_pips),
        net_pips_low=low,
        net_pips_high=high,
        profit_factor=_gain_over_loss(won, lost),
        max_drawdown_pips=drawdown,
        sharpe=_mean_over_deviation(group_pips) * factor,
        sharpe_factor=factor,
        sharpe_sessions_per_year=sessions_per_year,
        sortino=_gain_over_loss(mean * factor, _downside_deviation(group_pips)),
        calmar=_gain_over_loss(mean * sessions_per_year, drawdown),
        sqn=quality_score(net),
        exposure_frac=float(bars_held.sum()) / (sessions * steps),
        mean_bars_in_trade=float(bars_held.mean()) if len(bars_held) else 0.0,
        turnover_per_session=float(trades.turnover.sum()) / sessions,
        action_frac={
            name: float(count / max(counts.sum(), 1))
            for name, count in zip(action_names, counts, strict=True)
        },
        alarm=action_alarm(counts),
    )


def expectancy_pips(net_pips: F64) -> float:
    """FX "Expectancy" of trades ``f64[N]``: (Win% x Avg_Win) - (Loss% x Avg_Loss), 0 for none.

    A trade of exactly 0 pips is neither a win nor a loss.
    """
    wins, losses = net_pips[net_pips > 0], -net_pips[net_pips < 0]
    expectancy = 0.0
    if len(wins):
        expectancy += len(wins) / len(net_pips) * float(wins.mean())
    if len(losses):
        expectancy -= len(losses) / len(net_pips) * float(losses.mean())
    return expectancy


def quality_score(net_pips: F64) -> float:
    """SQN of trades ``f64[N]`` (ADR 13), 0 for fewer than two or without spread."""
    return math.sqrt(min(len(net_pips), _SQN_TRADES)) * _mean_over_deviation(net_pips)


def action_alarm(action_counts: I64) -> Alarm:
    """FX "Action Distribution": judges the share of the most common action.

    FX calls up to 40 % healthy, above 60 % a warning and above 90 % critical (Hold-only
    collapse); between 40 and 60 % is a "notice" here. No actions are healthy.
    """
    total = int(np.sum(action_counts))
    largest = int(np.max(action_counts)) if total else 0
    if 10 * largest > 9 * total:
        return "critical"
    if 10 * largest > 6 * total:
        return "warning"
    return "notice" if 10 * largest > 4 * total else "healthy"


def _deviation(values: F64) -> float:
    return float(np.std(values, ddof=1)) if len(values) > 1 else 0.0


def _mean_over_deviation(values: F64) -> float:
    deviation = _deviation(values)
    # Deviation from rounding errors alone is not spread.
    if deviation <= 1e-12 * float(np.abs(values).max(initial=0.0)):
        return 0.0
    return float(values.mean()) / deviation


def _gain_over_loss(gain: float, loss: float) -> float | None:
    if loss > 0.0:
        return gain / loss
    return math.inf if gain > 0.0 else None


def _downside_deviation(values: F64) -> float:
    return math.sqrt(float(np.square(np.minimum(values, 0.0)).mean()))


def end_to_end(equity_pips: F64) -> F64:
    """``f64[G * steps]`` equity of sessions ``f64[G, steps]`` played one after another."""
    before = np.concatenate([[0.0], np.cumsum(equity_pips[:-1, -1])])
    return np.asarray((before[:, None] + equity_pips).ravel())


def drawdown_pips(equity_pips: F64) -> F64:
    """``f64[G * steps]`` distance of that equity below its highest so far, starting at 0."""
    curve = end_to_end(equity_pips)
    return np.maximum.accumulate(np.maximum(curve, 0.0)) - curve
