"""What may run next to a session without being part of it, such as its alerts."""

from typing import Protocol

from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.processes.supervision import Supervisor


class Note(Protocol):
    """Journals an event and says a text; may be called from any thread."""

    def __call__(self, event: str, facts: Row, text: str, /) -> None:
        """Journal `event` with `facts`, and say `text`."""


class Companion(Protocol):
    """Runs from the start of an engine to its end, in a thread of its own."""

    def start(self, supervisor: Supervisor, note: Note, /) -> None:
        """Begin, once the session's folder is held; `supervisor` receives faults."""

    def close(self, error: BaseException | None, /) -> None:
        """End, within seconds; `error` ended the engine and is in no journal."""


class NoCompanion:
    """Nothing runs next to the session."""

    def start(self, supervisor: Supervisor, note: Note, /) -> None:
        """See `Companion.start`."""

    def close(self, error: BaseException | None, /) -> None:
        """See `Companion.close`."""
