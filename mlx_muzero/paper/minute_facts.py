"""Builds the facts of the journal's `minute` event: money, limits and every pair."""

from collections.abc import Sequence
from typing import Literal

import numpy as np

from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.margin import Margin
from mlx_muzero.paper.mode import Mode
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.risk import Losses
from mlx_muzero.paper.search_outcome import SearchOutcome
from mlx_muzero.paper.settings import RiskSettings
from mlx_muzero.runlog.decision_log import outcomes_by_action
from mlx_muzero.trading.costs import BASIS_POINT
from mlx_muzero.trading.positions import ActionTable

PairState = Literal["trading", "warming", "stale", "halted", "excluded"]


def pair_state(
    account: PairAccount, mode: Mode, warming: str | None, fresh: bool, silence: str | None
) -> tuple[PairState, str | None]:
    """Whether a pair is traded this minute, and if not, why.

    Args:
        account: the pair's account.
        mode: the session's mode.
        warming: why there is no observation; None if there is one.
        fresh: whether its bar of this minute arrived in time.
        silence: what the feed reported, if bars of the pair are missing.
    """
    if mode.halted:
        return "halted", mode.reason
    if account.pair in mode.excluded:
        return "excluded", mode.excluded[account.pair].reason
    if not fresh:
        if not account.close_ns:
            return "stale", silence or "no bar yet"
        last = f"no bar since {utc_text(account.close_ns)} UTC, or it arrived too late"
        return "stale", silence or last
    if warming is not None:
        return "warming", warming
    return "trading", None if account.order is None else "its last order is still pending"


def money_of(accounts: Sequence[PairAccount], equity: float) -> dict[str, float]:
    """Equity and its parts, in the account's currency."""
    unrealized = sum(a.unrealized for a in accounts)
    return {
        "equity": equity,
        "realized": sum(a.realized for a in accounts),
        "unrealized": unrealized,
        "cash": equity - unrealized,
        "exposure_total": sum(abs(a.exposure) for a in accounts),
    }


def limits_used(
    limits: RiskSettings, losses: Losses, accounts: Sequence[PairAccount], margin: Margin
) -> Row:
    """How much of each limit is used, in the limit's own unit; of a margin, if one is asked for."""
    exposures = [abs(a.exposure) for a in accounts]
    used = {
        "max_pair_exposure": max(exposures),
        "max_total_exposure": sum(exposures),
        "max_daily_loss_frac": losses.day_loss_frac,
        "max_drawdown_frac": losses.drawdown_frac,
    }
    told = {name: {"used": u, "limit": getattr(limits, name)} for name, u in used.items()}
    if limits.leverage:
        closeout = margin.closeout_frac(losses.equity, exposures)
        told["margin_closeout_frac"] = {"used": closeout, "limit": 1.0}
    return told


def pair_facts(
    account: PairAccount,
    table: ActionTable,
    state: tuple[PairState, str | None],
    outcome: SearchOutcome,
    bar: LiveBar | None,
) -> Row:
    """Facts about one pair; `state` is its name and reason.

    With a `bar`, these are its open, high and low. For a decision they include the action,
    `probabilities` ``f64[A]`` as shares of the visits, `outcomes` ``f64[C]`` the model expects of
    the next bar after that action, and the root value. Where plans follow settlements, the rate
    they expect, and whether that was announced or paid last, are among them.
    """
    facts: Row = {
        "state": state[0],
        "why": state[1],
        "close": account.close,
        "bar_close_ns": account.close_ns,
        "position": table.position_names[account.position],
        "exposure": account.exposure,
        "entry_price": account.entry_price,
        "unrealized": account.unrealized,
    }
    if account.hears_settlements and not np.isnan(account.expected_rate):
        announced = account.announced_rate is not None
        facts |= {
            "funding_bps": account.expected_rate / BASIS_POINT,
            "funding_from": "announced" if announced else "last paid",
        }
    if bar is not None:
        facts |= {"open": bar.open, "high": bar.high, "low": bar.low}
    result = outcome.result
    if result is not None and account.pair in outcome.pairs:
        row = outcome.pairs.index(account.pair)
        visits, action = result.visits[row], int(result.action[row])
        facts |= {
            "action": action,
            "probabilities": (visits / max(int(visits.sum()), 1)).tolist(),
            "value": float(result.value[row]),
        }
        predicted = outcomes_by_action(
            outcome.trees[row], len(table.action_names), len(OUTCOME_NAMES)
        )
        if (after := predicted[action]) is not None:
            facts["outcomes"] = after
    return facts
