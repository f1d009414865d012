"""A paper session that is killed again and again, in children of one process.

Arguments: folder, seed, most kills, and "points" or "times": whether a child dies at a point
between two durable steps or after a time, both drawn from the seed. Every child does what
`paper start` does: begin, or go on. Prints what happened as JSON. Forked children share what is
imported, so that a life costs milliseconds; networks are left out, as what they compute is no
state.
"""

import gc
import json
import os
import random
import signal
import sys
import time
from pathlib import Path

from mlx_muzero.runlog import journal
from paper_sessions import WARM_BARS, Commanding, markets, play, settings

PAIRS = ("USDJPY", "EURJPY", "GBPJPY")
BARS = markets(PAIRS, WARM_BARS + 60)
"""Made before a child is."""
COMMANDS = {
    WARM_BARS + 12: "exclude USDJPY",
    WARM_BARS + 20: "close EURJPY",
    WARM_BARS + 28: "include USDJPY",
    WARM_BARS + 32: "stop-entries",
    WARM_BARS + 36: "resume",
    WARM_BARS + 44: "include EURJPY",
}
"""By number of the bar they come before."""


class CommandingOnce(Commanding):
    """Gives each command once in all the lives of a session, at the same minute in each."""

    def __init__(self, folder: Path) -> None:
        super().__init__(BARS, folder, {})
        times = BARS[0].open_time_ns.tolist()
        self._commands = {times[number]: command for number, command in COMMANDS.items()}

    async def _commanding(self, events):
        async for event in events:
            bar = getattr(event, "bar", None)
            if bar is not None and bar.pair == PAIRS[0]:
                command = self._commands.get(bar.open_time_ns)
                if command and command not in self._given():
                    await self._caught_up(bar.open_time_ns)
                    await self._act(command)
            yield event

    def _given(self) -> list[str]:
        told = journal.read(self._path / "journal.jsonl")
        commands = (event for event in told if event["event"] == "command")
        return [f"{c['name']} {c.get('pair', '')}".strip() for c in commands]


def live(folder: Path, crash) -> None:
    play(folder, settings(PAIRS), crash=crash, feed=CommandingOnce(folder))


def at_point(number: int):
    """A `crash` that kills this process at the `number`-th point."""
    left = iter(range(number, -1, -1))

    def crash(_point: str) -> None:
        if next(left) == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return crash


def one_life(folder: Path, crash, seconds: float | None) -> bool:
    """Whether a child was killed before it was done."""
    child = os.fork()
    if child == 0:
        code = 1
        try:
            live(folder, crash)
            code = 0
        finally:
            os._exit(code)
    if seconds is not None:
        time.sleep(seconds)
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return True
    assert os.waitstatus_to_exitcode(status) == 0, "a child failed by itself"
    return False


def main(folder: Path, seed: int, most: int, how: str) -> None:
    dice = random.Random(seed)
    gc.freeze()  # a child's first collection would copy the memory of all that is shared
    kills = 0
    while kills < most:
        if how == "points":
            # Few steps most of the time, so that as many kills fit as are wanted.
            killed = one_life(folder, at_point(dice.randrange(1, 24)), None)
        else:
            killed = one_life(folder, lambda _point: None, dice.uniform(0.02, 0.15))
        if not killed:
            break
        kills += 1
    finished = kills < most
    if not finished:
        live(folder, lambda _point: None)
    print(json.dumps({"kills": kills, "finished_before": finished}))


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]), int(sys.argv[3]), sys.argv[4])
