"""Measures downloads: minute bars of one pair and of eight, from a loopback exchange with latency.

    python scripts/bench_download.py [--bars N] [--latency MS] [--rounds N] [--json]

The exchange speaks Binance's protocol and answers in pages of 1,000 bars, at the rate limit that
ccxt keeps for Binance. Every round fills a new store. Exits with 1 if a median takes longer than 60
s (one pair) or 180 s (eight), or if memory grows between the first quarter of a round and its end
by more than the bars' own size.
"""

import argparse
import statistics
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path

from bench.exchange import COINS, MILLISECONDS, QUOTE, exchange
from bench.report import Report
from bench.resources import resident_bytes
from mlx_muzero.download.job import Listener, Wish, download
from mlx_muzero.download.report import DownloadReport
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource

NOW_MS = 1_740_960_000_000  # 2025-03-03 00:00 UTC
LIMITS_S = {1: 60.0, 8: 180.0}
MIB = 2**20
GROWTH_LIMIT_MIB = 300.0


@dataclass(frozen=True)
class Round:
    """The download of some pairs: medians over the rounds."""

    pairs: int
    bars: int
    requests: int
    seconds: float
    bars_per_s: float
    mib_before: float
    mib_quarter: float
    mib_end: float
    mib_most: float


class Memory:
    """The process's resident memory, sampled by a thread while the block runs."""

    def __init__(self) -> None:
        self.samples: list[int] = []
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._sample, daemon=True)

    def __enter__(self) -> "Memory":
        """Begin."""
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        """End."""
        self._over.set()
        self._thread.join()

    def _sample(self) -> None:
        while not self._over.wait(0.1):
            self.samples.append(resident_bytes())


def measure(pairs: int, bars: int, latency_s: float, page_bars: int) -> Round:
    """One round."""
    first_ns = (NOW_MS // MILLISECONDS - bars) * MINUTE_NS
    wishes = [Wish(f"{coin}/{QUOTE}", first_ns) for coin in COINS[:pairs]]
    with (
        tempfile.TemporaryDirectory() as folder,
        exchange(NOW_MS + 30_000, latency_s, page_bars) as settings,
        BarStore(Path(folder) / "market.duckdb") as store,
        Memory() as memory,
    ):
        before = resident_bytes()
        began = time.perf_counter()
        results = download(
            store, "binance", CcxtSource("binance", settings), wishes, listener=Listener(say=print)
        )
        seconds = time.perf_counter() - began
    reports = [result for result in results if isinstance(result, DownloadReport)]
    got = sum(report.inserted for report in reports)
    if got != pairs * bars:
        sys.exit(f"{got:,} bars came instead of {pairs * bars:,}: {results}")
    samples = memory.samples
    return Round(
        pairs,
        got,
        sum(report.requests for report in reports),
        seconds,
        got / seconds,
        before / MIB,
        samples[len(samples) // 4] / MIB,
        samples[-1] / MIB,
        max(samples) / MIB,
    )


def median(rounds: list[Round]) -> Round:
    """Each figure's median."""
    return Round(*(statistics.median(values) for values in zip(*map(_values, rounds), strict=True)))


def _values(one: Round) -> list[float]:
    return list(vars(one).values())


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of downloads.")
    parser.add_argument("--bars", type=int, default=525_600)
    parser.add_argument("--latency", type=float, default=100.0, help="milliseconds")
    parser.add_argument("--page", type=int, default=1000, help="bars of a page")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--pairs", type=int, choices=[1, 8], help="only so many pairs")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(
        options.json,
        duckdb=version("duckdb"),
        ccxt=version("ccxt"),
        latency=f"{options.latency:g} ms, pages of {options.page:,} bars",
    )
    found: list[Round] = []

    def rows() -> Iterator[Round]:
        for pairs in [options.pairs] if options.pairs else [1, 8]:
            one = (options.bars, options.latency / 1000, options.page)
            found.append(median([measure(pairs, *one) for _ in range(options.rounds)]))
            yield found[-1]

    report.table("downloads", f"Downloads, medians of {options.rounds}", rows())
    report.end()
    slow = [one for one in found if one.seconds > LIMITS_S[one.pairs]]
    grown = [one for one in found if one.mib_end - one.mib_quarter > GROWTH_LIMIT_MIB]
    sys.exit(1 if slow or grown else 0)


if __name__ == "__main__":
    main()
