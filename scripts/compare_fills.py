"""What a fill at the close that was decided on earns beyond one at the next open.

    python scripts/compare_fills.py STORE [--symbols A,B] [--fill-bps N] [--set KEY=VALUE] [--json]

Plays the policies without a network (`mlx_muzero.evaluation.comparison.baselines`), and a rule that
expects each bar to turn, over the test split of the pairs in STORE twice: with trading.fill "close"
and with "next_open", each fitted and chosen under the fills it is played with. What the first earns
and the second does not, nobody can earn. No agent is trained.
"""

import argparse
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

from bench.baselines import played
from bench.report import Report
from mlx_muzero.config.choices import FillAt
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.evaluation.full_comparison import difference
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.trading.rules import TradingRules


@dataclass(frozen=True)
class Fills:
    """One policy under both fills, net bps a session; lows and highs are 95 % intervals."""

    policy: str
    close: float
    close_low: float | None
    close_high: float | None
    trades: int
    next_open: float
    open_low: float | None
    open_high: float | None
    open_trades: int
    difference: float
    low: float | None
    high: float | None


def main() -> None:
    """Print both results of every policy, with the difference on the same sessions."""
    arguments = _arguments()
    with BarStore(arguments.store, read_only=True) as store:
        symbols = arguments.symbols or ",".join(row.symbol for row in store.symbols())
    settings = [
        "trading.spread_bps=0",
        "trading.slippage_bps=0",
        f"trading.taker_fee_bps={arguments.fill_bps:g}",
        *arguments.set,
    ]
    config = load_config("crypto_small", None, settings, symbols, arguments.store)
    dataset, _ = load_dataset(config, arguments.store)
    starts = dataset.evaluation_starts("test")
    conditions = conditions_of(dataset, TradingRules.from_config(config), "test", starts)
    report = Report(
        arguments.json,
        data=f"{conditions.data}, {conditions.first} to {conditions.last} UTC",
        sessions=f"{conditions.sessions} of the test split, {conditions.session_bars} bars",
        costs=conditions.costs,
    )
    report.table("fills", "net bps a session", _both(config, dataset))
    report.end()


def _both(config: Config, dataset: MarketDataset) -> Iterator[Fills]:
    rules = TradingRules.from_config(config)
    fills: tuple[FillAt, ...] = ("close", "next_open")
    at_close, at_open = (played(dataset, replace(rules, fill=fill)) for fill in fills)
    for policy, one in at_close.items():
        other = at_open[policy]
        beyond, a, b = difference(one, other), one.metrics, other.metrics
        yield Fills(
            policy,
            *(a.net_pips_per_session, a.net_pips_low, a.net_pips_high, a.trades),
            *(b.net_pips_per_session, b.net_pips_low, b.net_pips_high, b.trades),
            *(beyond.mean, beyond.low, beyond.high),
        )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, help="bar store of coins")
    parser.add_argument("--symbols", default="", help="comma-separated; by default all")
    parser.add_argument("--fill-bps", type=float, default=1.0, help="cost of a fill (default: 1)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="print everything as JSON at the end")
    return parser.parse_args()


if __name__ == "__main__":
    main()
