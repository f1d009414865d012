"""Durable before announced: a transaction goes into the store, then its events into the journal.

Events are numbered, and the store keeps them too. The next start writes whatever a kill or a loss
took from the journal, so each event is journaled exactly once. The journal is flushed to disk
before the next commit, and so is as durable as the orders it records.
"""

import asyncio
from collections.abc import Callable

from mlx_muzero.paper.records.cross_check import unjournaled
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.paper.session import Session
from mlx_muzero.runlog.folders import flush
from mlx_muzero.runlog.journal import Journal

PULSE_S = 30.0
"""A session that journals nothing for so long journals that it is alive."""

_STAMPS = ("time", "seq", "market_ns")
"""What is recorded of every event besides its facts: this machine's time, its number, and the end
of the market's last known minute, which in a replay is another time."""

Crash = Callable[[str], None]
"""Called with the name of every point between two durable steps; tests kill the process there."""


class Recorder:
    """Writes what a session does.

    Args:
        folder: the session's folder, locked by this process.
        store: the session's store.
        journal: the session's journal.
        crash: called wherever a kill would hurt most.
    """

    def __init__(
        self,
        folder: PaperFolder,
        store: PaperStore,
        journal: Journal,
        crash: Crash = lambda _point: None,
    ) -> None:
        self._folder, self._store, self._journal, self._crash = folder, store, journal, crash
        self._seq = self._event = 0

    def resume(self, session: Session) -> bool:
        """Start a session, or restore it from the store; True if it existed before.

        Events committed before but missing from the journal are journaled now.

        Raises:
            RunError: the store lost events the journal has, or its state is invalid.
        """
        missing = unjournaled(self._folder, self._store)
        if not self._restore_saved(session):
            self._store.begin(self._state(session))
            return False
        self._journal_events(missing)
        return True

    def rewind(self, session: Session) -> None:
        """Reset `session` to the last commit; what it did since is in no table."""
        self._restore_saved(session)

    def _restore_saved(self, session: Session) -> bool:
        saved = self._store.state()
        if saved is None:
            return False
        self._seq, state = saved
        with self._store.checking_contents():
            session.restore(state["session"])
            self._event = state["event"]
        return True

    def record(
        self,
        session: Session,
        transaction: Transaction,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Commit `transaction` and the state after it, then write its events to the journal.

        `committed` is called in between, and may still add to the facts of events.

        Raises:
            StorageError: the disk is full or cannot be written; nothing committed is lost.
        """
        events = []
        for name, facts in transaction.events:
            self._event += 1
            told = {"event": name, "seq": self._event, "time": self._journal.now()}
            if transaction.close_ns:
                told["market_ns"] = transaction.close_ns
            events.append(told | {"facts": facts})
        self._crash("before the commit")
        self._seq += 1
        self._store.commit(self._seq, transaction, self._state(session), events)
        committed()
        self._crash("after the commit")
        self._journal_events(events)

    async def pulse(self) -> None:
        """Journal ``alive`` whenever nothing else was journaled for `PULSE_S`, forever.

        In the engine's own loop: where that hangs, the pulse stops. These events have no number
        and are in no store, so they may be lost.

        Raises:
            StorageError: the journal cannot be written.
        """
        while True:
            known = self._event
            await asyncio.sleep(PULSE_S)
            if known == self._event:
                with self._folder.writing(self._folder.journal_path):
                    self._journal.append("alive")

    def _state(self, session: Session) -> Row:
        return {"session": session.state(), "event": self._event}

    def _journal_events(self, events: list[Row]) -> None:
        path = self._folder.journal_path
        with self._folder.writing(path):
            began = not path.exists()
            for event in events:
                kept = {name: event[name] for name in _STAMPS if name in event}
                self._journal.append(event["event"], **kept, **event["facts"])
                self._crash("after a line of the journal")
            if events:
                flush(path)
            if began:
                flush(self._folder.path)
