"""Every version of the order books that ccxt keeps, in order.

ccxt changes its book with every message and hands it to whoever waits at that moment. If several
messages come at once, as they do to a busy process, the versions between them would be lost. So
each version is noted when ccxt announces it to those who wait.
"""

from collections import deque
from collections.abc import Callable, Mapping
from typing import Any

from mlx_muzero.venues.ccxt_series import book_top
from mlx_muzero.venues.order_book import BookTop
from mlx_muzero.venues.source import Unavailable

_MOST = 10_000


class NotedBooks:
    """The versions of books that were announced and have not been taken yet."""

    def __init__(self) -> None:
        self._noted: dict[str, deque[BookTop | Unavailable]] = {}  # by pair

    def follow(self, pair: str) -> None:
        """Note the versions of the book of `pair` from now on."""
        self._noted[pair] = deque(maxlen=_MOST)

    def take(self, pair: str, newest: Any) -> list[BookTop]:
        """The versions of the book of `pair` that were not taken yet; at least `newest`.

        Raises:
            Unavailable: one of them is not an order book.
        """
        noted = self._noted[pair]
        versions = list(noted) or [book_top(newest)]
        noted.clear()
        for version in versions:
            if isinstance(version, Unavailable):
                raise version
        return [version for version in versions if isinstance(version, BookTop)]

    def attach(self, client: Any) -> None:
        """Note what `client`, one of ccxt's websocket clients, announces."""
        if not isinstance(client.resolve, _Noting):
            client.resolve = _Noting(client.resolve, self._note)

    def _note(self, result: Any) -> None:
        pair = result.get("symbol") if isinstance(result, Mapping) and "bids" in result else None
        if pair in self._noted:
            try:
                self._noted[pair].append(book_top(result))
            except Unavailable as failure:
                self._noted[pair].append(failure)


class _Noting:
    """ccxt's ``Client.resolve``, which also tells of the result."""

    def __init__(self, resolve: Callable[..., Any], note: Callable[[Any], None]) -> None:
        self._resolve, self._note = resolve, note

    def __call__(self, result: Any, message_hash: Any) -> Any:
        self._note(result)
        return self._resolve(result, message_hash)
