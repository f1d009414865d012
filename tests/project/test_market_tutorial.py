"""The tutorial of a market of one's own, typed as written against a loopback exchange."""

import asyncio
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from folders import ROOT
from mlx_muzero.runlog import journal
from moody_venue import MoodyVenue, served

DAYS = 25
SHORTER = {
    "train": (
        *("--set", "train.episodes=32", "--set", "replay.min_episodes=8"),
        *("--set", "train.validate_interval=16", "--set", "train.checkpoint_interval=16"),
    ),
    "evaluate": ("--sessions", "4"),
}
"""What is added to a command, so that it takes no minutes."""


class WallClock:
    """The machine's own, as a venue's."""

    start_ns = time.time_ns() - time.monotonic_ns()
    monotonic_ns = staticmethod(time.monotonic_ns)

    async def sleep(self, duration_ns):
        await asyncio.sleep(max(duration_ns, 0) / 10**9)


def commands():
    text = (ROOT / "docs" / "tutorials" / "market.md").read_text()
    return [line.split()[1:] for line in re.findall(r"^    (mlx-muzero .*)$", text, re.MULTILINE)]


@pytest.mark.slow
def test_every_command_does_what_the_tutorial_says(tmp_path):
    venue = MoodyVenue(0)
    venue.clock = WallClock()
    first = time.strftime("%Y-%m-%d", time.gmtime(time.time() - DAYS * 86_400))
    program = Path(__file__).parents[1] / "helpers" / "loopback_command.py"
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, sys.path))}
    with served(venue) as settings:
        settings["options"]["fetchMarkets"] = {"types": ["linear"]}
        streams = settings["urls"]["api"]["ws"]
        streams["future"] = streams["spot"]
        for words in commands():
            words = [first if re.fullmatch(r"\d{4}-\d\d-\d\d", word) else word for word in words]
            live = words[:2] == ["paper", "start"]
            done = subprocess.Popen(
                [sys.executable, program, json.dumps(settings), *words, *SHORTER.get(words[0], ())],
                cwd=tmp_path, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                text=True,
            )  # fmt: skip
            if live:
                _trade_a_minute(done, tmp_path / words[-1])
            out, err = done.communicate(timeout=400)
            assert done.returncode == (130 if live else 0), f"{words}\n{out}\n{err}"


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
