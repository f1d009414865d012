"""No version of a book that ccxt announces is lost, whoever waits for it."""

from types import SimpleNamespace

import pytest

from mlx_muzero.venues.ccxt_books import NotedBooks
from mlx_muzero.venues.source import Unavailable

PAIR = "BTC/USDT:USDT"


def book(quantity, pair=PAIR):
    return {"symbol": pair, "timestamp": 5, "bids": [[99.0, quantity]], "asks": [[100.0, 1.0]]}


@pytest.fixture
def announced():
    """Books that follow `PAIR`, what announces to them, and what ccxt was told itself."""
    books, told = NotedBooks(), []
    books.follow(PAIR)
    client = SimpleNamespace(resolve=lambda result, _hash: told.append(result))
    for _ in range(2):  # ccxt gives the same client whenever it is asked for one
        books.attach(client)
    return books, lambda result: client.resolve(result, "orderbook"), told


def quantities(versions):
    return [version.bids for version in versions]


def test_every_version_is_taken_once_even_though_ccxt_changes_it_afterwards(announced):
    books, announce, told = announced
    changing = book(1.0)
    announce(changing)
    changing["bids"][0][1] = 2.0
    announce(changing)
    announce(book(7.0, "ETH/USDT:USDT"))
    announce({"symbol": PAIR, "last": 3.0})
    announce([1, 2])
    assert quantities(books.take(PAIR, changing)) == [(1.0,), (2.0,)]
    assert len(told) == 5
    # Where an exchange announces nothing that is known as the pair's, the newest version counts.
    assert quantities(books.take(PAIR, book(4.0))) == [(4.0,)]


def test_a_version_that_is_none_fails_once(announced):
    books, announce, _ = announced
    announce(book(1.0))
    announce(book(-1.0))
    with pytest.raises(Unavailable, match="not a price and a quantity"):
        books.take(PAIR, book(1.0))
    announce(book(3.0))
    assert quantities(books.take(PAIR, book(3.0))) == [(3.0,)]
