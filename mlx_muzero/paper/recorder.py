"""Durable before announced: a transaction goes into the store, then its events into the journal.

The state in the store carries the events of the last transaction, numbered. Whoever starts next
compares them with the journal's last number and writes what a kill left out: each event is
journaled exactly once.
"""

from collections.abc import Callable, Mapping
from typing import Any

from mlx_muzero.journal import Journal
from mlx_muzero.paper.folder import PaperFolder
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.store import PaperStore
from mlx_muzero.paper.transaction import Row, Transaction

Crash = Callable[[str], None]
"""Told the name of every point between two durable steps; a test kills the process there."""


class Recorder:
    """Writes what a session does.

    Args:
        folder: of the session, held by this process.
        store: of it.
        journal: of it.
        crash: told where a kill would hurt most.
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
        """Begin, or go on where the store says a session is; True if it had begun before.

        What the session that was killed had committed and not journaled is journaled now.
        """
        saved = self._store.state()
        if saved is None:
            self._store.begin(self._state(session, []))
            return False
        self._seq, state = saved
        session.restore(state["session"])
        self._event = state["event"]
        self._journal_events(state["events"], after=self._folder.journaled())
        return True

    def rewind(self, session: Session) -> None:
        """Have `session` be as it was last committed: what it did since is in no table."""
        saved = self._store.state()
        if saved is not None:
            self._seq, state = saved
            session.restore(state["session"])
            self._event = state["event"]

    def record(
        self,
        session: Session,
        transaction: Transaction,
        committed: Callable[[], None] = lambda: None,
    ) -> None:
        """Commit `transaction` and the state after it, then tell the journal.

        `committed` is called in between, and may still add to the facts of events.

        Raises:
            RunError: the disk is full or cannot be written; nothing that was committed is lost.
        """
        events = []
        for name, facts in transaction.events:
            self._event += 1
            events.append({"event": name, "seq": self._event, "facts": facts})
        self._crash("before the commit")
        self._seq += 1
        self._store.commit(self._seq, transaction, self._state(session, events))
        committed()
        self._crash("after the commit")
        self._journal_events(events, after=0)

    def _state(self, session: Session, events: list[Row]) -> Row:
        return {"session": session.state(), "event": self._event, "events": events}

    def _journal_events(self, events: list[Mapping[str, Any]] | list[Row], after: int) -> None:
        with self._folder.writing(self._folder.journal_path):
            for event in events:
                if event["seq"] > after:
                    self._journal.append(event["event"], seq=event["seq"], **event["facts"])
                    self._crash("after a line of the journal")
