"""What policies earn when they pay the quotes, and when they pay a fixed spread instead.

    python scripts/compare_costs.py STORE --symbol USDJPY [--pips 4,0.3] [--set KEY=VALUE] [--json]

Plays the policies without a network (`mlx_muzero.evaluation.comparison.baselines`), and a rule that
expects each bar to turn, over the test split of a pair in STORE whose bars have bid and ask: once
for each fixed round trip, and once with trading.cost "quotes". Each is fitted and chosen under the
costs it is played with. No agent is trained.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.baselines import played
from bench.report import Report
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import TradingRules


@dataclass(frozen=True)
class Paid:
    """One policy under one kind of costs, net pips a session; low and high: 95 % interval."""

    policy: str
    costs: str
    net: float
    low: float | None
    high: float | None
    trades: int
    paid_a_trade: float


def main() -> None:
    """Print the results of every policy under all costs."""
    arguments = _arguments()
    settings = ["trading.cost=quotes", *arguments.set]
    config = load_config("fx_small", None, settings, arguments.symbol, arguments.store)
    dataset, _ = load_dataset(config, arguments.store)
    rules = TradingRules.from_config(config)
    conditions = conditions_of(dataset, rules, "test", dataset.evaluation_starts("test"))
    report = Report(
        arguments.json,
        data=f"{conditions.data}, {conditions.first} to {conditions.last} UTC",
        sessions=f"{conditions.sessions} of the test split, {conditions.session_bars} bars",
        quotes=conditions.costs,
        fills=conditions.fills,
    )
    report.table("costs", "net pips a session", _rows(dataset, rules, arguments.pips))
    report.end()


def _rows(dataset: MarketDataset, rules: TradingRules, fixed: list[float]) -> Iterator[Paid]:
    kinds = {f"{pips:g} pips": replace(rules, costs=Costs(pips)) for pips in fixed}
    for name, kind in {**kinds, "quotes": rules}.items():
        for policy, result in played(dataset, kind).items():
            m = result.metrics
            yield Paid(
                policy,
                name,
                *(m.net_pips_per_session, m.net_pips_low, m.net_pips_high, m.trades),
                m.cost_pips / max(m.trades, 1),
            )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, help="bar store with bid and ask")
    parser.add_argument("--symbol", required=True, help="a currency pair in it")
    parser.add_argument(
        "--pips",
        type=lambda text: [float(pips) for pips in text.split(",")],
        default=[4.0, 0.3],
        help="fixed round trips to compare with (default: 4,0.3)",
    )
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="print everything as JSON at the end")
    return parser.parse_args()


if __name__ == "__main__":
    main()
