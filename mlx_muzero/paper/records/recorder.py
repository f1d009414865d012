"""Durable before announced: a transaction goes into the store, then its events into the journal.

Events are numbered, and the store keeps them too. Whoever starts next writes what a kill left out
of the journal, or a loss took from it (`records`): each event is journaled exactly once. It is
flushed to the disk before the next commit, and so is as durable as the orders it tells of.
"""

from collections.abc import Callable

from mlx_muzero.paper.records.cross_check import untold
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row, Transaction
from mlx_muzero.paper.session import Session
from mlx_muzero.runlog.folders import flush
from mlx_muzero.runlog.journal import Journal

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

        What was committed before and is not in the journal is journaled now.

        Raises:
            RunError: the store lost what the journal tells of, or its state is none.
        """
        missing = untold(self._folder, self._store)
        if not self._become_saved(session):
            self._store.begin(self._state(session))
            return False
        self._journal_events(missing)
        return True

    def rewind(self, session: Session) -> None:
        """Have `session` be as it was last committed: what it did since is in no table."""
        self._become_saved(session)

    def _become_saved(self, session: Session) -> bool:
        saved = self._store.state()
        if saved is None:
            return False
        self._seq, state = saved
        with self._store.understood():
            session.restore(state["session"])
            self._event = state["event"]
        return True

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
            told = {"event": name, "seq": self._event, "time": self._journal.now(), "facts": facts}
            events.append(told)
        self._crash("before the commit")
        self._seq += 1
        self._store.commit(self._seq, transaction, self._state(session), events)
        committed()
        self._crash("after the commit")
        self._journal_events(events)

    def _state(self, session: Session) -> Row:
        return {"session": session.state(), "event": self._event}

    def _journal_events(self, events: list[Row]) -> None:
        path = self._folder.journal_path
        with self._folder.writing(path):
            began = not path.exists()
            for event in events:
                kept = {name: event[name] for name in ("time", "seq") if name in event}
                self._journal.append(event["event"], **kept, **event["facts"])
                self._crash("after a line of the journal")
            if events:
                flush(path)
            if began:
                flush(self._folder.path)
