"""What every account state earns and every action pays, whichever is chosen.

The market does not answer a price taker, so bars alone say what each position would have earned
over them, and costs are known.
"""

from dataclasses import replace

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.costs import Costs, funding_pips, pip_price
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64


def gains(dataset: MarketDataset, rules: TradingRules, bars: I64, *, final: bool) -> F64:
    """``f64[B, n, S]`` pips that each account state earns from one fill to the next.

    Args:
        dataset: the market.
        rules: account states, and where actions fill.
        bars: ``i64[B, n]`` consecutive bars of decisions.
        final: the last fill is followed by the next close, at which the session ends; otherwise by
            one more fill.
    """
    close, filled = dataset.close, dataset.fill_prices(rules.fill)
    price, rate = filled[bars], rules.funding.rates(dataset, bars + 1)
    after = filled[bars + 1]
    if final:
        after[:, -1] = close[bars[:, -1] + 1]
    pip = pip_price(price, rules.pip_size)
    moved = (after - price) / pip
    settled = funding_pips(np.ones(1), close[bars + 1], rate, pip)
    earned = np.asarray((moved - settled)[..., None] * rules.states.exposures)
    if rules.swap.charges:
        nights = dataset.passing.nights[bars + 1]
        earned -= rules.swap.paid_pips(rules.states.exposures, nights[..., None])
    return earned


def unit_moves(earned: F64, rules: TradingRules) -> F64:
    """``f64[...]`` pips that an exposure of 1 earns where states earn `earned` ``f64[..., S]``.

    The longest position tells it; without swap points, what others earn is in proportion.
    """
    longest = int(rules.states.exposures.argmax())
    return np.asarray(earned[..., longest] / rules.states.exposures[longest])


def known_spread(dataset: MarketDataset, rules: TradingRules, bars: I64) -> F64 | None:
    """Ask less bid at the closes of `bars`, ``f64`` of their shape; None unless it is paid."""
    return dataset.close_spreads[bars] if rules.costs.quoted else None


def fill_costs(
    price: F64, rules: TradingRules, spread: F64 | None = None, minute: I64 | None = None
) -> F64:
    """``f64[B, S, A]`` pips that each action pays in each account state at `price` ``f64[B]``.

    Infinite where the action is illegal. Where the quotes are paid, `spread` ``f64[B]`` is theirs;
    where costs follow a clock, the bars of the decisions open at `minute` ``i64[B]``.
    """
    states = rules.states
    wanted = states.exposures[states.next_state]
    held = states.exposures[:, None]
    left, entered = rules.costs.fill_pips(
        held,
        wanted,
        price[:, None, None],
        rules.pip_size,
        None if spread is None else spread[:, None, None],
        None if minute is None else minute[:, None, None],
    )
    stays = states.next_state == np.arange(states.count)[:, None]
    return np.where(states.legal, np.where(stays, 0.0, left + entered), np.inf)


def known_costs(dataset: MarketDataset, rules: TradingRules, bars: I64) -> F64:
    """``f64[n, S, A]`` `fill_costs` as known at the closes of `bars` ``i64[n]``."""
    minute = dataset.open_time_ns[bars] // MINUTE_NS
    return fill_costs(dataset.close[bars], rules, known_spread(dataset, rules, bars), minute)


def added_exposure(rules: TradingRules) -> F64:
    """``f64[S, A]`` exposure that each action adds, which a round trip is charged for; else 0."""
    at_one_pip = fill_costs(np.ones(1), replace(rules, costs=Costs(1.0)))[0]
    return np.where(rules.states.legal, at_one_pip, 0.0)


def leaving_costs(price: F64, rules: TradingRules, spread: F64 | None = None) -> F64:
    """``f64[B, S]`` pips that going flat from each account state pays, as `fill_costs`."""
    held, flat = rules.states.exposures, np.zeros_like(rules.states.exposures)
    left, _ = rules.costs.fill_pips(
        held,
        flat,
        price[:, None],
        rules.pip_size,
        None if spread is None else spread[:, None],
        np.zeros(1, np.int64),  # going flat enters nothing, whatever the minute
    )
    return left
