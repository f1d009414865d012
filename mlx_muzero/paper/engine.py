"""The paper engine: feed -> minutes -> session -> store -> journal, until told to stop.

Start-up and recovery are one path: load the state, push the history, ask the feed for what came
since. All of a session happens in one thread, one input at a time.
"""

import asyncio
import os
import time
from collections.abc import AsyncIterator, Callable, Mapping
from concurrent.futures import TimeoutError as CommandTimeout
from contextlib import suppress
from dataclasses import asdict
from functools import partial

from mlx_muzero.control import ControlServer, Handler
from mlx_muzero.errors import FeedError, MuZeroError, RunError
from mlx_muzero.market.bars import MINUTE_NS
from mlx_muzero.paper.decisions import append_decisions
from mlx_muzero.paper.feed_news import facts_of
from mlx_muzero.paper.feeds.events import BarClosed, ClockJumped, ClockOffset, Event, Stale
from mlx_muzero.paper.feeds.feed import Feed
from mlx_muzero.paper.folder import PaperFolder
from mlx_muzero.paper.minute import Minute, MinuteAssembler
from mlx_muzero.paper.mode import CONSEQUENCES, Command
from mlx_muzero.paper.recorder import Recorder
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import MILLISECOND_NS, PaperSettings
from mlx_muzero.paper.store import PaperStore
from mlx_muzero.paper.transaction import Row, Transaction

_INBOX = 256
_COMMAND_S = 30.0
_SLEEP_NS = MINUTE_NS


