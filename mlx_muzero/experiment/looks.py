"""Looks at bars, recorded next to the store they come from."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part
from mlx_muzero.market.summary import sha256_of
from mlx_muzero.runlog.look import (
    MARK_WIDTH,
    MOST_DAYS,
    MOST_MARKS,
    UNMARKED,
    Look,
    LookedBars,
    Marks,
    Tried,
    stride_of,
)
from mlx_muzero.runlog.look_ledger import LookLedger, Looks
from mlx_muzero.timeunits import DAY_NS, HOUR_NS
from mlx_muzero.types import F64, I64

UNSEEN: tuple[Part, ...] = ("test", "later")
"""Parts that nothing was trained or chosen on."""

_NOON_NS = 12 * HOUR_NS
"""Each day is marked by its first bar of the hour that begins here: FX trades then."""

_DIGITS = 6
"""Significant digits that the ledger keeps of what was earned."""


class Recorded(NamedTuple):
    """What the ledger knows of bars.

    Attributes:
        looks: counts; None where these bars chose the run.
        trials: what was tried on them by configuration and name, with the present look.
        seeds: what runs of the same configuration earned on them, by seed.
    """

    looks: Looks | None
    trials: Mapping[tuple[str, str], Tried] = MappingProxyType({})
    seeds: Mapping[int, Tried] = MappingProxyType({})


def looked_bars(dataset: MarketDataset, part: Part | None = None) -> LookedBars:
    """The bars of `part` of `dataset`, or all of them.

    The marks are those of all: a part may be too short to have one, or to share one with others.
    """
    opens, close, pair = dataset.open_time_ns, dataset.close, dataset.pair
    marks = {
        str(dataset.config.pairs[number]): day_marks(opens[pair == number], close[pair == number])
        for number in np.unique(pair)
    }
    if part is not None:
        span = dataset.ranges[part]
        chosen = (opens >= span.first_ns) & (opens < span.end_ns)
        opens, close = opens[chosen], close[chosen]
    return LookedBars(
        symbols=tuple(marks),
        first_ns=int(opens.min()),
        end_ns=int(opens.max()) + 1,
        digest=sha256_of([opens, close]),
        marks=marks,
    )


def looked_period(bars: Sequence[Bars], first_ns: int) -> LookedBars:
    """Those of `bars` that open at `first_ns` or later; the marks are those of all."""
    columns = [(of_pair.open_time_ns, of_pair.close) for of_pair in bars]
    opens, close = (np.concatenate(column) for column in zip(*columns, strict=True))
    chosen = opens >= first_ns
    opens, close = opens[chosen], close[chosen]
    return LookedBars(
        symbols=tuple(str(of_pair.symbol) for of_pair in bars),
        first_ns=int(opens.min()),
        end_ns=int(opens.max()) + 1,
        digest=sha256_of([opens, close]),
        marks={str(b.symbol): day_marks(b.open_time_ns, b.close) for b in bars},
    )


def day_marks(open_time_ns: I64, close: F64) -> Marks:
    """Marks of the days of one symbol's bars, from their opens ``i64[n]`` and closes ``f64[n]``."""
    first, last = int(open_time_ns[0]) // DAY_NS, int(open_time_ns[-1]) // DAY_NS
    every = stride_of(last - first + 1, MOST_MARKS)
    first += -first % every
    days = np.arange(first, last + 1, every)
    bars = np.searchsorted(open_time_ns, days * DAY_NS + _NOON_NS)
    marks = []
    for day, bar in zip(days.tolist(), bars.tolist(), strict=True):
        begun = day * DAY_NS + _NOON_NS
        there = bar < len(open_time_ns) and open_time_ns[bar] < begun + HOUR_NS
        marks.append(_mark(int(open_time_ns[bar]), float(close[bar])) if there else UNMARKED)
    return Marks(first, every, "".join(marks))


def _mark(open_time_ns: int, close: float) -> str:
    return hashlib.sha256(f"{open_time_ns} {close!r}".encode()).hexdigest()[:MARK_WIDTH]


def configuration_digest(config: Config) -> str:
    """SHA-256 of `config` as it is written, whatever its period and its alerts.

    A window is no other configuration, and neither is one that somebody else is told of.
    """
    market = replace(config.market, first_utc="", end_utc="")
    whole = replace(config, market=market, alerts=AlertSettings())
    return hashlib.sha256(config_toml.dumps(whole).encode()).hexdigest()


def recipe_digest(config: Config) -> str:
    """SHA-256 of `config` whatever its period and its seed."""
    return configuration_digest(replace(config, train=replace(config.train, seed=0)))


def tried(played: Backtest) -> Tried:
    """What a policy earned, as the ledger keeps it."""
    earned = played.groups.totals(played.equity_pips[:, -1])
    spread = float(earned.std(ddof=1)) if len(earned) > 1 else 0.0
    days = played.spans_ns[0] // DAY_NS
    every = stride_of(int(days.max() - days.min()) + 1, MOST_DAYS)
    first = int(days.min()) // every * every
    totals = np.bincount((days - first) // every, played.equity_pips[:, -1])
    return Tried(
        observations=len(earned),
        mean=_rounded(earned.mean()),
        sharpe=_rounded(earned.mean() / spread if spread > 0.0 else 0.0),
        first_day=first,
        every=every,
        totals=tuple(_rounded(total) for total in totals.tolist()),
    )


def _rounded(value: float) -> float:
    return float(f"{value:.{_DIGITS}g}")


def record_evaluation(
    run: TrainedRun,
    dataset: MarketDataset,
    part: Part,
    agents: Mapping[str, Backtest],
    whole: Config | None = None,
) -> Recorded:
    """Record that `run` was judged on `part` of `dataset`.

    Args:
        run: judged.
        dataset: contains the bars.
        part: which of them.
        agents: what the run's ways to decide earned, by name; one of them may be chosen.
        whole: configuration of the walk-forward that the run is a window of; None for its own.
    """
    config = whole or run.folder.config()
    look = Look(
        "evaluated" if part in UNSEEN else "validated",
        looked_bars(dataset, part),
        configuration_digest(config),
        run.folder.path.name,
        run.checkpoint,
        part=part,
        seed=config.train.seed,
        recipe=recipe_digest(config),
        policies={name: tried(played) for name, played in agents.items()},
    )
    looks, kept = LookLedger(run.store).record(look)
    if part not in UNSEEN:
        return Recorded(None)
    return Recorded(looks, kept.trials(look.bars), kept.of_seeds(look))


def record_training(store: Path, dataset: MarketDataset, config: Config, run: Path) -> Looks:
    """Record that a run of `config` was begun on `dataset`."""
    digest = configuration_digest(config)
    look = Look("trained", looked_bars(dataset), digest, run.name, seed=config.train.seed)
    looks, _ = LookLedger(store).record(look)
    return looks
