"""Conditions between keys of a training configuration."""

import json
from collections.abc import Callable, Iterator, Set
from datetime import UTC, datetime
from itertools import pairwise
from typing import NamedTuple, get_args

from mlx_muzero.config.choices import ContextSeries
from mlx_muzero.config.keys import Problem, value_of
from mlx_muzero.config.local_times import (
    daily_times_problem,
    events_problem,
    is_local_time,
    limit_time_problem,
)
from mlx_muzero.config.schema import Config


class _Rule(NamedTuple):
    """A condition on two keys, and the message if it does not hold."""

    paths: tuple[str, str]
    holds: Callable[[Config], bool]
    message: str


def _crypto_only(name: str) -> _Rule:
    return _Rule(
        ("market.features", f"market.{name}"),
        lambda c: c.market.features == "crypto" or not getattr(c.market, name),
        "currency pairs' features use only the minute bars of their own symbol",
    )


def _factored_needs(path: str, value: object, why: str) -> _Rule:
    return _Rule(
        ("model.kind", path),
        lambda c: c.model.kind == "muzero" or value_of(c, path) == value,
        f"a factored model {why}; set {path} to {json.dumps(value)}",
    )


def _mirrored_needs(path: str, value: object) -> _Rule:
    return _Rule(
        ("train.mirrored", path),
        lambda c: not c.train.mirrored or value_of(c, path) == value,
        f"bars upside down are like others only with {path} = {value!r}",
    )


def _readable_limit(name: str) -> _Rule:
    return _Rule(
        (f"trading.{name}", "market.session_bars"),
        lambda c: limit_time_problem(getattr(c.trading, name)) is None,
        "write 16:00 Europe/London for the rest of each day there, 16:55-17:05 America/New_York "
        "for a part of it, or bar 240 of each session",
    )


def _names_a_span(config: Config) -> bool:
    ends = [text for text in (config.market.first_utc, config.market.end_utc) if text]
    try:
        times = [datetime.fromisoformat(text) for text in ends]
    except ValueError:
        return False
    in_utc = [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]
    return all(first < end for first, end in pairwise(in_utc))


