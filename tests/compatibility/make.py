"""What a user of one build has, made by that build's own command: a store, runs, sessions.

    python tests/compatibility/make.py COMMAND tests/compatibility/0.1.0

Run once for each release, with the command of that release; its archives are then kept as they
are, and `test_compatibility` opens them with every later build. A market is made up, of prices
that follow from a seed; networks are as small as they can be.
"""

import json
import os
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from random import Random

ARCHIVES = {
    "market": ("data/market.duckdb",),
    "training": ("fx.toml", "runs/fx", "runs/finished", "runs/walk"),
    "crypto": ("crypto.toml", "runs/crypto"),
    "paper": (
        "runs/paper-finished",
        "runs/paper-stopped",
        "runs/paper-killed",
        "runs/paper-crypto",
    ),
}
MONDAY = datetime(2024, 2, 5, tzinfo=UTC)
FX_MINUTES, COIN_MINUTES = 1500, 3000

_SEARCH = """
[search]
num_simulations = 4
num_simulations_collect = 4
backend = "native"
threads = 1

[collect]
envs = 4

[replay]
min_episodes = 4
max_episodes = 6

[train]
episodes = 12
steps_per_episode = 1.0
batch_size = 4
num_unroll_steps = 2
td_steps = 3
validate_interval = 4
validate_sessions = 2
checkpoint_interval = 4
"""

_SMALL = """
parameters = 0
latent_width = 8
representation_blocks = 1
outcome_blocks = 0
dynamics_blocks = 1
policy_blocks = 0
value_blocks = 0
afterstate_blocks = 0
value_bins = 31
value_min = -30.0
value_max = 30.0
"""

FX = f"""preset = "fx_micro"

[market]
symbol = "USDJPY"
session_bars = 12
window_bars = 8

[trading]
reward = "mark_to_market"

[model]
tcn_channels = 4
{_SMALL}{_SEARCH}"""

CRYPTO = f"""preset = "crypto"

[market]
symbol = "BTCUSDT"
symbols = ["BTCUSDT", "ETHUSDT"]
timeframes = ["5m"]
context = ["funding_rate", "taker_buy_share"]
session_bars = 12
window_bars = 4

[model]
transformer_width = 8
transformer_heads = 2
transformer_layers = 1
{_SMALL}{_SEARCH}"""


def main(command: str, target: Path) -> None:
    """Use `command`, and keep in `target` what it made."""
    with tempfile.TemporaryDirectory() as folder:
        desk = Desk(Path(command).absolute(), Path(folder))
        desk.market()
        desk.training()
        desk.paper()
        target.mkdir(parents=True, exist_ok=True)
        for name, paths in ARCHIVES.items():
            with tarfile.open(target / f"{name}.tar.xz", "w:xz", preset=9) as archive:
                for path in paths:
                    archive.add(desk.folder / path, path, filter=_anonymous)


def _anonymous(member: tarfile.TarInfo) -> tarfile.TarInfo | None:
    member.uid = member.gid = 0
    member.uname = member.gname = ""
    return member


