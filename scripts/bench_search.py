"""Measures the search: its tree alone and with each backend, or against another library.

    python scripts/bench_search.py [--roots B ...] [--simulations N ...] [--precision P]
                                   [--rounds N] [--json]
    python scripts/bench_search.py --against CHECKOUT [--roots B ...] [--simulations N ...]
    python scripts/bench_search.py --peer NAME[=PYTHON] ... [--precision P] [--rounds N] [--json]

The networks are those of fx_micro with random heads, and those of fx_factored. Whatever is compared
takes turns, round by round, so that ratios hold even if the machine is busy; figures are medians.
--against compares every precision with another checkout's float32, whose bits ours must have too.
A peer runs under the interpreter PYTHON, by default this one; nothing else ever needs it.
"""

import argparse
import sys
from pathlib import Path
from typing import get_args

from bench import against, backends, market, tree_only, versus
from bench.networks import fx_factored, fx_micro
from bench.report import Report
from mlx_muzero.config.choices import Precision


def main() -> None:
    parser = argparse.ArgumentParser(description="Speed of the search.")
    parser.add_argument("--roots", type=int, nargs="+", default=[16, 64])
    parser.add_argument("--simulations", type=int, nargs="+", default=[25, 50])
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--peer", action="append", default=[], metavar="NAME[=PYTHON]")
    parser.add_argument("--against", type=Path, help="another checkout, with its .venv")
    parser.add_argument(
        "--precision",
        choices=get_args(Precision),
        default="float32",
        help="of `native`; only in float32 can it find a peer's visits",
    )
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    named = dict(peer.partition("=")[::2] for peer in options.peer)
    if unknown := named.keys() - versus.PEERS.keys():
        parser.error(f"--peer {', '.join(unknown)}: known are {', '.join(versus.PEERS)}")
    report = Report(options.json, rounds=options.rounds)
    if named:
        compare(report, named, options.rounds, options.precision)
    elif options.against is not None:
        grid = options.roots, options.simulations, options.rounds
        report.table(
            "against",
            "Native backend on one thread, over the other build in float32:",
            against.measure(options.against, *grid),
        )
    else:
        report.table(
            "tree",
            f"Tree only, in C++, {tree_only.ROOTS} roots, one thread:",
            tree_only.measure(options.rounds),
        )
        grid = options.roots, options.simulations, options.rounds
        report.table(
            "backends",
            "With the networks:",
            backends.measure(fx_micro(), *grid, options.precision),
        )
        report.table(
            "market",
            "With a factored model, from bars to actions:",
            market.measure(fx_factored(), *grid),
        )
    report.end()


def compare(report: Report, named: dict[str, str], rounds: int, precision: Precision) -> None:
    """Print a table for each peer that is installed."""
    model = fx_micro()
    for name, python in named.items():
        heading = (
            f"{name}, {versus.ROOTS} roots x {versus.SIMULATIONS} simulations, single_outcome, "
            f"native backend in {precision}, one thread:"
        )
        try:
            rate = versus.measure(model, name, python or sys.executable, rounds, precision)
        except versus.PeerMissingError as error:
            report.note(str(error))
        else:
            report.table(name, heading, [rate])


if __name__ == "__main__":
    main()
