"""Sessions: stretches of bars without a long gap, and the chronological splits they belong to.

See FX "Data Pipeline Details" and SessionIndexCalculator, and ADR 7. A session is identified by its
first decision bar s: its steps move to bars s+1 .. s+`session_bars`, of the same pair. Sessions may
start at any bar, or once a day, at a local time.
"""

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Literal, get_args

import numpy as np

from mlx_muzero.config.local_times import LocalTime
from mlx_muzero.config.schema import AS_NEEDED, Config, MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.clocks import ZoneClock
from mlx_muzero.market.observation.frames import minutes_before
from mlx_muzero.market.store.location import in_store
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import I16, I64, Bool
from mlx_muzero.words import command

Split = Literal["train", "validation", "test"]
SPLITS: tuple[Split, ...] = get_args(Split)

Part = Split | Literal["later"]
"""A split of a run's bars, or the bars that came after them."""


_BLOCK_BARS = 2**18
"""Bars whose starts are found at once, which bounds what that takes beside its result."""


@dataclass(frozen=True)
class SplitRange:
    """The time range of a split: bars that open at ``first_ns <= t < end_ns``.

    Attributes:
        first_ns: earliest open of a decision bar.
        end_ns: every bar of the split opens before it.
        seen_from_ns: earliest bar that may be observed; a split observes only its own bars.
    """

    first_ns: int
    end_ns: int
    seen_from_ns: int


def split_ranges(open_time_ns: I64, config: MarketConfig) -> dict[Split, SplitRange]:
    """Cut bars chronologically into the three splits, at the same times for every pair.

    Args:
        open_time_ns: ``i64[T]`` bar opens of all pairs; the shares count all bars together.
        config: the share of each split, and how much of the later two is left out first: nothing
            if that is `AS_NEEDED`, as bars alone do not say what learns from them.
    """
    share = config.train_frac + config.validation_frac
    bars = len(open_time_ns)
    left_out = max(config.embargo_bars, 0) * (
        1 + int((np.diff(open_time_ns) < 0).sum())
    )  # of every pair
    places = (0, round(bars * config.train_frac), round(bars * share), bars)
    begins = (0, *(min(place + left_out, bars) for place in places[1:-1]))
    firsts = _in_order(open_time_ns, begins)
    ends = _in_order(open_time_ns, places[1:])
    return {
        split: SplitRange(first, end, seen_from_ns=first)
        for split, first, end in zip(SPLITS, firsts, ends, strict=True)
    }


def gap_bars(config: MarketConfig) -> int:
    """Least number of bars between a split and the first decision in the next one.

    A split's first decision sees that split alone, so its window and what its features look back on
    lie between.
    """
    return minutes_before(config) + max(config.embargo_bars, 0)


def reach_bars(config: Config) -> int:
    """Bars that an example of training reaches over: window, unroll and targets."""
    held = config.train.hold_bars if config.model.kind == "factored" else 0
    targets = max(config.train.td_steps, held)
    return config.market.window_bars + config.train.num_unroll_steps + targets


def embargoed(config: Config) -> Config:
    """`config` with the number of `embargo_bars` that are needed, unless it states one.

    With those, what an example of training reaches over lies between a split and the first decision
    of the next.
    """
    if config.market.embargo_bars != AS_NEEDED:
        return config
    needed = max(reach_bars(config) - minutes_before(config.market), 0)
    return replace(config, market=replace(config.market, embargo_bars=needed))


def _in_order(times: I64, places: Sequence[int]) -> list[int]:
    """The elements at `places` of sorted `times`, which consist of a few ascending runs.

    The place after the last holds the latest time there is. Found by bisection: sorting the bars of
    a large market would take a copy of them.
    """
    runs = np.split(times, np.flatnonzero(times[1:] < times[:-1]) + 1)
    latest = int(np.iinfo(np.int64).max)

    def up_to(time: int) -> int:
        return sum(int(np.searchsorted(run, time, side="right")) for run in runs)

    def at(place: int) -> int:
        if place >= len(times):
            return latest
        bounds = range(int(times.min()), int(times.max()) + 1)
        return bounds[bisect_right(bounds, place, key=up_to)]

    return [at(place) for place in places]


