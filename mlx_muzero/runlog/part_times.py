"""How long parts were worked on: windows of a walk-forward, trials of a sweep."""

from pathlib import Path

from mlx_muzero.runlog.journal import Journal, read


class PartTimes:
    """Times of numbered parts in a journal.

    Args:
        journal: the journal.
        part: what a part is called; its events are ``PART_trained``.
    """

    def __init__(self, journal: Path, part: str) -> None:
        self._journal, self._part = journal, part
        self._event = f"{part}_trained"

    def left(self, number: int, limit: float | None) -> float | None:
        """Minutes of `limit` that are left for a part; None without a limit, 0 when done."""
        used = 0.0
        for event in read(self._journal) if self._journal.exists() else ():
            if event["event"] != self._event or event[self._part] != number:
                continue
            if event["finished"]:
                return 0.0
            used += event["minutes"]
        return None if limit is None else max(limit - used, 0.0)

    def add(self, number: int, minutes: float, *, finished: bool) -> None:
        """Record that a part was worked on for `minutes`, to its end or not."""
        facts = {self._part: number, "minutes": minutes, "finished": finished}
        Journal(self._journal).append(self._event, **facts)
