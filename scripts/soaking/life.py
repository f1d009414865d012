"""One life of the session: a child process that begins or resumes it in virtual time.

It is what `mlx-muzero paper start` does, on a live feed whose venue and clocks are made up. The
child is forked, so that what is imported is shared and a life costs milliseconds.
"""

import asyncio
import gc
import json
import mmap
import os
import random
import resource
import signal
import struct
import time
import traceback
from collections.abc import AsyncIterator, Callable, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import NoReturn

from bench.resources import open_descriptors, resident_bytes
from mlx_muzero.errors import MuZeroError
from mlx_muzero.market.series import FUNDING_RATE
from mlx_muzero.paper.beginning import SessionOptions, settings_of
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.events import Event
from mlx_muzero.paper.feeds.feed import Feed, FirstBar
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.opening import opened
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS, SECOND_NS
from mlx_muzero.venues.hours import exchange_hours
from soaking.faults import Fault, Plan
from soaking.holding import Holding
from soaking.market import FEED, Market
from soaking.venue import MisbehavingVenue, World
from soaking.virtual_time import VirtualTimeLoop

_RUN_ON_S = (0.0, 0.03)
"""How long after its moment a kill comes, in this machine's time: anywhere in the work at hand."""

_SPARING = FeedSettings(tick_ns=5 * SECOND_NS, series_poll_ns=5 * MINUTE_NS)
"""A feed that looks at its clocks, and for settlements, only as often as a soak needs."""
_BESIDE_CANDIDATE_S = 0.1
"""How long a minute lasts at least while a candidate is made, in this machine's time: so a training
takes hours of the session's, not days."""


@dataclass(frozen=True)
class Soak:
    """All that a life needs to know.

    Attributes:
        folder: the session's.
        model: the run that it trades.
        market: what happens at the venue.
        plan: what goes wrong.
        overrides: settings of the session, as ``section.key=value``.
        simulations: per decision.
        seed: of latencies, and of the moments of kills.
    """

    folder: Path
    model: Path
    market: Market
    plan: Plan
    overrides: tuple[str, ...]
    simulations: int
    seed: int

    @property
    def console_path(self) -> Path:
        """What the session said, one JSON object a line."""
        return self.folder.parent / "console.jsonl"

    @property
    def resources_path(self) -> Path:
        """What the process held, once an hour."""
        return self.folder.parent / "resources.jsonl"

    @property
    def beginnings_path(self) -> Path:
        """What the session held when each life began."""
        return self.folder.parent / "beginnings.jsonl"


@dataclass(frozen=True)
class Death:
    """How a life ended.

    Attributes:
        at_ns: the true time.
        code: exit code, negative for a signal.
    """

    at_ns: int
    code: int


class _Shared:
    """The true time of a child, which its parent reads even after its death."""

    def __init__(self) -> None:
        self._page = mmap.mmap(-1, 8)

    @property
    def now_ns(self) -> int:
        (now_ns,) = struct.unpack("q", self._page[:8])
        return int(now_ns)

    @now_ns.setter
    def now_ns(self, now_ns: int) -> None:
        self._page[:8] = struct.pack("q", now_ns)

    def close(self) -> None:
        self._page.close()


def live(soak: Soak, number: int, from_ns: int, death: Fault | None) -> Death:
    """Live from `from_ns` on until the planned death, or to the end; return how it ended."""
    shared, (reached, reach) = _Shared(), os.pipe()
    shared.now_ns = from_ns
    gc.collect()
    child = os.fork()
    if child == 0:
        os.close(reached)
        _Life(soak, number, from_ns, death, shared, reach).end_process()
    os.close(reach)
    if death is not None and death.kind == "kill" and os.read(reached, 1):
        time.sleep(random.Random(f"{soak.seed} {number}").uniform(*_RUN_ON_S))
        os.kill(child, signal.SIGKILL)
    _, status = os.waitpid(child, 0)
    os.close(reached)
    died = Death(shared.now_ns, os.waitstatus_to_exitcode(status))
    shared.close()
    return died


class _NotingFeed(LiveFeed):
    """A feed that calls `before` it delivers anything: the session is restored by then."""

    before: Callable[[], None]

    @asynccontextmanager
    async def subscribe(
        self, first_open_ns: Mapping[str, FirstBar]
    ) -> AsyncIterator[AsyncIterator[Event]]:
        """See `Feed.subscribe`."""
        self.before()
        async with super().subscribe(first_open_ns) as events:
            yield events