class Desk:
    """A folder in which the command of a build is used as its users do."""

    def __init__(self, command: Path, folder: Path) -> None:
        self.folder = folder
        self._command = command
        self._environment = os.environ | {"HOME": str(folder / "home"), "OMP_NUM_THREADS": "1"}

    def run(self, *arguments: str) -> None:
        subprocess.run(
            [self._command, *arguments], cwd=self.folder, env=self._environment, check=True
        )

    def market(self) -> None:
        """A synthetic market, two pairs from text files, two coins with takers and funding."""
        self.run("data", "synth", "planted_edge", "--days", "1")
        for seed, pair in enumerate(("USDJPY", "EURJPY")):
            name = f"DAT_ASCII_{pair}_M1_2024.csv"
            (self.folder / name).write_text("\n".join(_histdata(seed)) + "\n")
            self.run("data", "import", name, "--symbol", pair, "--clock", "UTC")
        for seed, coin in enumerate(("BTCUSDT", "ETHUSDT")):
            files = {
                f"{coin}-1m-2024-02.csv": _klines(seed),
                f"{coin}-fundingRate-2024-02.csv": _funding(seed),
            }
            for name, lines in files.items():
                (self.folder / name).write_text("\n".join(lines) + "\n")
                self.run("data", "import", name)

    def training(self) -> None:
        """Runs that ended, that were stopped, and that have an export and a profile."""
        (self.folder / "fx.toml").write_text(FX)
        (self.folder / "crypto.toml").write_text(CRYPTO)
        self.run("train", "--run", "runs/finished", "--config", "fx.toml")
        self.run("train", "--run", "runs/crypto", "--config", "crypto.toml")
        begin = ("train", "--run", "runs/fx", "--config", "fx.toml", "--set", "train.episodes=24")
        with self.until(begin, "runs/fx", lambda e: e["event"] == "validated") as process:
            process.send_signal(signal.SIGINT)
        self.run("export", "runs/fx", "--batch", "1")
        self.run("profile", "runs/fx", "--seconds", "0")
        self.run(
            *("walk-forward", "--run", "runs/walk", "--config", "fx.toml"),
            *("--windows", "2", "--sessions", "2", "--set", "train.episodes=4"),
        )

    def paper(self) -> None:
        """Sessions that ended, that were stopped and that were killed, with positions open."""
        begin = (
            *("paper", "start", "--model", "runs/finished", "--pairs", "USDJPY,EURJPY"),
            *("--from", "2024-02-05T20:00", "--to", "2024-02-05T20:40", "--speed", "600"),
            *("--set", "risk.max_total_exposure=2", "--run"),
        )
        run = "runs/paper-finished"
        with self.until((*begin, run), run, _in_the_market):
            self.run("paper", "flatten", run)
            self.run("paper", "resume", run)
        self.run("paper", "parity", run)
        for name, number in (("stopped", signal.SIGINT), ("killed", signal.SIGKILL)):
            run = f"runs/paper-{name}"
            with self.until((*begin, run), run, _in_the_market) as process:
                process.send_signal(number)
        coins = ("paper", "start", "--model", "runs/crypto", "--from", "2024-02-06T07:30")
        self.run(*coins, "--run", "runs/paper-crypto", "--to", "2024-02-06T08:30")

    @contextmanager
    def until(
        self, arguments: tuple[str, ...], run: str, when: Callable[[dict], bool]
    ) -> Iterator[subprocess.Popen]:
        """The command, at the first event of its run that `when` says yes to; then waits for it."""
        process = subprocess.Popen(
            [self._command, *arguments], cwd=self.folder, env=self._environment
        )
        journal = self.folder / run / "journal.jsonl"
        while not any(map(when, _events(journal))):
            if process.poll() is not None:
                raise SystemExit(f"{run} ended before there was anything to see")
            time.sleep(0.01)
        yield process
        process.wait()


def _events(journal: Path) -> list[dict]:
    """The whole lines of a journal that is being written."""
    if not journal.exists():
        return []
    return [json.loads(line) for line in journal.read_text().splitlines(True) if "\n" in line]


def _in_the_market(event: dict) -> bool:
    return event["event"] == "minute" and event["exposure_total"] > 0


def _walk(seed: int, count: int, price: float, step: float, decimals: int) -> list[list[float]]:
    """Open, high, low and close of so many minutes."""
    draw, bars = Random(seed), []
    for _ in range(count):
        close = round(price + draw.randint(-9, 9) * step, decimals)
        reach = draw.randint(0, 4) * step
        high, low = max(price, close) + reach, min(price, close) - reach
        bars.append([price, round(high, decimals), round(low, decimals), close])
        price = close
    return bars


def _histdata(seed: int) -> list[str]:
    return [
        ";".join([f"{MONDAY + timedelta(minutes=i):%Y%m%d %H%M%S}", *map(str, bar), "0"])
        for i, bar in enumerate(_walk(seed, FX_MINUTES, 148.0 + seed, 0.003, 3))
    ]


def _klines(seed: int) -> list[str]:
    lines = [
        "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
        "taker_buy_volume,taker_buy_quote_volume,ignore"
    ]
    draw = Random(seed)
    for i, bar in enumerate(_walk(seed + 10, COIN_MINUTES, 42000.0 - 40000 * seed, 1.5, 1)):
        opened = int((MONDAY + timedelta(minutes=i)).timestamp()) * 1000
        volume = draw.randint(10, 99)
        taken = draw.randint(1, volume)
        quote, taken_quote = round(volume * bar[3], 1), round(taken * bar[3], 1)
        fields = (opened, *bar, volume, opened + 59_999, quote, volume * 3, taken, taken_quote, 0)
        lines.append(",".join(map(str, fields)))
    return lines


def _funding(seed: int) -> list[str]:
    lines = ["calc_time,funding_interval_hours,last_funding_rate"]
    for i in range(COIN_MINUTES // 480 + 1):
        paid = int((MONDAY + timedelta(hours=8 * i)).timestamp()) * 1000 + 3
        lines.append(f"{paid},8,{0.0001 * (i + 1 + seed):.8f}")
    return lines


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