_RULES = (
    _Rule(
        ("market.first_utc", "market.end_utc"),
        _names_a_span,
        "write times as 2015-01-01 or 2015-01-01 22:00, the first before the end",
    ),
    _Rule(
        ("market.train_frac", "market.validation_frac"),
        lambda c: c.market.train_frac + c.market.validation_frac < 1.0,
        "their sum must be below 1, to leave bars for the test",
    ),
    _Rule(
        ("market.session_start", "market.session_bars"),
        lambda c: not c.market.session_start or is_local_time(c.market.session_start),
        "write a time of day and an IANA zone known here, as 08:00 Asia/Tokyo",
    ),
    _Rule(
        ("market.session_bars", "train.num_unroll_steps"),
        lambda c: c.train.num_unroll_steps <= c.market.session_bars,
        "the model cannot be unrolled for more steps than a session has",
    ),
    *(_readable_limit(name) for name in ("flat_by", "no_entries")),
    _Rule(
        ("trading.cost", "trading.maker_frac"),
        lambda c: c.trading.cost == "fixed" or not c.trading.maker_frac,
        'a fill at the quotes takes liquidity; fills that rest in the book need cost "fixed"',
    ),
    _Rule(
        ("market.features", "trading.swap_long_pips"),
        lambda c: c.market.features != "crypto" or not c.trading.swap_long_pips,
        "swap points are a currency pair's; coins pay funding",
    ),
    _Rule(
        ("market.features", "trading.swap_short_pips"),
        lambda c: c.market.features != "crypto" or not c.trading.swap_short_pips,
        "swap points are a currency pair's; coins pay funding",
    ),
    _Rule(
        ("trading.funding_at", "trading.funding"),
        lambda c: daily_times_problem(c.trading.funding_at) is None,
        "write 08:00 UTC, 00:00 08:00 16:00 UTC, or every 8 h (of UTC, from midnight)",
    ),
    _Rule(
        ("trading.funding", "trading.funding_at"),
        lambda c: c.trading.funding == "settled" or bool(c.trading.funding_at),
        "a fixed funding needs its times; set trading.funding_at, such as every 8 h",
    ),
    _Rule(
        ("trading.funding_bps", "trading.funding"),
        lambda c: c.trading.funding == "fixed" or not c.trading.funding_bps,
        'settlements have their own rates; set trading.funding to "fixed" to charge this one',
    ),
    *(_crypto_only(path) for path in ("timeframes", "context", "macro")),
    _Rule(
        ("market.macro", "market.context"),
        lambda c: set(c.market.macro).isdisjoint(get_args(ContextSeries)),
        "a macro series needs a different name",
    ),
    _Rule(
        ("market.features", "market.events"),
        lambda c: c.market.features == "fx_context" or not c.market.events,
        'only "fx_context" observes daily events',
    ),
    _Rule(
        ("market.events", "market.features"),
        lambda c: events_problem(c.market.events) is None,
        "write each as tokyo_fix 09:55 Asia/Tokyo, in an IANA zone known here, no name twice",
    ),
    _Rule(
        ("market.features", "market.pip_size"),
        lambda c: c.market.features == "crypto" or c.market.pip_size > 0.0,
        "currency pairs' features need the price of a pip",
    ),
    _Rule(
        ("model.value_min", "model.value_max"),
        lambda c: c.model.value_min < c.model.value_max,
        "the lowest value must lie below the highest",
    ),
    _Rule(
        ("trading.cost_clock_minutes", "model.kind"),
        lambda c: not c.trading.cost_clock_minutes or c.model.kind == "factored",
        'only an agent with model.kind = "factored" knows the clock of its costs',
    ),
    _Rule(
        ("trading.cost_clock_minutes", "trading.cost"),
        lambda c: not c.trading.cost_clock_minutes or c.trading.cost == "fixed",
        'quotes say themselves what a fill costs; a clock needs cost "fixed"',
    ),
    _Rule(
        ("search.precision", "search.backend"),
        lambda c: (
            c.search.precision in ("float32", "auto") or c.search.backend in ("native", "auto")
        ),
        'only the native backend has a choice; set search.backend to "native" or search.precision '
        'to "float32"',
    ),
    _Rule(
        ("search.planner", "model.kind"),
        lambda c: c.search.planner == "expectimax" or c.model.kind == "factored",
        "a model of market and account always samples; only a factored one has the choice",
    ),
    _mirrored_needs("model.kind", "factored"),
    _mirrored_needs("market.features", "micro"),
    _Rule(
        ("model.kind", "search.discount"),
        lambda c: c.model.kind == "muzero" or c.search.discount < 1.0,
        "a factored model looks beyond the end of the session, for ever: only below 1 is what "
        "follows finite; try 0.997",
    ),
    _Rule(
        ("train.num_unroll_steps", "market.session_bars"),
        lambda c: (
            c.model.kind == "muzero"
            or c.train.num_unroll_steps + c.train.hold_bars < c.market.session_bars
        ),
        "a factored model learns from bars with one more in their session than it is unrolled and "
        "holds positions",
    ),
    _Rule(
        ("train.num_unroll_steps", "model.kind"),
        lambda c: c.train.num_unroll_steps > 0 or c.model.kind == "factored",
        "only a factored model can be learned without unrolling it",
    ),
    _Rule(
        ("train.num_unroll_steps", "search.num_simulations"),
        lambda c: c.train.num_unroll_steps > 0 or c.search.num_simulations == 1,
        "a model that was never unrolled cannot be read ahead; set search.num_simulations to 1",
    ),
    _factored_needs("trading.reward", "mark_to_market", "computes what accounts earn, in net pips"),
    _factored_needs("train.phase", "search", "learns everything from bars, in one phase"),
    _factored_needs("search.root_backend", "auto", "evaluates its roots as search.backend says"),
    _factored_needs("collect.backend", "same", "collects no episodes"),
    _factored_needs("collect.ahead", False, "collects no episodes"),
    _Rule(
        ("collect.ahead", "collect.backend"),
        lambda c: not c.collect.ahead or c.collect.backend == "same",
        "exports play ahead already, with weights whose age depends on timing; set one of the two",
    ),
    _Rule(
        ("trading.max_entries", "train.num_unroll_steps"),
        lambda c: (
            c.model.kind == "muzero"
            or not c.trading.max_entries
            or c.train.num_unroll_steps + 3 <= c.market.session_bars
        ),
        "a factored model learns from sessions with three more bars than it is unrolled",
    ),
    _Rule(
        ("trading.max_entries", "train.hold_bars"),
        lambda c: c.model.kind == "muzero" or not c.trading.max_entries or c.train.hold_bars == 1,
        "with few entries a factored model decides at every bar; set train.hold_bars to 1",
    ),
    _Rule(
        ("trading.max_entries", "model.members"),
        lambda c: c.model.kind == "muzero" or not c.trading.max_entries or c.model.members == 1,
        "with few entries one set of networks learns from whole paths; set model.members to 1",
    ),
    _Rule(
        ("train.cost_high_pips", "model.kind"),
        lambda c: not c.train.cost_high_pips or c.model.kind == "factored",
        'only model.kind = "factored" learns for drawn costs',
    ),
    _Rule(
        ("train.cost_high_pips", "train.cost_low_pips"),
        lambda c: not c.train.cost_high_pips or c.train.cost_low_pips < c.train.cost_high_pips,
        "the least cost must lie below the greatest",
    ),
    _Rule(
        ("train.cost_high_pips", "trading.cost"),
        lambda c: not c.train.cost_high_pips or c.trading.cost == "fixed",
        'quotes say themselves what a fill costs; drawn costs need cost "fixed"',
    ),
    _Rule(
        ("train.cost_high_pips", "trading.cost_clock_minutes"),
        lambda c: not c.train.cost_high_pips or not c.trading.cost_clock_minutes,
        "a drawn cost holds in every minute; set trading.cost_clock_minutes where it plays",
    ),
    _Rule(
        ("model.transformer_heads", "model.transformer_width"),
        lambda c: c.model.transformer_width % c.model.transformer_heads == 0,
        "the heads must divide the width",
    ),
    _Rule(
        ("replay.min_episodes", "replay.max_episodes"),
        lambda c: c.replay.min_episodes <= c.replay.max_episodes,
        "training would wait for more episodes than the buffer keeps",
    ),
)


def broken_rules(config: Config, skip: Set[str]) -> Iterator[Problem]:
    """The rules that `config` breaks, except those on a path in `skip`."""
    for rule in _RULES:
        if skip.isdisjoint(rule.paths) and not rule.holds(config):
            first, second = rule.paths
            values = f"{value_of(config, first)!r} with {second} = {value_of(config, second)!r}"
            yield Problem(first, f"{values}: {rule.message}")
