"""Random entries of the same exposure: what the trades would have earned at other times.

Each pair's positions are moved along its sessions as a whole, by every possible number of bars:
the same sides and sizes, held as long, as often, and as close together, in the same market, so that
neither drift nor exposure counts as skill. What is left is when they were entered.
"""

from collections.abc import Mapping, Sequence

import numpy as np

from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.costs import gross_pips, pip_price
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64, I64

Positions = Mapping[str, tuple[F64, F64]]
"""Of each pair, bar by bar ``f64[T]``: the exposure held, and what an exposure of 1 earned."""


def positions(
    played: Backtest, dataset: MarketDataset, rules: TradingRules, starts: I64
) -> Positions:
    """What was held in the sessions that begin at `starts` ``i64[n]``, by pair."""
    held, moved = held_exposures(played, starts), bar_moves(dataset, rules, starts)
    pair = dataset.pair[starts]
    return {
        str(dataset.config.pairs[one]): (held[pair == one].ravel(), moved[pair == one].ravel())
        for one in np.unique(pair)
    }


def end_to_end(parts: Sequence[Positions]) -> Positions:
    """The positions of all `parts`, one after another."""
    names = dict.fromkeys(name for part in parts for name in part)
    whole = {}
    for name in names:
        held, moved = zip(*(part[name] for part in parts if name in part), strict=True)
        whole[name] = np.concatenate(held), np.concatenate(moved)
    return whole


def entries_p(pairs: Positions) -> float | None:
    """Share of all moves of the positions that earn as much as they did, that included.

    All pairs are moved by the same number of bars, shorter ones from the beginning again. None if
    nothing was held.
    """
    if not any(held.any() for held, _ in pairs.values()):
        return None
    longest = max(len(held) for held, _ in pairs.values())
    earned = np.zeros(longest)
    for held, moved in pairs.values():
        # Of every move at once: a circular correlation.
        size = len(held)
        spectrum = np.conj(np.fft.rfft(held)) * np.fft.rfft(moved)
        earned += np.fft.irfft(spectrum, size)[np.arange(longest) % size]
    level = earned[0] - 1e-9 * np.abs(earned).max(initial=0.0)
    return float((earned >= level).mean())


def held_exposures(played: Backtest, starts: I64) -> F64:
    """``f64[n, steps]`` signed exposure of each session from each decision to the next."""
    sessions, steps = played.equity_pips.shape
    trades = played.trades
    first = starts[trades.account]
    changes = np.zeros((sessions, steps + 1))
    np.add.at(changes, (trades.account, trades.entry_bar - first), trades.exposure)
    np.add.at(changes, (trades.account, trades.exit_bar - first), -trades.exposure)
    return np.asarray(changes.cumsum(axis=1)[:, :-1])


def bar_moves(dataset: MarketDataset, rules: TradingRules, starts: I64) -> F64:
    """``f64[n, steps]`` pips that a long exposure of 1 earns from each fill to the next."""
    bars = starts[:, None] + np.arange(dataset.config.session_bars + 1)
    path = dataset.fill_prices(rules.fill)[bars]
    path[:, -1] = dataset.close[bars[:, -1]]  # where a session ends, it is left at the close
    here, there = path[:, :-1], path[:, 1:]
    return gross_pips(np.ones(1), here, there, pip_price(here, rules.pip_size))
