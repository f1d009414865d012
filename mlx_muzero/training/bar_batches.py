"""Batches for a factored model: every position's reward over the same bars, without any episode.

The market does not answer a price taker, so each training bar says what every position would have
earned over it, and costs are known. Nothing has to be explored or collected.
"""

from dataclasses import dataclass, replace

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten
from numpy.lib.stride_tricks import sliding_window_view

from mlx_muzero import rng
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.day_sessions import last_decisions
from mlx_muzero.market.observation.mirror import mirror
from mlx_muzero.market.observation.outcomes import DOWN, UNKNOWN, UP
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.market_networks import shares
from mlx_muzero.trading.gains import (
    added_exposure,
    gains,
    known_costs,
    known_spread,
    leaving_costs,
    unit_moves,
)
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.bar_weights import bar_weights
from mlx_muzero.training.chain_measuring import measure_chain
from mlx_muzero.types import F32, F64, I32, I64, U64, Bool

Weights = dict[str, mx.array]


@dataclass(frozen=True, eq=False)
class BarBatch:
    """n bars to learn from, each with the K bars after it.

    Attributes:
        rows: ``f32[n, R]`` what is read at the bars, as `MarketDataset.read_rows`.
        outcome: ``i32[n, K]`` chance outcomes of the bars after them.
        move: ``f32[n, K + 1]`` pips of an exposure of 1 from the fill after each bar to the next.
        worth: ``f32[n, K + 1, S]`` targets of the worth of each account state.
        known: ``f32[n, K + 1, I]`` what the worth head is told (`KnownInputs.rows`).
        weight: ``f32[n]`` of the squared errors of each row.
    """

    rows: F32
    outcome: I32
    move: F32
    worth: F32
    known: F32
    weight: F32


def bars_ahead(market: MarketConfig, unroll_steps: int, hold_bars: int) -> int:
    """Bars of its session that must follow a bar to learn from.

    The last target needs the fill and the observation of one more bar than it holds, and its fill
    the next. Where the sessions are those of days, the end of one ends what a target holds.
    """
    return unroll_steps + 1 + (0 if market.session_start else hold_bars)


def learnable_bars(dataset: MarketDataset, ahead: int) -> I64:
    """Bars of training sessions whose next `ahead` bars lie in the same session, ``i64[n]``.

    Raises:
        DataError: there are none.
    """
    starts, learnable = dataset.training_starts(), dataset.config.session_bars - ahead + 1
    begun = np.zeros(len(dataset.close) + 1, np.int64)
    if learnable > 0:
        np.add.at(begun, starts, 1)
        np.add.at(begun, starts + learnable, -1)
    bars = np.flatnonzero(np.cumsum(begun[:-1]))
    later = bars[:, None] + np.arange(1, ahead + 1)
    bars = bars[(dataset.outcomes[later] != UNKNOWN).all(axis=1)]
    if not len(bars):
        raise DataError(
            f"{dataset.label}: no bar of the training sessions, which have "
            f"{dataset.config.session_bars} bars, has {ahead} bars with a known outcome after it. "
            "Lower train.num_unroll_steps or train.hold_bars, or import more bars."
        )
    return bars


