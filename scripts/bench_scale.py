"""Measures how the start of a training grows with the market: time, memory and time per batch.

    python scripts/bench_scale.py [--bars N ...] [--pairs N] [--beside CHECKOUT] [--json]

For each number of bars a store of that many minute bars (several pairs, random walks) is made once
in ``--stores`` and kept for the next time. Each start is a new process that loads the dataset,
records it as a run does, lists the training starts and gathers batches of windows. The first one
finds no features kept, the second those of the first. `most` is its peak resident memory,
`anonymous` that without mapped files (sampled; Linux only). With --beside, the checkout at that
path, with its own ``.venv``, does the same with the same stores, in turn.
"""

import argparse
import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from pathlib import Path

import numpy as np

from bench.exchange import COINS, QUOTE
from bench.report import Report
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS

FIRST_NS = 1_577_836_800_000_000_000  # 2020-01-01 00:00 UTC
BLOCK_BARS = 500_000
PAIRS = tuple(
    f"{coin}{QUOTE}" for coin in (*COINS, "AVAX", "ATOM", "TRX", "ETC", "XLM", "BCH", "NEAR", "UNI")
)

# Runs in either checkout, so it uses only what both have.
START = """
import json, resource, sys, threading, time
from dataclasses import replace
from pathlib import Path
import numpy as np
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.training.run import MarketRecord

store, symbols, batch, batches = Path(sys.argv[1]), sys.argv[2].split(","), 256, 50
config = PRESETS["crypto"]
pairs = tuple(map(Symbol, symbols))
config = replace(config, market=replace(config.market, symbol=pairs[0], symbols=pairs))

def anonymous():
    try:
        status = Path("/proc/self/status").read_text()
    except OSError:
        return None
    return int(status.split("RssAnon:")[1].split()[0]) * 1024

anonymous_most, over = [0], threading.Event()
def sample():
    while not over.wait(0.02):
        anonymous_most[0] = max(anonymous_most[0], anonymous() or 0)
threading.Thread(target=sample, daemon=True).start()
began = time.perf_counter()
dataset, path = load_dataset(config, store)
loaded = time.perf_counter()
record = MarketRecord.of(path, dataset)
starts = dataset.training_starts()
started = time.perf_counter()
over.set()
rng = np.random.default_rng(0)
new, again = [], []
for _ in range(batches):
    bars = rng.choice(starts, batch)
    for seconds in (new, again):
        at = time.perf_counter()
        dataset.windows(bars)
        seconds.append(time.perf_counter() - at)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps({
    "load_s": loaded - began, "start_s": started - began,
    "peak": peak * (1 if sys.platform == "darwin" else 1024), "anonymous": anonymous_most[0],
    "held": anonymous() or 0,
    "new_batch_s": sorted(new)[batches // 2], "batch_s": sorted(again)[batches // 2],
    "digest": record.digest, "starts": len(starts),
}))
"""


@dataclass(frozen=True)
class Start:
    """One start; `held` is anonymous memory after it, a new batch is gathered the first time."""

    checkout: str
    start: str
    bars: int
    load_s: float
    start_s: float
    most_mib: float
    anonymous_mib: float
    held_mib: float
    bytes_a_bar: float
    new_batch_ms: float
    batch_ms: float


def main() -> None:
    parser = argparse.ArgumentParser(description="How the start of a training grows.")
    parser.add_argument("--bars", type=int, nargs="+", default=[1_000_000, 10_000_000, 40_000_000])
    parser.add_argument("--pairs", type=int, default=16, help=f"at most {len(PAIRS)}")
    parser.add_argument("--stores", type=Path, default=Path(tempfile.gettempdir()) / "bench-scale")
    parser.add_argument("--beside", type=Path, help="another checkout, with its .venv")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    symbols = list(PAIRS[: options.pairs])
    report = Report(options.json, pairs=len(symbols), stores=str(options.stores))
    checkouts = {"this": sys.executable}
    if options.beside:
        checkouts["beside"] = str(options.beside.absolute() / ".venv/bin/python")
    report.table("starts", "Starts:", measured(options.bars, symbols, options.stores, checkouts))
    report.end()


def measured(
    sizes: list[int], symbols: list[str], stores: Path, checkouts: dict[str, str]
) -> Iterator[Start]:
    """Start each checkout twice with each store; exits if two see other markets."""
    for bars in sizes:
        store = stored(stores / f"{bars}-{len(symbols)}.duckdb", bars, symbols)
        seen = set()
        for name, start in product(checkouts, ("first", "second")):
            if start == "first":
                shutil.rmtree(f"{store}.columns", ignore_errors=True)
            command = [checkouts[name], "-c", START, str(store), ",".join(symbols)]
            # Outside of this checkout, so that each imports its own package.
            done = subprocess.run(command, stdout=subprocess.PIPE, check=True, cwd=stores)
            facts = json.loads(done.stdout.splitlines()[-1])
            seen.add((facts["digest"], facts["starts"]))
            mib = {key: facts[key] / 2**20 for key in ("peak", "anonymous", "held")}
            yield Start(
                name, start, bars, facts["load_s"], facts["start_s"],
                mib["peak"], mib["anonymous"], mib["held"], facts["peak"] / bars,
                1e3 * facts["new_batch_s"], 1e3 * facts["batch_s"],
            )  # fmt: skip
        if len(seen) > 1:
            sys.exit(f"the checkouts see different markets: {seen}")


def stored(path: Path, bars: int, symbols: list[str]) -> Path:
    """The store at `path`, made if missing: `bars` minute bars, shared equally by `symbols`."""
    if path.exists():
        return path
    making = path.with_suffix(".making")
    making.unlink(missing_ok=True)
    each = bars // len(symbols)
    with BarStore(making) as store:
        for seed, symbol in enumerate(symbols):
            rng, last = np.random.default_rng(seed), 100.0
            for first in range(0, each, BLOCK_BARS):
                walk = random_walk(symbol, first, min(BLOCK_BARS, each - first), last, rng)
                store.write(walk)
                last = float(walk.close[-1])
    making.rename(path)
    return path


def random_walk(symbol: str, first: int, bars: int, last: float, rng: np.random.Generator) -> Bars:
    """Minute bars from the `first` minute on, whose prices go on from `last`."""
    close = last * np.exp(np.cumsum(rng.normal(0.0, 5e-4, bars)))
    open_ = np.concatenate([[last], close[:-1]])
    reach = 1.0 + rng.exponential(2e-4, (2, bars))
    return Bars(
        symbol,
        FIRST_NS + (first + np.arange(bars)) * MINUTE_NS,
        open_,
        np.maximum(open_, close) * reach[0],
        np.minimum(open_, close) / reach[1],
        close,
        rng.lognormal(3.0, 1.0, bars),
    )


if __name__ == "__main__":
    main()
