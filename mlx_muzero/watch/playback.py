"""What of a journal is shown: its end as it grows, or any moment of it, at any speed."""

from collections.abc import Callable
from datetime import datetime
from typing import Literal

from mlx_muzero.watch.index import JournalIndex

Mode = Literal["live", "paused", "replay"]
SPEEDS = (1.0, 10.0, 60.0, 300.0, 1800.0, 7200.0)
"""Journal seconds in a second of replay."""


class Playback:
    """Shows the first `position` events of `index`.

    Attributes:
        mode: "live" follows the end, "replay" moves by the journal's own times, "paused" stays.
        position: events shown.
        speed: of a replay.
    """

    def __init__(self, index: JournalIndex, clock: Callable[[], datetime]) -> None:
        self.mode: Mode = "live"
        self.position = len(index)
        self.speed = SPEEDS[2]
        self._index = index
        self._clock = clock
        self._wall = clock()
        self._shown: datetime | None = None

    @property
    def now(self) -> datetime:
        """Live the wall clock; else the moment that is shown."""
        return self._wall if self.mode == "live" or self._shown is None else self._shown

    def advance(self) -> None:
        """Move on by the wall time that passed since the last call."""
        passed, self._wall = self._clock() - self._wall, self._clock()
        if self.mode == "live":
            self.position = len(self._index)
        elif self.mode == "replay" and self._shown is not None:
            self._shown += passed * self.speed
            self._catch_up()

    def live(self) -> None:
        """Follow the end."""
        self.mode, self._shown = "live", None
        self.position = len(self._index)

    def pause(self) -> None:
        """Stay at what is shown."""
        self._hold("paused")

    def replay(self) -> None:
        """Go on from what is shown by the journal's times; from the beginning at its end."""
        if self.position >= len(self._index):
            self.position = min(1, len(self._index))
            self._shown = None
        self._hold("replay")

    def scrub(self, share: float) -> None:
        """Move by a share of the journal, at least one event, and stay there."""
        whole = len(self._index)
        distance = max(1, round(abs(share) * whole))
        moved = self.position + (distance if share > 0 else -distance)
        self.position = min(max(moved, min(1, whole)), whole)
        self._shown = None
        self._hold("paused")

    def change_speed(self, by: int) -> None:
        """To the next higher or lower of `SPEEDS`."""
        place = min(max(SPEEDS.index(self.speed) + by, 0), len(SPEEDS) - 1)
        self.speed = SPEEDS[place]

    def _hold(self, mode: Mode) -> None:
        if self._shown is None:
            self._shown = self._time(self.position - 1) or self._wall
        self.mode, self._wall = mode, self._clock()

    def _catch_up(self) -> None:
        """Show the events whose time has come."""
        whole = len(self._index)
        shown = self._shown
        if shown is None:
            return
        step = 1
        # Galloping: a fast replay passes many events at once.
        while self.position + step <= whole and self._is_past(self.position + step - 1, shown):
            self.position += step
            step *= 2
        while step > 1:
            step //= 2
            while self.position + step <= whole and self._is_past(self.position + step - 1, shown):
                self.position += step
        if self.position >= whole:
            self.mode, self._shown = "paused", self._time(whole - 1) or shown

    def _is_past(self, number: int, shown: datetime) -> bool:
        time = self._time(number)
        return time is None or time <= shown

    def _time(self, number: int) -> datetime | None:
        return self._index.time(number) if 0 <= number < len(self._index) else None
