"""Pairs that the feed has no bars of, and the stop of entries while there is no other."""

from collections.abc import Iterable

from mlx_muzero.paper.minute import Minute
from mlx_muzero.paper.mode import Mode

_STOP, _REASON = "stale", "every pair is stale"


class Silence:
    """Which pairs are silent, and why.

    Args:
        pairs: of the session.
        mode: of it; has a stop while all pairs that are traded are silent.
    """

    def __init__(self, pairs: Iterable[str], mode: Mode) -> None:
        self._pairs, self._mode = frozenset(pairs), mode
        self._why: dict[str, str] = {}

    @property
    def all(self) -> bool:
        """Whether no pair that is traded has bars."""
        traded = self._pairs - self._mode.excluded.keys()
        return bool(traded) and traded <= self._why.keys()

    def why(self, pair: str) -> str | None:
        """What the feed said of `pair`, if it misses bars."""
        return self._why.get(pair)

    def miss(self, pair: str, why: str) -> None:
        """The feed misses bars of `pair`."""
        self._why[pair] = why
        self.stop()

    def hear(self, pair: str) -> None:
        """A bar of `pair` came, however late."""
        self._why.pop(pair, None)

    def take(self, minute: Minute, known_ns: int) -> None:
        """Stop entries if no bar of a minute is fresh, unless it closed by `known_ns`.

        Bars of the history, or a pair's backlog after the others' bars, make nothing stale.
        """
        if minute.fresh:
            self._mode.lift(_STOP)
        elif minute.close_ns > known_ns:
            self._mode.stop(_STOP, _REASON, None)

    def stop(self) -> None:
        """Stop entries if all are silent."""
        if self.all:
            self._mode.stop(_STOP, _REASON, None)
