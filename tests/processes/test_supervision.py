"""A part that ends by anything but returning is a fault, and the main flow hears of it."""

import asyncio
import threading

import pytest

from mlx_muzero.errors import FeedError
from mlx_muzero.processes.supervision import Supervisor


def test_a_thread_that_fails_wakes_the_main_flow_which_raises_its_error():
    woken = threading.Event()
    supervisor = Supervisor(lambda _fault: woken.set())

    def work():
        raise RecursionError("too deep")

    supervisor.thread("control", work)
    assert woken.wait(5.0)
    assert supervisor.fault.what == "control"
    assert supervisor.fault.reason == "RecursionError: too deep"
    with pytest.raises(RecursionError, match="too deep") as raised:
        supervisor.check()
    assert raised.traceback[-1].name == "work"


def test_what_returns_is_no_fault():
    async def main():
        supervisor = Supervisor(lambda fault: pytest.fail(fault.reason))
        await supervisor.task("feed", asyncio.sleep(0))
        supervisor.thread("clock", lambda: None).join()
        supervisor.check()
        assert supervisor.fault is None

    asyncio.run(main())


@pytest.mark.parametrize("error", [FeedError("no such pair"), ZeroDivisionError("x")])
def test_a_task_that_fails_is_a_fault_whatever_it_raises(error):
    async def main():
        woken = asyncio.Event()
        supervisor = Supervisor(lambda _fault: woken.set())

        async def work():
            await asyncio.sleep(0)
            raise error

        supervisor.task("feed", work())
        await woken.wait()
        assert supervisor.fault.error is error
        await supervisor.end()

    asyncio.run(main())


def test_a_task_that_something_else_cancels_is_a_fault():
    async def main():
        woken = asyncio.Event()
        supervisor = Supervisor(lambda _fault: woken.set())
        task = supervisor.task("feed", asyncio.sleep(60))
        await asyncio.sleep(0)
        task.cancel()
        await asyncio.wait_for(woken.wait(), 5.0)
        with pytest.raises(RuntimeError, match="feed was cancelled unexpectedly"):
            supervisor.check()

    asyncio.run(main())


def test_an_end_that_was_asked_for_is_no_fault_and_waits():
    ended = []

    async def work():
        try:
            await asyncio.sleep(60)
        finally:
            await asyncio.sleep(0.01)
            ended.append(True)

    async def main():
        supervisor = Supervisor()
        for _ in range(3):
            supervisor.task("feed", work())
        await asyncio.sleep(0)
        await supervisor.end()
        supervisor.check()

    asyncio.run(main())
    assert ended == [True] * 3


def test_the_first_fault_counts():
    supervisor, woken = Supervisor(lambda fault: woken.append(fault.what)), []
    for number in range(3):
        supervisor.report(f"part {number}", ValueError(number))
    assert supervisor.fault.what == "part 0"
    assert woken == ["part 0"]
