"""What a fill at the close that was decided on earns beyond one at the next open.

    python scripts/compare_fills.py STORE [--symbols A,B,C] [--fill-bps N] [--set KEY=VALUE ...]

Plays the policies without a network (`mlx_muzero.evaluation.comparison.baselines`) over the test
split of the pairs in STORE twice: with trading.fill "close" and with "next_open", each fitted and
chosen under the fills it is played with. What the first earns and the second does not, nobody can
earn. No agent is trained.
"""

import argparse
from pathlib import Path

from mlx_muzero.config.choices import FillAt
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.comparison import baselines, conditions_of
from mlx_muzero.evaluation.full_comparison import difference
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.trading.rules import TradingRules

LEFT_OUT = ("flat", "random", "buy_and_hold", "perfect_foresight")
"""Baselines that say nothing about fills."""


def main() -> None:
    """Print both results of every policy, with the difference on the same sessions."""
    arguments = _arguments()
    with BarStore(arguments.store, read_only=True) as store:
        symbols = arguments.symbols or ",".join(row.symbol for row in store.symbols())
    played: dict[FillAt, dict[str, Backtest]] = {}
    for fill in ("close", "next_open"):
        settings = [
            f"trading.fill={fill}",
            "trading.spread_bps=0",
            "trading.slippage_bps=0",
            f"trading.taker_fee_bps={arguments.fill_bps:g}",
            *arguments.set,
        ]
        config = load_config("crypto_small", None, settings, symbols, arguments.store)
        dataset, _ = load_dataset(config, arguments.store)
        rules = TradingRules.from_config(config)
        starts = dataset.evaluation_starts("test")
        played[fill] = {
            family: backtest(policy, dataset, rules, starts)
            for family, policy in baselines(dataset, rules).items()
            if family not in LEFT_OUT
        }
    conditions = conditions_of(dataset, rules, "test", starts)
    print(f"{conditions.data}; test split, {conditions.sessions} sessions of", end=" ")
    print(f"{conditions.session_bars} bars, {conditions.first} to {conditions.last} UTC")
    print(f"{conditions.costs}; net bps a session, [95% interval]\n")
    print(f"{'policy':15} {'at the close':>30} {'at the next open':>30} {'difference':>24}")
    for family, at_close in played["close"].items():
        at_open = played["next_open"][family]
        beyond = difference(at_close, at_open)
        print(
            f"{family:15} {_figures(at_close):>30} {_figures(at_open):>30} "
            f"{beyond.mean:+8.1f} [{beyond.low:+.1f}, {beyond.high:+.1f}]"
        )


def _figures(played: Backtest) -> str:
    m = played.metrics
    return (
        f"{m.net_pips_per_session:+.1f} [{m.net_pips_low:+.1f}, {m.net_pips_high:+.1f}] "
        f"{m.trades:,} trades"
    )


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, help="bar store of coins")
    parser.add_argument("--symbols", default="", help="comma-separated; by default all")
    parser.add_argument("--fill-bps", type=float, default=1.0, help="cost of a fill (default: 1)")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    return parser.parse_args()


if __name__ == "__main__":
    main()