class BarSampler:
    """Draws batches of training bars, whose targets come from the weights that play.

    Those follow the learned ones slowly (`train.average_decay`), which keeps targets steady.

    Args:
        dataset: the market.
        rules: positions and costs.
        copy: a model of its own, which takes the weights that play.
        unroll_steps: bars after each that the model is unrolled for (K).
        discount: of a bar.
        hold_bars: bars that a target holds a position before its next decision. Where sessions are
            those of days, it holds none beyond the last, and nothing is worth anything then: a bar
            after the end is never learned from, so what the copy says of it is arbitrary.
        cost_factor: costs in the targets, over those of the rules.
        mirrored: whether every other row of a batch sees the market upside down.
        volatility_bars: as for `bar_weights`.
        bars: ``i64[n]`` to draw from; those of the training sessions by default.
    """

    def __init__(
        self,
        dataset: MarketDataset,
        rules: TradingRules,
        copy: FactoredModel,
        unroll_steps: int,
        discount: float,
        *,
        hold_bars: int = 1,
        cost_factor: float = 1.0,
        mirrored: bool = False,
        volatility_bars: int = 0,
        bars: I64 | None = None,
    ) -> None:
        self._dataset, self._rules, self._copy = dataset, rules, copy
        self._steps, self._discount = unroll_steps, discount
        self._hold_bars, self._cost_factor = hold_bars, cost_factor
        # Turned once: to turn the rows of every batch takes as long as to learn from them.
        self._upside_down = (
            replace(dataset, features=mirror(dataset.features)) if mirrored else None
        )
        ahead = bars_ahead(dataset.config, unroll_steps, hold_bars)
        self._given = bars
        self.bars = learnable_bars(dataset, ahead) if bars is None else bars
        self._last = last_decisions(dataset)
        self._weights = bar_weights(dataset, rules.pip_size, self.bars, volatility_bars)
        self._outcomes = dataset.outcomes.astype(np.int32)
        # Costs that are drawn come on top of none.
        self._charged, self._added = rules, added_exposure(rules)
        if copy.known.cost_pips is not None:
            self._charged = replace(rules, costs=replace(rules.costs, round_trip_pips=0.0))

    def batch(self, keys: U64, playing: Weights) -> BarBatch:
        """The batch of `keys` ``u64[n]``, one for each row, with targets from `playing`."""
        rules, steps = self._rules, self._steps
        self._copy.update(tree_unflatten(list(playing.items())))
        bar = self.bars[(rng.uniform(keys) * len(self.bars)).astype(np.int64)]
        bars = bar[:, None] + np.arange(steps + 1)
        turned = (np.arange(len(bar)) % 2 == 1) & (self._upside_down is not None)
        earned = self._earned(bar)
        earned[turned] *= -1.0
        cost = self._drawn_costs(keys)
        known = self._known_rows(np.zeros_like(bars), cost)
        later = self._later(bars + self._hold_bars, self._last[bar], turned, known, cost)
        discounts = self._discount ** np.arange(self._hold_bars)
        held = sliding_window_view(earned, self._hold_bars, axis=1) @ discounts
        outcome = self._outcomes[bars[:, 1:]]
        outcome[turned] = UP + DOWN - outcome[turned]
        return BarBatch(
            rows=self._rows(bar, turned),
            outcome=outcome,
            move=unit_moves(earned[:, : steps + 1], rules).astype(np.float32),
            worth=(held + self._discount**self._hold_bars * later).astype(np.float32),
            known=known,
            weight=self._weights[bar],
        )

    def _earned(self, bar: I64) -> F64:
        """``f64[n, K + H, S]`` pips of each state over the bars after each `bar` ``i64[n]``.

        H are the bars that a target holds. After the session's end they are 0.
        """
        every, last = bar[:, None] + np.arange(self._steps + self._hold_bars), self._last[bar, None]
        earned = gains(self._dataset, self._rules, np.minimum(every, last), final=False)
        earned[every > last] = 0.0
        ending, place = np.nonzero(every == last)
        earned[ending, place] = gains(self._dataset, self._rules, last[ending], final=True)[:, 0]
        return earned

    def _later(self, bars: I64, last: I64, turned: Bool, known: F32, cost: F64) -> F64:
        """``f64[n, K + 1, S]`` worth of standing in each state at `bars`, or when its session ends.

        The session of each row ends after its decision at `last` ``i64[n]``: going flat is all that
        is left.
        """
        ended = bars > last[:, None]
        later = self._best_after(np.minimum(bars, last[:, None]), turned, known, cost)
        row = np.nonzero(ended)[0]
        later[ended] = -self._cost_factor * self._leaving(last[row] + 1)
        return later

    def _leaving(self, bars: I64) -> F64:
        """``f64[n, S]`` pips that a session which ends at `bars` ``i64[n]`` pays for going flat."""
        close = self._dataset.close[bars]
        return leaving_costs(close, self._rules, known_spread(self._dataset, self._rules, bars))

    def measured(self, playing: Weights) -> Weights:
        """The market chain of the networks of `playing`, by the names it has among them."""
        self._copy.update(tree_unflatten(list(playing.items())))
        measure_chain(self._copy, self._dataset, self._rules, self.bars)
        chain: dict[str, mx.array] = dict(tree_flatten(self._copy.chain.parameters()))
        return {f"chain.{name}": array for name, array in chain.items()}

    def _rows(self, bar: I64, turned: Bool) -> F32:
        """``f32[n, R]`` what is read at each `bar`, upside down where `turned` ``bool[n]``."""
        rows = self._dataset.read_rows(bar, self._copy.history)
        if self._upside_down is not None:
            rows[turned] = self._upside_down.read_rows(bar[turned], self._copy.history)
        return rows

    def _drawn_costs(self, keys: U64) -> F64:
        """``f64[n]`` round trips for `keys` ``u64[n]``; zeros unless the cost is an input."""
        low, high = self._copy.known.cost_pips or (0.0, 0.0)
        return low + (high - low) * rng.uniform(rng.mix(rng.mix(keys)))

    def _known_rows(self, left: I64, cost: F64) -> F32:
        """``f32[n, T, I]`` known inputs with `left` ``i64[n, T]`` bars and costs ``f64[n]``."""
        costs = np.repeat(cost, left.shape[1])
        return self._copy.known.rows(left.ravel(), costs).reshape(*left.shape, -1)

    def _paid(self, bars: I64, cost: F64) -> F64:
        """``f64[n, S, A]`` pips that actions pay at `bars`; `cost` ``f64[n]`` where it is drawn."""
        paid = self._cost_factor * known_costs(self._dataset, self._charged, bars)
        if self._copy.known.cost_pips is None:
            return paid
        return paid + self._cost_factor * cost[:, None, None] * self._added

    def _best_after(self, bars: I64, turned: Bool, known: F32, cost: F64) -> F64:
        """``f64[n, K + 1, S]`` worth of standing in each state before deciding at `bars`."""
        rules, copy = self._rules, self._copy
        flat, each = bars.ravel(), np.repeat(turned, bars.shape[1])
        rows = mx.array(self._rows(flat, each)).reshape(*bars.shape, -1)
        told = mx.array(known)
        # Each member is its own teacher: their mean would lead them to the same noise.
        worth = mx.concatenate(
            [
                copy.worth_apart(
                    member, mx.flatten(rows[share], 0, 1), mx.flatten(told[share], 0, 1)
                )
                for member, share in enumerate(shares(len(bars), len(copy.members)))
            ]
        )
        paid = self._paid(flat, np.repeat(cost, bars.shape[1]))
        choices = np.array(worth)[:, rules.states.next_state] - paid
        return np.asarray(choices.max(axis=2).reshape(*bars.shape, -1))


def measure_usual(
    model: FactoredModel, dataset: MarketDataset, rules: TradingRules, bars: I64 | None = None
) -> None:
    """Give an untrained `model` the sizes of moves and prices on the training bars, or `bars`."""
    bars = learnable_bars(dataset, 2) if bars is None else bars
    moved = unit_moves(gains(dataset, rules, bars[:, None], final=False), rules)
    model.usual.move_pips = mx.array(max(float(moved.std()), 1e-6))
    _measure_prices(model, dataset, rules, bars)


def measure_prices(model: FactoredModel, dataset: MarketDataset, rules: TradingRules) -> None:
    """Give a `model` the sizes of prices alone: its networks count in the move it has."""
    _measure_prices(model, dataset, rules, learnable_bars(dataset, 2))


def _measure_prices(
    model: FactoredModel, dataset: MarketDataset, rules: TradingRules, bars: I64
) -> None:
    spread = known_spread(dataset, rules, bars)
    usual = model.usual
    usual.price = mx.array(float(np.median(dataset.close[bars])))
    usual.spread = mx.array(0.0 if spread is None else float(np.median(spread)))