class Engine:
    """Runs a session.

    Args:
        folder: of the session, held by this process.
        settings: of it.
        session: fresh; becomes what the store says.
        store: of it.
        recorder: writes to store and journal.
        feed: of the pairs, by the venue's names.
        wall_ns: the time; None for a replay, whose time is that of its bars.
        about: facts of the run for the journal's first event.
        tell: hears of every minute's journal facts.
    """

    def __init__(
        self,
        folder: PaperFolder,
        settings: PaperSettings,
        session: Session,
        store: PaperStore,
        recorder: Recorder,
        feed: Feed,
        wall_ns: Callable[[], int] | None = time.time_ns,
        about: Mapping[str, object] | None = None,
        tell: Callable[[Row], None] = lambda _facts: None,
    ) -> None:
        self._folder, self._settings, self._session = folder, settings, session
        self._store, self._recorder, self._feed = store, recorder, feed
        self._wall_ns, self._about, self._tell = wall_ns, dict(about or {}), tell
        self._symbols = {venue: symbol for symbol, venue in settings.pairs.items()}
        self._newest_ns = 0
        self._arrived_s = 0.0
        self._clock_offset_ms: float | None = None
        self._stopping = asyncio.Event()

    def stop(self) -> None:
        """End the session after what is being done; call it in the engine's thread."""
        self._stopping.set()

    async def run(self) -> None:
        """Trade until the feed ends or `stop`.

        Raises:
            FeedError: the feed cannot go on.
            RunError: store or journal cannot be written.
        """
        self._recover()
        control = self._control()
        try:
            async with self._feed.subscribe(self._first_open_ns()) as events:
                ended = await self._follow(events)
        except FeedError as error:
            self._end("fault", what="feed", reason=str(error), reaction="the engine stops")
            raise
        finally:
            # Not in this thread: a command under way is waiting for it.
            await asyncio.to_thread(control.close)
        if ended:
            self._end("finished")
        else:
            self._end("stopped", reason="asked to stop; positions stay as they are")

    def _now_ns(self) -> int:
        return self._newest_ns if self._wall_ns is None else self._wall_ns()

    def _recover(self) -> None:
        """Become what the store says, and tell the journal that a process begins."""
        session, settings = self._session, self._settings
        resumed = self._recorder.resume(session)
        self._newest_ns = session.last_close_ns
        if resumed:
            needed = {pair: t.observer.history_bars for pair, t in session.traders.items()}
            for bar in self._store.recent_bars(needed):
                session.traders[bar.pair].observer.push(bar)
        timing = settings.timing
        self._assembler = MinuteAssembler(
            list(session.traders),
            session.begin_ns,
            round(timing.max_bar_age_ms * MILLISECOND_NS),
            round(timing.grace_ms * MILLISECOND_NS),
        )
        begun = Transaction(session.last_close_ns)
        begun.tell(
            "paper_started",
            **self._about,
            pairs=list(session.traders),
            actions=list(session.table.action_names),
            feed=settings.session.feed,
            backend=session.planner.backend,
            backend_wanted=settings.session.backend,
            simulations=settings.session.simulations,
            notional=settings.account.notional,
            limits=asdict(settings.risk),
            resumed=resumed,
            pid=os.getpid(),
        )
        self._recorder.record(session, begun)
        # What was lost while it was loaded. A replay that begins has no time yet to count a
        # cooldown from: its first plan tells.
        for trouble in session.planner.troubles() if self._now_ns() else ():
            self._recorder.record(session, session.fault("evaluator", trouble, self._now_ns()))

    def _first_open_ns(self) -> dict[str, int | None]:
        """The first bar wanted of each pair: the one after the last, or the history before."""
        wanted: dict[str, int | None] = {}
        for symbol, venue in self._settings.pairs.items():
            trader = self._session.traders[symbol]
            if trader.observer.last_open_ns is not None:
                wanted[venue] = trader.observer.last_open_ns + MINUTE_NS
            elif self._wall_ns is None:
                wanted[venue] = None
            else:
                # Quiet minutes have no bar: twice the time gives the bars that are needed.
                wanted[venue] = self._now_ns() - 2 * trader.observer.history_bars * MINUTE_NS
        return wanted

    async def _follow(self, events: AsyncIterator[Event]) -> bool:
        """Take what the feed brings; True if it ended by itself."""
        inbox: asyncio.Queue[Event | BaseException | None] = asyncio.Queue(_INBOX)
        pump = asyncio.create_task(_pump(events, inbox))
        stopping = asyncio.create_task(self._stopping.wait())
        try:
            while True:
                item = await self._next(inbox, stopping)
                if self._stopping.is_set():
                    return False
                if isinstance(item, BaseException):
                    raise item
                if isinstance(item, _Overdue):
                    self._take(self._assembler.flush())
                elif item is None:
                    self._take(self._assembler.flush())
                    return True
                else:
                    self._hear(item)
        finally:
            for task in (pump, stopping):
                task.cancel()
            await asyncio.gather(pump, stopping, return_exceptions=True)

    async def _next(
        self, inbox: "asyncio.Queue[Event | BaseException | None]", stopping: "asyncio.Task[bool]"
    ) -> "Event | BaseException | _Overdue | None":
        """What comes next; `_Overdue` when a minute's grace is up first."""
        if not inbox.empty():
            return inbox.get_nowait()
        due_ns = self._assembler.due_ns
        timeout_s = None
        if due_ns is not None and self._wall_ns is not None:
            timeout_s = max(due_ns - self._now_ns(), 0) / 1e9
        coming = asyncio.create_task(inbox.get())
        await asyncio.wait(
            [coming, stopping], timeout=timeout_s, return_when=asyncio.FIRST_COMPLETED
        )
        if coming.done():
            return coming.result()
        coming.cancel()
        with suppress(asyncio.CancelledError):
            await coming
        return _Overdue()

    def _hear(self, event: Event) -> None:
        if isinstance(event, BarClosed):
            bar = event.bar
            self._arrived_s = time.perf_counter()
            self._take(self._assembler.offer(self._symbols[bar.pair], bar))
            return
        if isinstance(event, ClockOffset):
            self._clock_offset_ms = event.offset_ns / MILLISECOND_NS
        news = Transaction(self._session.last_close_ns)
        news.tell("feed", **facts_of(event, self._symbols))
        if isinstance(event, ClockJumped) and event.whose == "local" and event.jump_ns > _SLEEP_NS:
            news.tell(
                "hole",
                from_ns=self._session.last_close_ns,
                to_ns=self._now_ns(),
                reason=f"this machine slept or its clock was set {event.jump_ns // MINUTE_NS} "
                "minutes ahead; bars of that time are not traded on",
            )
        self._recorder.record(self._session, news)
        if isinstance(event, Stale):
            self._miss(event)

    def _miss(self, event: Stale) -> None:
        symbol = self._symbols[event.pair]
        why = f"the feed is silent for {event.silent_ns / MINUTE_NS:.1f} minutes"
        self._session.stale(symbol, why)
        self._assembler.silence(symbol)
        if self._session.all_stale:
            fault = self._session.fault("feed", "no pair has bars", self._now_ns())
            self._recorder.record(self._session, fault)

    def _take(self, minutes: list[Minute]) -> None:
        for minute in minutes:
            arrivals = (bars[-1].arrival_time_ns for bars in minute.bars.values())
            self._newest_ns = max(self._newest_ns, *arrivals)
            self._decide(minute)

    def _decide(self, minute: Minute) -> None:
        session = self._session
        transaction, decided = session.step(minute, self._now_ns, self._arrived_s)
        told = [facts for name, facts in transaction.events if name == "minute"]
        made_s = time.perf_counter()

        def committed() -> None:
            # Orders count once they are durable.
            now_s = time.perf_counter()
            for facts in told:
                facts["clock_offset_ms"] = self._clock_offset_ms
                latency = facts["latency_ms"]
                latency["orders"] = latency.get("orders", 0.0) + 1e3 * (now_s - made_s)
                latency["total"] = 1e3 * (now_s - self._arrived_s)

        self._recorder.record(session, transaction, committed)
        decisions = self._folder.decisions_path
        with self._folder.writing(decisions):
            append_decisions(decisions, session.table, minute.close_ns, decided)
        for facts in told:
            self._tell(facts)

    def _control(self) -> ControlServer:
        loop = asyncio.get_running_loop()
        handlers: dict[str, Handler] = {
            name: partial(self._commanded, name, loop) for name in CONSEQUENCES
        }
        return ControlServer(self._folder.socket_path, handlers)

    def _commanded(self, name: Command, loop: asyncio.AbstractEventLoop) -> str:
        """In the control server's thread: have the engine's do it, and wait until it is durable."""
        done = asyncio.run_coroutine_threadsafe(self._command(name), loop)
        try:
            return done.result(_COMMAND_S)
        except CommandTimeout as error:
            raise RunError(f"{name} was not done in {_COMMAND_S:g} s; it still may be") from error

    async def _command(self, name: Command) -> str:
        self._recorder.record(self._session, self._session.command(name, self._now_ns()))
        return CONSEQUENCES[name]

    def _end(self, event: str, **facts: object) -> None:
        last = Transaction(self._session.last_close_ns)
        last.tell(event, **facts)
        self._recorder.record(self._session, last)


class _Overdue:
    """A minute's grace is up."""


async def _pump(
    events: AsyncIterator[Event], inbox: "asyncio.Queue[Event | BaseException | None]"
) -> None:
    try:
        async for event in events:
            await inbox.put(event)
        await inbox.put(None)
    except MuZeroError as error:
        await inbox.put(error)
