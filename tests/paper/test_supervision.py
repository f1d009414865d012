"""What ends a part of the engine ends the engine, and is told; commands happen in time or never."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from examples import cases
from mlx_muzero.errors import RunError
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.paper.session import Session
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.control import send
from paper_sessions import (
    BEGIN_NS,
    WARM_BARS,
    DicePlanner,
    ScriptedPlanner,
    market,
    play,
    settings,
)

PAPER = settings(("USDJPY",))
BARS = [market("USDJPY", WARM_BARS + 20)]


class Failing(ReplayFeed):
    """A replay that raises `error` at a bar."""

    def __init__(self, bars, error, at=WARM_BARS + 10):
        super().__init__(bars)
        self._error, self._at = error, at

    @asynccontextmanager
    async def subscribe(self, first):
        async with super().subscribe(first) as events:
            yield self._until(events)

    async def _until(self, events):
        count = 0
        async for event in events:
            yield event
            await asyncio.sleep(0.001)
            count += 1
            if count == self._at:
                raise self._error


def faults(path):
    return [e for e in journal.read(path / "journal.jsonl") if e["event"] == "fault"]


@pytest.mark.parametrize(
    "error", cases(1, [KeyError("bid"), RecursionError("too deep"), AssertionError()])
)
def test_an_unexpected_exception_in_a_feed_ends_the_engine_and_is_told(tmp_path, error):
    path = tmp_path / "run"
    with pytest.raises(type(error)):
        play(path, PAPER, feed=Failing(BARS, error))
    (fault,) = faults(path)
    assert fault["what"] == "feed"
    assert fault["reason"] == f"{type(error).__name__}: {error}"
    assert "the engine ends" in fault["reaction"]
    # It goes on where it was, without opening anything until the cooldown is over.
    played = play(path, planner=ScriptedPlanner(["BUY"] * 30), bars=BARS)
    assert played.equity[-1]["mode"] == "entries_stopped"
    assert len(played.bars) == len(BARS[0])


def test_a_feed_whose_task_is_cancelled_from_elsewhere_is_a_fault_too(tmp_path):
    path = tmp_path / "run"
    with pytest.raises(RuntimeError, match="feed was cancelled unexpectedly"):
        play(path, PAPER, feed=Failing(BARS, asyncio.CancelledError()))
    assert faults(path)[-1]["what"] == "feed"


def test_a_bug_in_the_engine_leaves_what_was_committed_and_says_so(tmp_path, monkeypatch):
    path = tmp_path / "run"
    step, steps = Session.step, iter(range(1000))

    def buggy(self, *arguments):
        done = step(self, *arguments)
        if next(steps) == 5:
            raise IndexError("no such pair")
        return done

    with monkeypatch.context() as patched:
        patched.setattr(Session, "step", buggy)
        with pytest.raises(IndexError):
            play(path, PAPER, bars=BARS)
    (fault,) = faults(path)
    assert (fault["what"], fault["reason"]) == ("engine", "IndexError: no such pair")
    played = play(path, bars=BARS)
    assert len(played.bars) == len(BARS[0])
    numbers = [e["seq"] for e in journal.read(path / "journal.jsonl")]
    assert numbers == list(range(1, len(numbers) + 1))


def test_a_command_that_fails_ends_the_engine(tmp_path, monkeypatch):
    path, heard = tmp_path / "run", []

    def bug(self, name, now_ns):
        raise ZeroDivisionError("halt")

    def command():
        with pytest.raises(RunError, match="halt failed: ZeroDivisionError"):
            send(path / "control.sock", "halt")
        heard.append(True)

    thread = threading.Thread(target=command)

    class Commanding(ReplayFeed):
        @asynccontextmanager
        async def subscribe(self, first):
            thread.start()
            async with super().subscribe(first) as events:
                yield events

    monkeypatch.setattr(Session, "command", bug)
    with pytest.raises(ZeroDivisionError):
        play(path, PAPER, feed=Commanding(BARS, speed=6000.0, paced_from_ns=BEGIN_NS))
    thread.join()
    assert heard == [True]
    assert faults(path)[-1]["what"] == "halt"


class Slow(DicePlanner):
    """Tells that it thinks about one decision, which takes until it is told to end."""

    def __init__(self):
        super().__init__()
        self.thinking, self.end = threading.Event(), threading.Event()

    def plan(self, observation, position, seed, simulations, moment):
        if len(self.asked) == 5 and not self.thinking.is_set():
            self.thinking.set()
            self.end.wait(60.0)
        return super().plan(observation, position, seed, simulations, moment)


def test_a_halt_that_was_too_late_never_happens(tmp_path):
    path, planner, refusals = tmp_path / "run", Slow(), []

    def command():
        planner.thinking.wait()
        try:
            with pytest.raises(RunError, match="will not run later") as refused:
                send(path / "control.sock", "halt", timeout_s=0.4)
            refusals.append(refused)
        finally:
            planner.end.set()

    thread = threading.Thread(target=command)
    thread.start()
    played = play(path, PAPER, planner, feed=ReplayFeed(BARS, speed=6000.0, paced_from_ns=BEGIN_NS))
    thread.join()
    assert len(refusals) == 1
    assert {row["mode"] for row in played.equity} == {"trading"}
    assert not [e for e in journal.read(path / "journal.jsonl") if e["event"] == "command"]


def test_stop_is_heard_while_there_is_nothing_to_do(tmp_path, monkeypatch):
    class Nothing:
        @asynccontextmanager
        async def subscribe(self, first):
            async def events():
                await asyncio.sleep(60)
                yield

            yield events()

    run = Engine.run

    async def stopped(engine):
        asyncio.get_running_loop().call_later(0.05, engine.stop)
        await run(engine)

    monkeypatch.setattr(Engine, "run", stopped)
    play(tmp_path / "run", PAPER, feed=Nothing())
    *_, last = journal.read(tmp_path / "run" / "journal.jsonl")
    assert last["event"] == "stopped"
