"""Captures of an order book become its imbalance, minute by minute."""

import gzip
import json

import pytest

from market_files import MONDAY_NS, refused
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.importers.order_book import OrderBook
from mlx_muzero.timeunits import MILLISECOND_NS as MS
from mlx_muzero.timeunits import MINUTE_NS


def depth(first, last, previous, at_ms, bids=(), asks=()):
    data = {"e": "depthUpdate", "E": at_ms, "s": "BTCUSDT", "U": first, "u": last, "pu": previous}
    return {"stream": "btcusdt@depth@0ms", "data": data | {"b": list(bids), "a": list(asks)}}


def snapshot(last, at_ms=None):
    stamp = {} if at_ms is None else {"E": at_ms}
    levels = {"bids": [["99", "3"], ["98", "1"]], "asks": [["100", "1"], ["101", "3"]]}
    return {"lastUpdateId": last, **levels, **stamp}


LAST_MS = MONDAY_NS // MS + 70_000
"""Beyond the last message of a capture of 70 seconds."""


def capture(path, messages):
    with gzip.open(path, "wt") as out:
        for message in messages:
            out.write(f"{MONDAY_NS} {json.dumps(message)}\n")
    return path


def messages(seconds, start_ms=MONDAY_NS // MS, broken_at=None):
    """A snapshot, then a difference a second; from the 10th on there is one more bid of 8."""
    yield depth(1, 5, 0, start_ms + 100, bids=[("1", "1")])
    yield depth(6, 10, 5, start_ms + 200, bids=[("98", "0")])
    yield snapshot(7, start_ms + 300)
    for second in range(1, seconds):
        last = 10 + second
        bids = [("99", "11")] if second == 10 else []
        previous = 999 if second == broken_at else last - 1
        yield depth(last, last, previous, start_ms + 1000 * second + 500, bids)
        yield {"stream": "btcusdt@bookTicker", "data": {"e": "bookTicker"}}


def test_a_capture_becomes_the_mean_imbalance_of_every_minute(store, tmp_path):
    path = capture(tmp_path / "btc.gz", messages(125))
    report = import_file(store, path)
    assert (report.format, report.symbols) == ("depth-capture", ("BTCUSDT",))
    assert report.inserted == 2
    assert "fewer than 30 seconds in 1 minute, left out" in report.notes[0]
    imbalance = store.load_series("BTCUSDT", "book_imbalance")
    assert imbalance.event_ns.tolist() == [MONDAY_NS, MONDAY_NS + MINUTE_NS]
    # Bids 3 (the level at 98 went) and then 11 against asks of 1 and 3; seconds 1 to 60.
    before, after = (3 - 4) / (3 + 4), (11 - 4) / (11 + 4)
    assert imbalance.value[0] == pytest.approx((10 * before + 50 * after) / 60)
    assert imbalance.value[1] == pytest.approx(after)


def test_after_a_lost_message_the_book_is_unknown(store, tmp_path):
    path = capture(tmp_path / "btc.gz", messages(200, broken_at=70))
    report = import_file(store, path)
    assert report.inserted == 1
    assert "messages are missing in 1 place;" in report.notes[-1]


def test_a_silence_is_not_filled_with_the_last_book(store, tmp_path):
    later = MONDAY_NS // MS + 60_000 * 5
    quiet = [*messages(60), depth(70, 70, 69, later)]
    report = import_file(store, capture(tmp_path / "btc.gz", quiet))
    assert report.inserted == 1


def test_a_book_finds_its_place_after_a_new_snapshot():
    book = OrderBook()
    assert book.imbalance() is None
    book.update(depth(1, 5, 0, 0)["data"])
    book.update(depth(6, 9, 5, 0, bids=[("97", "5")])["data"])
    assert not book.known
    book.snapshot(snapshot(7))
    assert book.best() == (99.0, 100.0)
    assert book.imbalance() == (9 - 4) / (9 + 4)
    book.update(depth(12, 13, 11, 0)["data"])
    assert (book.known, book.breaks) == (False, 1)
    book.snapshot(snapshot(12))
    assert book.imbalance() == 0.0


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("not a message", "not a time and an order book message"),
        (f"{MONDAY_NS} {{" + '"x":' + "[" * 100_000, "not JSON"),
        (f"{MONDAY_NS} {{", "not JSON"),
        (f'{MONDAY_NS} {{"stream": "x@depth", "data": {{}}}}', "not an order book message"),
        (f"{MONDAY_NS} " + json.dumps(depth(1, 2, 0, 1)).replace("BTC", "ETH"), "ETHUSDT"),
        *(
            (f"{MONDAY_NS} " + json.dumps(depth(1, 2, 0, at)), "not an order book message")
            for at in (float("inf"), float("nan"), -1, 10**30)
        ),
        *(
            (f"{MONDAY_NS} " + json.dumps(depth(80, 80, 79, LAST_MS, [level])), reason)
            for level, reason in (
                (("98", "-1"), "invalid level of a book"),
                (("98", "inf"), "invalid level of a book"),
                (("nan", "1"), "invalid level of a book"),
                (("0", "1"), "invalid level of a book"),
                (("98",), "not an order book message"),
            )
        ),
    ],
)
def test_a_damaged_capture_is_refused(store, tmp_path, line, reason):
    path = capture(tmp_path / "btc.gz", messages(70))
    with gzip.open(path, "at") as out:
        out.write(line + "\n")
    refused(store, path, f":{3 + 2 * 69 + 1}: ", reason)
    whole = path.read_bytes()
    cut = tmp_path / "cut.gz"
    cut.write_bytes(whole[: len(whole) // 2])
    refused(store, cut, "cannot be read")
