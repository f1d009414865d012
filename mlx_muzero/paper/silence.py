"""Tracks pairs without bars, and stops entries while no pair has any."""

from collections.abc import Iterable

from mlx_muzero.paper.minute import Minute
from mlx_muzero.paper.mode import Mode

_STOP, _REASON = "stale", "every pair is stale"


class Silence:
    """Which pairs are silent, and why.

    Args:
        pairs: the session's pairs.
        mode: the session's mode; entries stop while all traded pairs are silent.
    """

    def __init__(self, pairs: Iterable[str], mode: Mode) -> None:
        self._pairs, self._mode = frozenset(pairs), mode
        self._why: dict[str, str] = {}

    @property
    def all(self) -> bool:
        """Whether none of the traded pairs has bars."""
        traded = self._pairs - self._mode.excluded.keys()
        return bool(traded) and traded <= self._why.keys()

    def why(self, pair: str) -> str | None:
        """What the feed reported about `pair`, if its bars are missing."""
        return self._why.get(pair)

    def miss(self, pair: str, why: str) -> None:
        """Record that bars of `pair` are missing."""
        self._why[pair] = why
        self.stop()

    def hear(self, pair: str) -> None:
        """Record that a bar of `pair` arrived, however late."""
        self._why.pop(pair, None)

    def take(self, minute: Minute, known_ns: int) -> None:
        """Stop entries if no bar of a minute is fresh, unless it closed by `known_ns`.

        Historical bars, or a pair's backlog after the others' bars, make nothing stale.
        """
        if minute.fresh:
            self._mode.lift(_STOP)
        elif minute.close_ns > known_ns:
            self._mode.stop(_STOP, _REASON, None)

    def stop(self) -> None:
        """Stop entries if all pairs are silent."""
        if self.all:
            self._mode.stop(_STOP, _REASON, None)
