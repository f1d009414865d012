"""Checks the two records of a session, store and journal, against each other.

A transaction is durable in the store before the journal records it, and the journal is durable
before the next transaction. A journal may therefore lack events after a kill or a lost file, and is
completed from the store. A journal that is ahead of its store means the store lost something, and
the session does not resume.
"""

import logging
from collections import Counter
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.runlog import journal

_LOG = logging.getLogger(__name__)
_COUNTED = ("minute", "order", "fill", "trade", "command")


def open_store(folder: PaperFolder) -> PaperStore:
    """Open the store of the session in `folder`, which may be new.

    Raises:
        RunError: it cannot be used, or it is missing although the journal has events of it (then
            no new store is made).
    """
    if not folder.store_path.exists() and folder.last_journaled() is not None:
        raise _store_behind(folder, 0)
    return PaperStore(folder.store_path, exports=[folder.snapshots_path])


def require_own(folder: PaperFolder, store: PaperStore) -> None:
    """Raise RunError if `store` holds an account of other pairs than the session's."""
    saved = store.state()
    session = None if saved is None else saved[1].get("session")
    held = session.get("accounts") if isinstance(session, dict) else None
    pairs = folder.settings().pairs
    if isinstance(held, dict) and held.keys() != pairs.keys():
        raise RunError(
            f"{folder.store_path} belongs to another session: it holds "
            f"{', '.join(held) or 'no pair'}, but this one trades {', '.join(pairs)}. Put back the "
            "right store."
        )


def unjournaled(folder: PaperFolder, store: PaperStore) -> list[Row]:
    """Events that `store` has and the journal lacks, in order.

    Raises:
        RunError: the journal is ahead of the store or belongs to another session.
    """
    last = folder.last_journaled()
    journaled = 0 if last is None else int(last["seq"])
    saved = store.state()
    known = 0 if saved is None else _last_event(folder, saved[1])
    if journaled > known:
        raise _store_behind(folder, known)
    held = list(store.events(max(journaled, 1)))
    if last is not None and held and held[0]["seq"] == journaled:
        if held[0]["event"] != last["event"]:
            raise RunError(
                f"{folder.store_path} and {folder.journal_path.name} belong to different sessions: "
                f"event {journaled} is {held[0]['event']!r} in the store and {last['event']!r} in "
                "the journal. Put back files that belong together, or choose another --run."
            )
        held = held[1:]
    if held and held[0]["seq"] > journaled + 1:
        _LOG.warning(
            "%s lacks events %d to %d, and the store does not have them: the build that wrote them "
            "kept only the last",
            *(folder.journal_path, journaled + 1, held[0]["seq"] - 1),
        )
    return held


def _last_event(folder: PaperFolder, state: Row) -> int:
    found = state.get("event")
    if type(found) is not int:
        raise RunError(f"{folder.store_path} lacks the number of its last event: it is damaged.")
    return found


def _store_behind(folder: PaperFolder, known: int) -> RunError:
    """The error for a journal with events after number `known`, the store's last."""
    counts: Counter[str] = Counter()
    minute: dict[str, Any] = {}
    for event in journal.read(folder.journal_path):
        if journal.number(event) > known:
            counts[str(event["event"])] += 1
            minute = event if event["event"] == "minute" else minute
    store, after = folder.store_path, " after that" if known else ""
    if not store.exists():
        ends = "is gone"
    else:
        ends = f"ends at event {known}" if known else "holds no session"
    named = [
        f"{counts[kind]:,} {kind}{'s' * (counts[kind] > 1)}" for kind in _COUNTED if counts[kind]
    ]
    lost = ", ".join(named) or "none of them a trade"
    return RunError(
        f"{store} {ends}, but {folder.journal_path.name} records {counts.total():,} "
        f"events{after}: {lost}{_account_at(minute)}. The file was deleted or an older copy put "
        f"back, or its write-ahead log {store.name}.wal was lost. Put both back as they were "
        "together, or restore a backup with mlx-muzero paper restore FILE NEW_RUN; to start over, "
        "choose another --run."
    )


def _account_at(minute: Row) -> str:
    """The account's state at a journaled minute, as far as it can be read."""
    try:
        open_pairs = [
            f"{pair} {facts['exposure']:+g}"
            for pair, facts in minute["pairs"].items()
            if facts["exposure"]
        ]
        return (
            f"; at {utc_text(minute['close_ns'])} UTC its equity was {minute['equity']:,.2f}, "
            f"with {', '.join(open_pairs) or 'no position'} open"
        )
    except (KeyError, TypeError, ValueError, AttributeError, OverflowError):
        return ""