def session_starts(
    open_time_ns: I64, pair: I16, seen_from: I64, config: MarketConfig, span: SplitRange
) -> I64:
    """Every bar of `span` at which a session can start, ``i64[n]`` ascending.

    Every bar that a session observes belongs to its pair and may be seen, including the history of
    its first features; from the first minute observed to the last there is no gap above
    `max_gap_minutes`, hence no weekend. With a `session_start` the first decision is at most
    `max_gap_minutes` after it, and each day has one start.

    Args:
        open_time_ns: ``i64[T]`` opens of the bars, one pair after another.
        pair: ``i16[T]`` index of the pair of each bar.
        seen_from: ``i64[T]`` first bar that an observation at each bar depends on, -1 for none.
        config: length of a session and of a window, and the longest gap.
        span: the range of the split.
    """
    possible = max(len(open_time_ns) - config.session_bars, 0)
    columns = (open_time_ns, pair, seen_from, config, span)
    blocks = (
        _starts_within(range(first, min(first + _BLOCK_BARS, possible)), *columns)
        for first in range(0, possible, _BLOCK_BARS)
    )
    starts = np.concatenate([np.empty(0, np.int64), *blocks])
    if not config.session_start:
        return starts
    return starts[_opens_day(open_time_ns[starts], pair[starts], config)]


def _opens_day(open_time_ns: I64, pair: I16, config: MarketConfig) -> Bool:
    """``bool[n]`` whether each bar ``i64[n]`` is the first decision of its pair's day."""
    start = LocalTime.parse(config.session_start)
    decided_ns = ZoneClock(start.zone).from_utc(open_time_ns + MINUTE_NS)
    day, late_ns = np.divmod(decided_ns - start.ns, DAY_NS)
    opens = np.zeros(len(day), np.bool_)
    in_time = np.flatnonzero(late_ns <= config.max_gap_minutes * MINUTE_NS)
    another = np.ones(len(in_time), np.bool_)
    another[1:] = (np.diff(day[in_time]) != 0) | (np.diff(pair[in_time]) != 0)
    opens[in_time[another]] = True
    return opens


def _starts_within(
    bars: range,
    open_time_ns: I64,
    pair: I16,
    seen_from: I64,
    config: MarketConfig,
    span: SplitRange,
) -> I64:
    """Those of `session_starts` that are among `bars`."""
    steps = config.session_bars
    starts = bars.start + np.flatnonzero(seen_from[bars.start : bars.stop] >= 0)
    inside = open_time_ns[seen_from[starts]] >= span.seen_from_ns
    inside &= open_time_ns[starts] >= span.first_ns
    inside &= open_time_ns[starts + steps] < span.end_ns
    inside &= pair[starts + steps] == pair[starts]
    starts = starts[inside]
    first = max(bars.start - (config.window_bars - 1), 0)
    hole = np.diff(open_time_ns[first : bars.stop + steps]) > config.max_gap_minutes * MINUTE_NS
    holes_before = np.concatenate([[0], np.cumsum(hole)])
    last, first_seen = starts + steps - first, starts - (config.window_bars - 1) - first
    return starts[holes_before[last] == holes_before[first_seen]]


