"""Measures how often the verdict says skill where there is none, and where there is.

    python scripts/verdict_rates.py [--walks N] [--markets N] [--sessions N ...] [--json]

Without skill: on each random walk, without costs, the best of twenty rules (momentum and reversal
at ten lookbacks) on 142 validation sessions plays 142 test sessions, and the verdict on those is
told that twenty were tried. With costs every rule would lose, and the rate would say nothing. It is
also told that only one was, and the best of the twenty on the test itself is judged, as by
somebody who looks at the test to choose.

With skill: the same on markets with a planted edge, at 4 pips, by number of test sessions.

A thousand walks take a minute of one core.
"""

import argparse
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import numpy as np

from bench.report import Report
from mlx_muzero.evaluation.luck.random_entries import entries_p
from mlx_muzero.evaluation.luck.verdict import Verdict, judge
from mlx_muzero.market.synthetic.planted_edge import PlantedEdge, draw_changes
from mlx_muzero.market.synthetic.synthetic_bars import FIRST_WEEK_NS, sigma_pips
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64, I64

STEPS = 360
VALIDATION = TEST = 142
LOOKBACKS = (2, 3, 5, 8, 15, 30, 60, 90, 120, 240)
RULES = tuple((lookback, side) for lookback in LOOKBACKS for side in (1, -1))
WARM_UP = max(LOOKBACKS) + 1
EDGE = PlantedEdge()
EDGE_COST_PIPS = 4.0
WALK_SIGMA_PIPS = 1.8


@dataclass(frozen=True)
class Rate:
    """How often the verdict was skill.

    Attributes:
        judged: what was judged.
        sessions: of the test.
        markets: how many were played.
        skill: share of them with that verdict.
        low: lower end of its 95 % interval.
        high: upper end.
    """

    judged: str
    sessions: int
    markets: int
    skill: float
    low: float
    high: float


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n", 1)[0])
    parser.add_argument("--walks", type=int, default=1000)
    parser.add_argument("--markets", type=int, default=100, help="with a planted edge")
    parser.add_argument("--sessions", type=int, nargs="+", default=[20, 40, 80, TEST], metavar="N")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, rules=len(RULES), validation_sessions=VALIDATION)
    report.table("without_skill", "Random walks, no costs:", _without_skill(options.walks))
    with_skill = _with_skill(options.markets, options.sessions)
    report.table("with_skill", "Planted edge, 4 pips a round trip:", with_skill)
    report.end()


def _without_skill(walks: int) -> Iterator[Rate]:
    verdicts: dict[str, list[Verdict]] = {
        "best on validation, 20 counted": [],
        "best on validation, not counted": [],
        "best on test, 20 counted": [],
        "best on test, not counted": [],
    }
    for seed in range(walks):
        walk = Market(walk_changes(seed, VALIDATION + TEST), 0.0)
        validation, test = walk.split(VALIDATION)
        for name, found in verdicts.items():
            chosen = (validation if "validation" in name else test).best()
            tried = 1 if "not" in name else len(RULES)
            found.append(test.judge(chosen, tried))
    for name, found in verdicts.items():
        yield _rate(name, TEST, found)


def _with_skill(markets: int, sessions: Sequence[int]) -> Iterator[Rate]:
    for count in sessions:
        found = []
        for seed in range(markets):
            market = Market(edge_changes(seed, VALIDATION + count), EDGE_COST_PIPS)
            validation, test = market.split(VALIDATION)
            found.append(test.judge(validation.best(), len(RULES)))
        yield _rate("best on validation, 20 counted", count, found)


def _rate(judged: str, sessions: int, found: Sequence[Verdict]) -> Rate:
    share = sum(verdict.call == "skill" for verdict in found) / len(found)
    return Rate(judged, sessions, len(found), share, *wilson(share, len(found)))


def wilson(share: float, count: int, z: float = 1.96) -> tuple[float, float]:
    """The 95 % interval of a share of `count` (Wilson 1927)."""
    middle = (share + z**2 / (2 * count)) / (1 + z**2 / count)
    around = math.sqrt(share * (1 - share) / count + z**2 / (4 * count**2)) * z
    around /= 1 + z**2 / count
    return max(middle - around, 0.0), min(middle + around, 1.0)


def walk_changes(seed: int, sessions: int) -> F64:
    """Changes of a random walk in pips, bar by bar, with the volatility of the hours."""
    opens = _opens(sessions)
    noise = np.random.default_rng(seed).standard_normal(len(opens))
    return noise * sigma_pips(opens, WALK_SIGMA_PIPS)


def edge_changes(seed: int, sessions: int) -> F64:
    """Changes of a market with the planted edge."""
    return draw_changes(EDGE, _opens(sessions), np.random.default_rng(seed))


def _opens(sessions: int) -> I64:
    return FIRST_WEEK_NS + MINUTE_NS * np.arange(WARM_UP + sessions * STEPS)


class Market:
    """Sessions that follow one another, and what every rule earns in them.

    The rules are those of `mlx_muzero.evaluation.baselines`, all sessions at once.
    """

    def __init__(self, changes: F64, cost_pips: float) -> None:
        close = np.cumsum(changes)
        steps = np.arange(WARM_UP - 1, len(close) - 1).reshape(-1, STEPS)
        self.moved = close[steps + 1] - close[steps]
        self.held = {
            rule: rule[1] * np.sign(close[steps] - close[steps - rule[0]]) for rule in RULES
        }
        self._cost_pips = cost_pips
        self.net = {rule: self._net(held) for rule, held in self.held.items()}

    def _net(self, held: F64) -> F64:
        filled = np.abs(np.diff(held, axis=1, prepend=0.0, append=0.0)).sum(axis=1)
        return np.asarray((held * self.moved).sum(axis=1) - 0.5 * self._cost_pips * filled)

    def split(self, first: int) -> "tuple[Market, Market]":
        """The first sessions, and the others."""
        return self._part(slice(0, first)), self._part(slice(first, None))

    def _part(self, sessions: slice) -> "Market":
        part = object.__new__(Market)
        part._cost_pips = self._cost_pips
        part.moved = self.moved[sessions]
        part.held = {rule: held[sessions] for rule, held in self.held.items()}
        part.net = {rule: net[sessions] for rule, net in self.net.items()}
        return part

    def best(self) -> tuple[int, int]:
        """The rule that earns most."""
        return max(RULES, key=lambda rule: float(self.net[rule].mean()))

    def judge(self, rule: tuple[int, int], tried: int) -> Verdict:
        """The verdict on what `rule` earns."""
        held = self.held[rule]
        entries = entries_p({"": (held.ravel(), self.moved.ravel())})
        return judge(self.net[rule], trades=len(held), tried=tried, entries=entries)


if __name__ == "__main__":
    main()
