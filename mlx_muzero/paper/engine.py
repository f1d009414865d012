"""The paper engine: feed -> minutes -> session -> store -> journal, until it is stopped.

Start-up and recovery share one path: load the state, push the history, ask the feed for what has
happened since. Everything in a session happens in one thread, one input at a time.
"""

import asyncio
import os
import shutil
import time
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import suppress
from dataclasses import asdict, replace

from mlx_muzero import __version__
from mlx_muzero.errors import FeedError, MuZeroError, RunError, StorageError
from mlx_muzero.numerics import numerics
from mlx_muzero.paper.commands import Commands
from mlx_muzero.paper.companion import Companion, NoCompanion
from mlx_muzero.paper.decision_recording import append_decisions
from mlx_muzero.paper.feed_facts import facts_of
from mlx_muzero.paper.feeds.console_lines import ConsoleLines
from mlx_muzero.paper.feeds.events import (
    BarClosed,
    BarRevised,
    ClockOffset,
    ClockTrusted,
    Event,
    LiveBar,
    PairLost,
    SeriesPoints,
    Slept,
    Stale,
)
from mlx_muzero.paper.feeds.feed import KNOWN_BARS, After, Feed, FirstBar, MinutesAgo
from mlx_muzero.paper.feeds.status import FeedStatus
from mlx_muzero.paper.minute import Minute, MinuteAssembler
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.recorder import PULSE_S, Recorder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.paper.retraining.retraining import Retraining
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.processes.supervision import Fault, Supervisor
from mlx_muzero.runlog.control import ControlServer
from mlx_muzero.timeunits import MILLISECOND_NS, MINUTE_NS

_INBOX = 256
_SLEEP_NS = MINUTE_NS
_FAULT_REACTION = (
    "the engine ends; entries stop until the cooldown is over, positions stay as they are"
)


