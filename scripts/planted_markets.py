"""What the best policy and every rival earn on each made-up market: no agent, no store, no run.

    python scripts/planted_markets.py [--kinds KIND ...] [--seeds S ...] [--days N] [--json]

Each market is drawn anew for every seed and kept in memory, so nothing is looked at that a run
could be judged on; scripts/known_optimum.py trains agents. The rules are fx_micro's, at the costs
and limits of each market. Rivals and lookbacks are chosen on the validation split, and play every
session of the test split. A quarter of a minute for each market of 250 days.
"""

import argparse
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import get_args

from bench.report import Report
from mlx_muzero.evaluation.comparison import compare
from mlx_muzero.evaluation.synthetic_rules import dataset_of, rules_of
from mlx_muzero.market.synthetic.kinds import MarketKind
from mlx_muzero.market.synthetic.markets import make_market


@dataclass(frozen=True)
class Earned:
    """Net pips a session on one drawn market, over all sessions of its test split.

    Attributes:
        market: its kind.
        seed: of the draw.
        sessions: how many.
        optimum: what the best policy expects of a session.
        greedy: what the greedy rule on the perfect forecast expects; None on the random walk.
        best_policy: what it earned on these; None where it is to stay flat.
        line: of least squares with two thresholds.
        line_dp: of the line's forecasts, planned.
        fitted_q: of the network without a model.
        momentum: of the best lookback.
        mean_reversion: of the best lookback.
        line_reaches: line over optimum; None where nothing can be earned.
    """

    market: str
    seed: int
    sessions: int
    optimum: float
    greedy: float | None
    best_policy: float | None
    line: float
    line_dp: float
    fitted_q: float
    momentum: float
    mean_reversion: float
    line_reaches: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="What rivals earn where the optimum is known.")
    kinds = get_args(MarketKind)
    parser.add_argument("--kinds", nargs="+", choices=kinds, default=kinds, metavar="KIND")
    parser.add_argument("--seeds", type=int, nargs="+", default=[101, 102, 103])
    parser.add_argument("--days", type=int, default=250, help="trading days of each market")
    parser.add_argument("--session-bars", type=int, default=360, help="steps of a session")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, days=options.days, session_bars=options.session_bars)
    rows = earned_on(options.kinds, options.seeds, options.days, options.session_bars)
    report.table("markets", "Net pips a session, test split:", rows)
    report.end()


def earned_on(
    kinds: Sequence[MarketKind], seeds: Sequence[int], days: int, session_bars: int
) -> Iterator[Earned]:
    for kind in kinds:
        for seed in seeds:
            yield earned(kind, seed, days, session_bars)


def earned(kind: MarketKind, seed: int, days: int, session_bars: int) -> Earned:
    bars, truth = make_market(kind, seed, days, session_bars=session_bars)
    found = compare([], dataset_of(bars, truth), rules_of(truth), "test", None, truth)
    pips = {name: metrics.net_pips_per_session for name, metrics in found.metrics.items()}

    def of_family(family: str) -> float:
        return next(net for name, net in pips.items() if name.startswith(family))

    optimum = float(truth["expected_pips_per_session"])
    return Earned(
        kind,
        seed,
        found.conditions.sessions,
        optimum,
        truth.get("greedy_pips_per_session"),
        pips.get("best_policy"),
        pips["line"],
        pips["line_dp"],
        pips["fitted_q"],
        of_family("momentum"),
        of_family("mean_reversion"),
        pips["line"] / optimum if optimum else None,
    )


if __name__ == "__main__":
    main()
