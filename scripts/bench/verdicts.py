"""Looks at a test, and the verdicts on what was judged there."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from bench.days import by_day
from bench.years import YearlyMarket
from mlx_muzero.evaluation.backtest import Backtest
from mlx_muzero.evaluation.luck.random_entries import bar_moves, entries_p, held_exposures
from mlx_muzero.evaluation.luck.trials import worth
from mlx_muzero.evaluation.luck.verdict import Verdict, judge
from mlx_muzero.experiment.looks import looked_bars, tried
from mlx_muzero.runlog.look import Look
from mlx_muzero.runlog.look_ledger import Kept, LookLedger, Looks
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F64


@dataclass(frozen=True)
class Said:
    """The verdict on a policy at one round trip.

    Attributes:
        pips: round trip.
        policy: its name.
        verdict: skill, not shown, loses or too short.
        because: the two reasons that decided.
        deflated: deflated Sharpe ratio: how likely there is an edge, after all that was tried.
        alone: the verdict if nothing else had been tried.
    """

    pips: float
    policy: str
    verdict: str
    because: str
    deflated: float
    alone: str


@dataclass(frozen=True, eq=False)
class _Row:
    rules: TradingRules
    name: str
    day: F64
    trades: int
    entries: float | None


class JudgedTest:
    """The years that judge, whose looks are counted.

    Args:
        market: the bars.
        years: that are played, in order.
        store: of the bars; its ledger is written.
    """

    def __init__(self, market: YearlyMarket, years: Sequence[int], store: Path) -> None:
        self._dataset = market.dataset
        self.starts = market.starts(years)
        self._bars = looked_bars(market.of(years[0], years[-1]), "test")
        self._ledger = LookLedger(store)
        self._rows: list[_Row] = []
        self.looks: Looks
        self._kept: Kept

    def look(self, label: str, configuration: str, played: Backtest) -> None:
        """Record that the policy `label` was judged."""
        # The configuration is the policy: it has one way to decide, without a name.
        look = Look("evaluated", self._bars, configuration, label, policies={"": tried(played)})
        self.looks, self._kept = self._ledger.record(look)

    def keep(self, rules: TradingRules, name: str, played: Sequence[Backtest]) -> None:
        """Keep a row of one or several plays, whose mean is judged at the end."""
        moves = bar_moves(self._dataset, rules, self.starts).ravel()
        held = np.mean([held_exposures(each, self.starts).ravel() for each in played], axis=0)
        trades = sum(each.metrics.trades for each in played)
        entries = entries_p({"": (held, moves)})
        self._rows.append(_Row(rules, name, by_day(played), trades, entries))

    def verdicts(self) -> Iterator[Said]:
        """On every row, after everything that the ledger knows of."""
        count = self.looks.tried
        trials = worth(count, tuple(self._kept.trials(self._bars).values()))
        for row in self._rows:
            found, alone = self._verdict(row, count, trials), self._verdict(row, 1, 1.0)
            pips, because = row.rules.costs.round_trip_pips, "; ".join(found.reasons)
            yield Said(pips, row.name, found.call, because, found.deflated, alone.call)

    def _verdict(self, row: _Row, count: int, trials: float) -> Verdict:
        return judge(
            row.day,
            trades=row.trades,
            tried=count,
            trials=trials,
            entries=row.entries,
            unit=row.rules.unit,
            observation="day",
        )