class Engine:
    """Runs a session.

    Args:
        folder: the session's folder, locked by this process.
        settings: the session's settings.
        session: a new session, which takes on the state found in the store.
        store: the session's store.
        recorder: writes to store and journal.
        feed: delivers the pairs, under the venue's names.
        now_ns: returns the venue's time; None for a replay, which takes the time from its bars.
        about: facts about the run for the journal's first event.
        tell: receives the journal facts of every minute.
        say: receives text that someone at the console should see at once.
        companion: what runs next to the session.
        retraining: trains candidates, one of which may take over; None: nothing does.
    """

    def __init__(
        self,
        folder: PaperFolder,
        settings: PaperSettings,
        session: Session,
        store: PaperStore,
        recorder: Recorder,
        feed: Feed,
        now_ns: Callable[[], int] | None,
        about: Mapping[str, object] | None = None,
        tell: Callable[[Row], None] = lambda _facts: None,
        say: Callable[[str], None] = lambda _text: None,
        companion: Companion | None = None,
        retraining: Retraining | None = None,
    ) -> None:
        self._retraining = retraining
        self._companion = NoCompanion() if companion is None else companion
        self._folder, self._settings, self._session = folder, settings, session
        self._store, self._recorder, self._feed = store, recorder, feed
        self._venue_ns, self._about, self._tell, self._say = now_ns, dict(about or {}), tell, say
        self._symbols = {venue: symbol for symbol, venue in settings.pairs.items()}
        self._status, self._words = FeedStatus(self._symbols), ConsoleLines(self._symbols)
        self._newest_ns = 0
        self._known: dict[str, tuple[LiveBar, ...]] = {}  # by pair, of the process before
        self._arrived_s = 0.0
        self._clock_offset_ms: float | None = None
        self._called = asyncio.Event()  # set when there is something to do
        self._stopping, self._stopped_by = False, ""
        self._supervisor = Supervisor(lambda _fault: self._call())

    def stop(self, by: str = "command") -> None:
        """End the session after the current step, `by` a command or signal; in this thread."""
        self._stopping, self._stopped_by = True, by
        self._called.set()

    async def run(self) -> bool:
        """Trade until the feed ends or `stop` is called; return True if the feed ended.

        Raises:
            FeedError: the feed cannot continue.
            RunError: store or journal cannot be written.
            Exception: any other failure of a part of the engine, after it was written to the
                journal and entries were stopped until the cooldown is over.
        """
        self._loop = asyncio.get_running_loop()
        self._companion.start(self._supervisor, self._note)
        unjournaled: Exception | None = None
        try:
            return await self._trade()
        except (RunError, StorageError) as error:
            unjournaled = error  # the next start recovers as after a kill
            raise
        finally:
            # Not in this thread: what it still has to note comes through the loop.
            await asyncio.to_thread(self._companion.close, unjournaled)
            if self._retraining is not None:
                await asyncio.to_thread(self._retraining.close)

    async def _trade(self) -> bool:
        """Trade as `run` does, from the recovery to the last event."""
        self._recover()
        shutil.rmtree(self._folder.snapshots_path, ignore_errors=True)  # left by a killed process
        commands = Commands(
            *(self._folder, self._store, self._session, self._recorder),
            *(self._now_ns, self.stop, self._supervisor),
        )
        handlers = commands.handlers(self._loop)
        control = ControlServer(self._folder.socket_path, handlers, self._supervisor)
        try:
            async with self._feed.subscribe(self._first_open_ns()) as events:
                ended = await self._follow(events)
            # Not in this thread: a command in progress is waiting for it.
            await asyncio.to_thread(control.close)
            self._supervisor.check()  # that command may have failed
        except Exception as error:
            if not isinstance(error, RunError | StorageError):  # else nothing can be journaled
                self._fail(error)
            raise
        finally:
            await asyncio.to_thread(control.close)
        if ended:
            self._end("finished")
        else:
            asked = "asked to stop; positions stay as they are"
            self._end("stopped", reason=asked, by=self._stopped_by)
        return ended

    def _note(self, event: str, facts: Row, text: str) -> None:
        """Journal an event and say `text`, from any thread; not once the session has ended."""

        def record() -> None:
            note = Transaction(self._session.last_close_ns)
            note.tell(event, **facts)
            try:
                self._record(note)
            except Exception as error:
                self._supervisor.report("journal", error)

        self._say(text)
        with suppress(RuntimeError):  # the loop has ended
            self._loop.call_soon_threadsafe(record)

    def _now_ns(self) -> int:
        return self._newest_ns if self._venue_ns is None else self._venue_ns()

    def _recover(self) -> None:
        """Restore the state from the store, and record the start of a process in the journal."""
        session, settings = self._session, self._settings
        resumed = self._recorder.resume(session)
        self._newest_ns = session.last_close_ns
        if resumed:
            needed = {pair: t.observer.history_bars for pair, t in session.traders.items()}
            for pair, bars in self._store.recent_bars(needed).items():
                for bar in bars:
                    session.traders[pair].observer.push(bar)
                if newest := bars[-KNOWN_BARS:]:
                    self._known[pair] = session.corrections.applied(pair, newest)
        self._assembler = self._new_assembler()
        begun = Transaction(session.last_close_ns)
        begun.tell(
            "paper_started",
            **self._about,
            pairs=list(session.traders),
            actions=list(session.table.action_names),
            feed=settings.session.feed,
            backend=session.planner.backend,
            backend_wanted=settings.session.backend,
            root_backend=session.planner.root_backend,
            precision=session.planner.precision,
            numerics=numerics(session.planner.precision),
            simulations=settings.session.simulations,
            notional=settings.account.notional,
            limits=asdict(settings.risk),
            resumed=resumed,
            pid=os.getpid(),
            version=__version__,
            pulse_s=PULSE_S,
        )
        self._record(begun)
        # What failed while the state was loaded. A new replay has no time yet to count a cooldown
        # from, so its first plan reports this instead.
        for trouble in session.planner.troubles() if self._now_ns() else ():
            self._record(session.fault("evaluator", trouble, self._now_ns()))

    def _new_assembler(self) -> MinuteAssembler:
        timing = self._settings.timing
        return MinuteAssembler(
            list(self._session.traders),
            self._session.begin_ns,
            round(timing.max_bar_age_ms * MILLISECOND_NS),
            round(timing.grace_ms * MILLISECOND_NS),
        )

    def _first_open_ns(self) -> dict[str, FirstBar]:
        """The first bar wanted for each pair: the next one, or the start of the history."""
        wanted: dict[str, FirstBar] = {}
        for symbol, venue in self._settings.pairs.items():
            trader = self._session.traders[symbol]
            if known := self._known.get(symbol):
                wanted[venue] = After(tuple(replace(bar, pair=venue) for bar in known))
            elif self._venue_ns is None:
                wanted[venue] = None
            else:
                # Quiet minutes have no bar: twice the time yields enough bars.
                wanted[venue] = MinutesAgo(2 * trader.observer.history_bars)
        return wanted

    async def _follow(self, events: AsyncIterator[Event]) -> bool:
        """Process what the feed delivers; return True if it ended by itself."""
        inbox: asyncio.Queue[Event | None] = asyncio.Queue(_INBOX)
        self._supervisor.task("feed", self._pump(events, inbox))
        self._supervisor.task("pulse", self._recorder.pulse())
        if self._retraining is not None:
            self._retraining.begin(self._supervisor, self._call)
            self._retrain()
        try:
            while not self._stopping:
                await asyncio.sleep(0)  # let commands run even during a backlog
                self._supervisor.check()
                if self._retraining is not None and self._retraining.holds:
                    await self._called.wait()
                    self._called.clear()
                    self._retrain()
                elif inbox.empty():
                    await self._wait()
                elif (event := inbox.get_nowait()) is not None:
                    self._hear(event)
                else:
                    self._take(self._assembler.flush())
                    return True
            return False
        finally:
            await self._supervisor.end()

    async def _pump(
        self, events: AsyncIterator[Event], inbox: "asyncio.Queue[Event | None]"
    ) -> None:
        async for event in events:
            await inbox.put(event)
            self._called.set()
        await inbox.put(None)
        self._called.set()

    async def _wait(self) -> None:
        """Wait until called, or until a minute's grace period is over, which ends that minute."""
        due_ns, timeout_s = self._assembler.due_ns, None
        if due_ns is not None and self._venue_ns is not None:
            timeout_s = max(due_ns - self._now_ns(), 0) / 1e9
        try:
            async with asyncio.timeout(timeout_s):
                await self._called.wait()
        except TimeoutError:
            self._take(self._assembler.flush())
        self._called.clear()

    def _hear(self, event: Event) -> None:
        if isinstance(event, SeriesPoints):
            decided_ns = self._session.last_close_ns
            came, symbol = Transaction(decided_ns), self._named(event.pair)
            self._session.context.take(symbol, event.points, decided_ns, came)
            self._record(came)
            return
        changed = [] if self._venue_ns is None else self._status.apply(event)
        if isinstance(event, BarClosed):
            bar = event.bar
            self._arrived_s = time.perf_counter()
            if changed:
                self._record(self._news(changed))
            self._take(self._assembler.offer(self._symbols[bar.pair], bar))
            return
        if isinstance(event, BarRevised):
            self._session.corrections.note(self._symbols[event.bar.pair], event.bar)
        if isinstance(event, ClockOffset):
            self._clock_offset_ms = event.offset_ns / MILLISECOND_NS
        news = self._news(changed)
        news.tell("feed", **facts_of(event, self._symbols))
        if isinstance(event, Slept) and event.duration_ns > _SLEEP_NS:
            news.tell(
                "hole",
                from_ns=self._session.last_close_ns,
                to_ns=self._now_ns(),
                reason=f"this machine slept {event.duration_ns // MINUTE_NS} minutes; bars from "
                "that time are not traded on",
            )
        self._record(news)
        if text := self._words.of(event):
            self._say(text)
        if isinstance(event, ClockOffset | ClockTrusted) and not self._session.last_close_ns:
            self._begin()
        elif isinstance(event, Stale):
            self._miss(event)
        elif isinstance(event, PairLost):
            self._lose(event)

    def _named(self, venue: str) -> str:
        """Our name of a pair; other names stay."""
        return self._symbols.get(venue, venue)

    def _news(self, changed: list[str]) -> Transaction:
        """The new feed status of the pairs in `changed`."""
        news = Transaction(self._session.last_close_ns)
        for venue in changed:
            status, why = self._status.of(venue)
            news.tell("feed", kind="status", pair=self._symbols[venue], status=status, why=why)
        return news

    def _begin(self) -> None:
        """Start the session now, as the venue's time was not known before."""
        self._session.begin_ns = self._now_ns()
        self._assembler = self._new_assembler()

    def _miss(self, event: Stale) -> None:
        why = f"the feed has been silent for {event.silent_ns / MINUTE_NS:.1f} minutes"
        self._stop_waiting(self._symbols[event.pair], why)

    def _lose(self, event: PairLost) -> None:
        symbol = self._symbols[event.pair]
        if self._session.traders[symbol].observer.last_open_ns is None:
            raise FeedError(event.reason)  # never had a bar: the settings name the pair wrongly
        if symbol in self._session.lost:
            self._say(f"{symbol}: still not traded: {event.reason}")
        self._record(self._session.lose(symbol, event.reason))
        self._stop_waiting(symbol, event.reason)

    def _stop_waiting(self, symbol: str, why: str) -> None:
        """Stop waiting for a pair; if no pair is left, stop entries."""
        self._session.silence.miss(symbol, why)
        self._assembler.silence(symbol)
        if self._session.silence.all:
            self._record(self._session.fault("feed", "no pair has bars", self._now_ns()))

    def _record(
        self, transaction: Transaction, committed: Callable[[], None] = lambda: None
    ) -> None:
        """Make a transaction durable, then report the faults in it."""
        self._recorder.record(self._session, transaction, committed)
        for name, facts in transaction.events:
            if name == "fault":
                self._say(f"fault: {facts['what']}: {facts['reason']}; {facts['reaction']}")

    def _take(self, minutes: list[Minute]) -> None:
        for minute in minutes:
            arrivals = (bars[-1].arrival_time_ns for bars in minute.bars.values())
            self._newest_ns = max(self._newest_ns, *arrivals)
            self._decide(minute)

    def _decide(self, minute: Minute) -> None:
        session = self._session
        transaction, outcome = session.step(minute, self._now_ns, self._arrived_s)
        told = [facts for name, facts in transaction.events if name == "minute"]
        for facts in told:
            facts["clock_offset_ms"] = self._clock_offset_ms
            if self._venue_ns is not None:
                for venue, symbol in self._symbols.items():
                    facts["pairs"][symbol]["feed"] = self._status.of(venue)[0]
        made_s = time.perf_counter()

        def committed() -> None:
            # Orders count only once they are durable.
            now_s = time.perf_counter()
            for facts in told:
                latency = facts["latency_ms"]
                latency["orders"] = latency.get("orders", 0.0) + 1e3 * (now_s - made_s)
                latency["total"] = 1e3 * (now_s - self._arrived_s)

        self._record(transaction, committed)
        decisions = self._folder.decisions_path
        with self._folder.writing(decisions):
            append_decisions(decisions, session.table, minute.close_ns, outcome)
        for facts in told:
            self._tell(facts)
        if (move := session.search.reconsider()) is not None:
            told_of = Transaction(session.last_close_ns)
            told_of.tell("backend_slow" if move.backend is None else "backend_moved", **move.facts)
            self._record(told_of)
            self._say(str(move))
        self._retrain()

    def _retrain(self) -> None:
        """Begin a candidate, or follow the verdict on one, after the orders of a minute."""
        for news, text in () if self._retraining is None else self._retraining.after_minute():
            self._record(news)
            self._say(text)

    def _call(self) -> None:
        """Wake the main loop from any thread."""
        self._loop.call_soon_threadsafe(self._called.set)

    def _fail(self, error: Exception) -> None:
        """Record in the journal what ends the engine, and stop entries.

        The session reverts to the last committed state because a step may have been cut short.
        """
        fault = self._supervisor.fault
        what = fault.what if fault is not None and fault.error is error else "engine"
        reason = str(error) if isinstance(error, MuZeroError) else Fault(what, error).reason
        self._recorder.rewind(self._session)
        self._record(self._session.fault(what, reason, self._now_ns(), _FAULT_REACTION))

    def _end(self, event: str, **facts: object) -> None:
        last = Transaction(self._session.last_close_ns)
        last.tell(event, **facts)
        self._record(last)
