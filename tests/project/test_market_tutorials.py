"""The tutorials of real markets, typed as written against loopback venues."""

import asyncio
import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from folders import ROOT
from mlx_muzero.market.bars import utc_text
from mlx_muzero.runlog import journal
from mlx_muzero.timeunits import DAY_NS, HOUR_NS
from moody_venue import MoodyVenue, served
from oanda_venue import TOKEN, OandaVenue

DAYS = 14
PROGRAM = Path(__file__).parents[1] / "helpers" / "loopback_command.py"
SHORTER = {
    "train": (
        *("--set", "train.episodes=32", "--set", "replay.min_episodes=8"),
        *("--set", "train.validate_interval=16", "--set", "train.checkpoint_interval=16"),
    ),
    "evaluate": ("--sessions", "4"),
}
"""What is added to a command, so that it takes no minutes."""
EXACT = "the replay equals the record"


class WallClock:
    """The machine's own, as a venue's."""

    start_ns = time.time_ns() - time.monotonic_ns()
    monotonic_ns = staticmethod(time.monotonic_ns)

    async def sleep(self, duration_ns):
        await asyncio.sleep(max(duration_ns, 0) / 10**9)


@contextmanager
def exchange():
    venue = MoodyVenue(0)
    venue.clock = WallClock()
    coins = ["BTC", "ETH", "SOL", "XRP", "BNB", "LTC", "LINK", "AVAX", "BCH", "ETC", "SUI"]
    venue.symbols = {f"{coin}USDT": (coin, "USDT") for coin in coins}
    with served(venue) as settings:
        settings["options"]["fetchMarkets"] = {"types": ["linear"]}
        yield {"ccxt": settings}, venue


@contextmanager
def oanda():
    venue = OandaVenue(WallClock())
    now = time.gmtime()
    # By its clock it is Wednesday noon, as the market is open then.
    venue.ahead_ns = ((2 - now.tm_wday - 7) * DAY_NS) + (12 - now.tm_hour) * HOUR_NS
    with served(venue) as address:
        yield {"oanda": address}, venue


def commands(page):
    text = (ROOT / "docs" / "tutorials" / page).read_text()
    return [line.split()[1:] for line in re.findall(r"^    (mlx-muzero .*)$", text, re.MULTILINE)]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("page", "venues", "told"),
    [
        ("market.md", exchange, ["SUIUSDT from binanceusdm", "taker_imbalance", EXACT]),
        ("oanda.md", oanda, ["USDJPY from oanda", "quoted spread of every round trip", EXACT]),
    ],
    ids=["market", "oanda"],
)
def test_every_command_does_what_the_tutorial_says(tmp_path, page, venues, told):
    paths = os.pathsep.join(filter(None, sys.path))
    environment = os.environ | {"PYTHONPATH": paths, "OANDA_PRACTICE_TOKEN": TOKEN}
    printed = ""
    with venues() as (addresses, venue):
        first = utc_text(venue.now_ns() - DAYS * DAY_NS)[:10]
        for words in commands(page):
            words = [first if re.fullmatch(r"\d{4}-\d\d-\d\d", word) else word for word in words]
            words += SHORTER.get(words[0], ())
            typed = [sys.executable, str(PROGRAM), json.dumps(addresses), *words]
            options = {"cwd": tmp_path, "env": environment}
            if words[0] == "tui":
                _look(typed, options)
                continue
            live = words[:2] == ["paper", "start"]
            done = subprocess.Popen(
                typed, **options, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
            )
            if live:
                _trade_a_minute(done, tmp_path / "runs" / "live")
            out, err = done.communicate(timeout=500)
            assert done.returncode == (130 if live else 0), f"{words}\n{out}\n{err}"
            printed += out + err
    unwrapped = " ".join(printed.split())
    assert [text for text in told if text not in unwrapped] == []


def _trade_a_minute(session, folder):
    """Stop `session` once it has decided on a live bar."""
    for _ in range(300):
        time.sleep(1)
        events = folder / "journal.jsonl"
        if session.poll() is not None or (events.exists() and _decided(events)):
            break
    session.send_signal(signal.SIGINT)


def _decided(events):
    return any(event["event"] == "minute" for event in journal.read(events))


def _look(typed, options):
    """Open the application on a terminal of its own, wait for its first screen, and leave it."""
    controller, terminal = pty.openpty()
    options["env"] = options["env"] | {"TERM": "xterm-256color", "COLUMNS": "120", "LINES": "36"}
    running = subprocess.Popen(
        typed, **options, stdin=terminal, stdout=terminal, stderr=terminal, start_new_session=True
    )
    os.close(terminal)
    shown, until = b"", time.monotonic() + 60
    while b"equity" not in shown.lower() and time.monotonic() < until:
        if select.select([controller], [], [], 1.0)[0]:
            shown += os.read(controller, 65536)
    os.write(controller, b"q")
    while running.poll() is None and time.monotonic() < until + 30:
        if select.select([controller], [], [], 0.2)[0]:
            try:
                os.read(controller, 65536)
            except OSError:  # it has left
                break
    assert running.wait(30) == 0
    assert b"equity" in shown.lower()
    os.close(controller)
