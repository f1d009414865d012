"""A pilot for tests of the application, and what it waits for; a busy machine takes its time."""

import asyncio
import fcntl
import os
from contextlib import contextmanager
from pathlib import Path

from muzero_tui.app import MuZeroApp
from muzero_tui.screens.base import RunScreen
from muzero_tui.widgets.hints import Hints
from paper_journals import Session

PATIENCE_S = 30.0


async def opened(pilot):
    """Until the run is read and its screen shows it."""
    await _until(pilot, lambda: not pilot.app.opening)
    await pilot.app.workers.wait_for_complete()
    await _shown(pilot)


async def press(pilot, *keys):
    """Press keys, each once the screen shows what the one before led to."""
    for key in keys:
        await pilot.press(key)
        await _shown(pilot)


async def _shown(pilot):
    await _handled(pilot)
    screen = pilot.app.screen
    if isinstance(screen, RunScreen):
        # One that is shown for the first time is made by and by.
        await _until(pilot, lambda: screen.query(Hints))
        screen.keep_up()
        await _handled(pilot)


async def _handled(pilot):
    """Until messages, and those that they lead to, have been handled, and frames drawn.

    No clock tells when that is: on a busy machine it takes its time.
    """
    for _ in range(8):
        await pilot.pause(0)  # what is queued now is handled, and what it changed is drawn
        for _ in range(25):
            await asyncio.sleep(0)


async def _until(pilot, true):
    async with asyncio.timeout(PATIENCE_S):
        while not true():
            await pilot.pause(0.02)


SIZE = (120, 36)


def made_session(folder):
    """Forty minutes of paper trading, the last five decisions recorded."""
    made = Session(folder)
    for minute in range(40):
        made.minute()
        if minute >= 35:
            made.decide()
    return made


@contextmanager
def lives(folder: Path):
    """The run is held, as by a process."""
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        lock.write(str(os.getpid()))
        lock.flush()
        yield


def drive(app, script, size=SIZE, **options):
    """Runs `script(pilot)` once the run is opened."""

    async def main():
        async with app.run_test(size=size, **options) as pilot:
            await opened(pilot)
            return await script(pilot)

    return asyncio.run(main())


def presses(*keys, then=lambda app: None):
    async def script(pilot):
        await press(pilot, *keys)
        return then(pilot.app)

    return script


def app_of(session, **options):
    return MuZeroApp(session.folder, clock=session.clock, **options)