def separate_sessions(starts: I64, open_time_ns: I64, pair: I16, config: MarketConfig) -> I64:
    """Earliest-first subset of `starts` whose sessions share no step, ``i64[m]`` in time order.

    Sessions of several pairs start together: a pair that can start within `max_gap_minutes` of the
    first joins it, and none starts before all of these have ended. So a session overlaps only with
    those it started with.

    Args:
        starts: ``i64[n]`` possible starts, ascending.
        open_time_ns: ``i64[T]`` opens of the bars, one pair after another.
        pair: ``i16[T]`` index of the pair of each bar.
        config: length of a session, and the longest gap.
    """
    late_ns = int(config.max_gap_minutes * MINUTE_NS)
    of_pair = [starts[pair[starts] == number] for number in np.unique(pair[starts])]
    times = [open_time_ns[own] for own in of_pair]
    chosen: list[int] = []
    free_from_ns = np.iinfo(np.int64).min
    while True:
        # Each pair's first start that is still free.
        places = [int(np.searchsorted(own, free_from_ns)) for own in times]
        free = [
            (t[p], own[p]) for t, own, p in zip(times, of_pair, places, strict=True) if p < len(t)
        ]
        if not free:
            return np.array(chosen, np.int64)
        first_ns = min(free)[0]
        together = [start for time_ns, start in sorted(free) if time_ns <= first_ns + late_ns]
        chosen += together
        free_from_ns = max(open_time_ns[start + config.session_bars] for start in together)


def sessions_in_step(starts: I64, open_time_ns: I64, pair: I16, config: MarketConfig) -> I64:
    """Starts ``i64[m]`` at which all pairs have a session with bars of the same minutes.

    Accounts that share a limit must be known at each of its minutes: a session in which any pair
    lacks one is left out, for all pairs.

    Args:
        starts: ``i64[n]`` possible starts, ascending.
        open_time_ns: ``i64[T]`` opens of the bars, one pair after another.
        pair: ``i16[T]`` index of the pair of each bar.
        config: length of a session.
    """
    pairs = len(np.unique(pair))
    _, minute, bars = np.unique(open_time_ns, return_inverse=True, return_counts=True)
    lacking = np.concatenate([[0], np.cumsum(bars[minute] < pairs)])
    starts = starts[lacking[starts + config.session_bars + 1] == lacking[starts]]
    _, start, sessions = np.unique(open_time_ns[starts], return_inverse=True, return_counts=True)
    return starts[sessions[start] == pairs]


def spread_evenly(starts: I64, count: int) -> I64:
    """At most `count` of `starts`, spread evenly from first to last; rows stay together."""
    if count >= len(starts):
        return starts
    return starts[np.linspace(0, len(starts) - 1, count).round().astype(np.int64)]


def require_sessions(
    starts: I64, symbols: Sequence[str], part: Part, config: MarketConfig, store: Path | None
) -> I64:
    """Return `starts` unchanged; raise DataError, on bars from `store`, if there are none."""
    if len(starts) == 0:
        where = "what came later" if part == "later" else f"the {part} split"
        begins = f" from {config.session_start}" if config.session_start else ""
        raise DataError(
            f"{', '.join(symbols)}: {where} has no session of {config.session_bars} bars{begins} "
            f"without a gap above {config.max_gap_minutes:g} minutes (each needs "
            f"{minutes_before(config):,} minutes before it). Import more bars, or lower "
            f"market.session_bars; `{_check(symbols, store)}` lists the gaps."
        )
    return starts


def require_in_step(starts: I64, symbols: Sequence[str], part: Part, store: Path | None) -> None:
    """Raise DataError, on bars from `store`, if no session of `sessions_in_step` is left."""
    if len(starts) == 0:
        raise DataError(
            f"{', '.join(symbols)}: in no session of {part} do all pairs have bars of the same "
            "minutes, as a limit on their exposure together needs. Leave out the pair with the "
            f"most gaps (`{_check(symbols, store)}` lists them), or set "
            "trading.max_total_exposure = 0."
        )


def _check(symbols: Sequence[str], store: Path | None) -> str:
    """The command that lists the gaps of one of `symbols`."""
    symbol = symbols[0] if len(symbols) == 1 else "SYMBOL"
    return command("data", "check", symbol, *in_store(store))