class _Life:
    """In the child."""

    def __init__(
        self,
        soak: Soak,
        number: int,
        from_ns: int,
        death: Fault | None,
        shared: _Shared,
        reach: int,
    ) -> None:
        self._soak, self._number, self._from_ns = soak, number, from_ns
        self._death, self._shared, self._reach = death, shared, reach
        self._sampled_ns = 0

    def end_process(self) -> NoReturn:
        """Live, then end this process, whatever happens."""
        code = 70
        try:
            loop = partial(VirtualTimeLoop, 0.0, self._passed)
            with asyncio.Runner(loop_factory=loop) as runner:
                runner.run(self._main())
            code = 0
        except MuZeroError as error:
            self._say(f"error: {error}")
            code = error.exit_code
        except BaseException:
            self._say(traceback.format_exc())
        finally:
            os._exit(code)

    async def _main(self) -> None:
        soak, plan = self._soak, self._soak.plan
        self._world = World(self._from_ns, plan)
        options = SessionOptions(
            *(soak.model, None, FEED, "best", None, soak.simulations, None, None, None, None),
            soak.overrides,
        )
        folder = PaperFolder(soak.folder)
        with opened(
            folder,
            lambda: settings_of(folder, options, self._report, self._say),
            self._report,
            self._say,
            lambda _session, _settings: self._minute,
            feed_of=lambda settings, _config, session: self._feed(settings, session),
        ) as engine:
            moments = [*self._moments(engine)]
            try:
                await engine.run()
            finally:
                for moment in moments:
                    moment.cancel()

    def _feed(self, settings: PaperSettings, session: Session) -> Feed:
        names = {venue: own for own, venue in settings.pairs.items()}
        seed = self._soak.seed + self._number
        venue = MisbehavingVenue(self._soak.market, self._soak.plan, self._world, names, seed)
        feed = _NotingFeed(
            venue,
            settings=_SPARING,
            clock=self._world,
            uniform=random.Random(seed).random,
            hours=exchange_hours,
            series=venue,
            wanted=dict.fromkeys(names, (FUNDING_RATE,)),
        )
        feed.before = partial(self._note_beginning, session)
        return feed

    def _note_beginning(self, session: Session) -> None:
        facts = {"life": self._number} | asdict(Holding.of(session))
        self._write(self._soak.beginnings_path, facts)

    def _moments(self, engine: Engine) -> Iterator[asyncio.TimerHandle]:
        """What happens to this machine, each at its time."""
        plan, world = self._soak.plan, self._world
        for fault in plan.of("sleep"):
            yield from self._at(
                fault.at_ns, partial(world.sleep_through, fault.until_ns - fault.at_ns)
            )
        for fault in plan.of("own clock"):
            yield from self._at(fault.at_ns, partial(world.set_wall, fault.size_ns))
        if self._death is None:
            yield from self._at(plan.end_ns, engine.stop)
        elif self._death.kind == "kill":
            yield from self._at(self._death.at_ns, lambda: os.write(self._reach, b"."))
        else:
            yield from self._at(self._death.at_ns, _fill_disk)

    def _at(self, true_ns: int, act: Callable[[], object]) -> Iterator[asyncio.TimerHandle]:
        """Act at a time that has not passed; the loop's stands still while the machine sleeps."""
        if true_ns >= self._from_ns:
            slept_ns = sum(
                sleep.until_ns - sleep.at_ns
                for sleep in self._soak.plan.of("sleep")
                if self._from_ns <= sleep.at_ns < true_ns
            )
            wait_ns = true_ns - slept_ns - self._from_ns
            yield asyncio.get_running_loop().call_later(wait_ns / SECOND_NS, act)

    def _passed(self, _now_s: float) -> None:
        self._shared.now_ns = now_ns = self._world.true_ns()
        if self._death is not None and self._death.kind == "kill":
            while now_ns > self._death.at_ns + MINUTE_NS:
                signal.pause()  # the kill is late, as this machine is busy

    def _minute(self, facts: Row) -> None:
        close_ns = facts["close_ns"]
        if close_ns - self._sampled_ns >= HOUR_NS:
            self._sampled_ns = close_ns
            held = {"close_ns": close_ns, "life": self._number, "bytes": resident_bytes()}
            self._write(self._soak.resources_path, held | {"descriptors": open_descriptors()})
        if facts["retraining"]["candidate"] is not None:
            time.sleep(_BESIDE_CANDIDATE_S)

    def _report(self, event: object) -> None:
        self._say(str(event))

    def _say(self, text: str) -> None:
        said = {"now_ns": self._shared.now_ns, "life": self._number, "text": text}
        self._write(self._soak.console_path, said)

    def _write(self, path: Path, facts: Row) -> None:
        with _room():
            append_line(path, json.dumps(facts).encode())


def _fill_disk() -> None:
    """Let no file of this process grow any more."""
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, resource.RLIM_INFINITY))


@contextmanager
def _room() -> Iterator[None]:
    """Let what the soak itself writes grow even when the disk is full."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
