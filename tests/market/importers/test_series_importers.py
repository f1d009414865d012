"""Importing series beside the bars: every format, and what is refused with its line."""

import gzip
import json
import zipfile

import duckdb
import numpy as np
import pytest

from market_files import MONDAY_NS, write
from mlx_muzero.errors import DataError
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.importers import Choices, detect_format, import_file
from mlx_muzero.market.importers.order_book import OrderBook
from mlx_muzero.market.metrics_labels import misread, misread_note
from mlx_muzero.market.observation.context import funding_paid
from mlx_muzero.market.series import Series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

MS = 10**6
TRADES_HEAD = (
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
)
FUNDING_HEAD = "calc_time,funding_interval_hours,last_funding_rate"
METRICS_HEAD = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)


def trade_rows(spot=False, unit=MS):
    """Minute 0: 1 bought (two trades), 3 sold; minute 2: 5 bought."""
    trades = [(0, 1.0, 2, False), (59_999, 3.0, 1, True), (120_000, 5.0, 1, False)]
    rows, trade_id = [], 100
    for number, (after_ms, quantity, count, maker) in enumerate(trades):
        stamp = (MONDAY_NS + after_ms * MS) // unit
        flag = str(maker) if spot else str(maker).lower()
        cells = (number, 50.5, quantity, trade_id, trade_id + count - 1, stamp, flag)
        rows.append(",".join(map(str, (*cells, "True") if spot else cells)))
        trade_id += count
    return rows


def refused(store, path, *parts, **options):
    with pytest.raises(DataError) as error:
        import_file(store, path, **options)
    for part in (str(path), *parts):
        assert part in str(error.value)
    assert store.series() == []
    assert store.imports() == []


@pytest.mark.parametrize(("spot", "unit"), [(False, MS), (True, MS), (True, 1000)])
def test_trades_become_the_takers_share_of_every_minute(store, tmp_path, spot, unit):
    name = "BTCUSDT-aggTrades-2021-03-01"
    rows = trade_rows(spot, unit)
    path = write(tmp_path / f"{name}.csv", rows, None if spot else TRADES_HEAD)
    packed = tmp_path / f"{name}.zip"
    with zipfile.ZipFile(packed, "w") as archive:
        archive.write(path, path.name)
    report = import_file(store, packed)
    assert (report.format, report.symbols) == ("binance-aggtrades", ("BTCUSDT",))
    assert report.series == ("taker_buy_share", "trade_count")
    assert (report.rows, report.inserted) == (3, 4)
    share = store.load_series("BTCUSDT", "taker_buy_share")
    assert share.event_ns.tolist() == [MONDAY_NS, MONDAY_NS + 2 * MINUTE_NS]
    assert (share.known_ns - share.event_ns == MINUTE_NS).all()
    assert share.value.tolist() == [0.25, 1.0]
    assert store.load_series("BTCUSDT", "trade_count").value.tolist() == [3.0, 1.0]
    again = import_file(store, path)
    assert again.already_imported or (again.inserted, again.duplicates) == (0, 4)


def test_trades_are_the_same_whatever_the_size_of_a_block(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 80)
    import_file(store, write(tmp_path / "BTCUSDT-aggTrades-2021-03.csv", trade_rows(), TRADES_HEAD))
    assert store.load_series("BTCUSDT", "taker_buy_share").value.tolist() == [0.25, 1.0]


@pytest.mark.parametrize(
    ("old", "new", "line", "reason"),
    [
        ("3.0", "-3.0", 3, "quantity is not positive"),
        ("3.0", "x", 3, "quantity is not a number"),
        ("true", "maybe", 3, "neither true nor false"),
        ("50.5,5.0", "50.5", 4, "6 fields, expected 7"),
        ("102,102", "102,101", 3, "last trade comes before the first"),
    ],
)
def test_a_damaged_trade_refuses_the_file(store, tmp_path, old, new, line, reason):
    rows = [row.replace(old, new) for row in trade_rows()]
    path = write(tmp_path / "BTCUSDT-aggTrades-2021-03.csv", rows, TRADES_HEAD)
    refused(store, path, f":{line}: ", reason)


def test_a_few_bad_trades_are_left_out_with_their_lines(store, tmp_path):
    rows = [f"{i},50.5,2.0,{i},{i},{MONDAY_NS // MS + 100 * i},false" for i in range(1000)]
    rows[3] = rows[3].replace("2.0", "0.0")
    rows[700] = rows[700].replace("false", "maybe")
    path = write(tmp_path / "BTCUSDT-aggTrades-2021-03.csv", rows, TRADES_HEAD)
    report = import_file(store, path)
    assert (report.rows, report.rejected_count) == (998, 2)
    assert [(r.line, r.reason) for r in report.rejected] == [
        (5, "the quantity is not positive"),
        (702, "is_buyer_maker is neither true nor false"),
    ]
    assert store.load_series("BTCUSDT", "trade_count").value.sum() == 998
    assert store.imports()[0].rejected == 2


def test_what_too_many_bad_rows_refuse_a_switch_takes(store, tmp_path):
    rows = funding_rows()
    rows[1] = "soon,8,0.1"
    path = write(tmp_path / "BTCUSDT-fundingRate-2021-03.csv", rows, FUNDING_HEAD)
    read = "read are: milliseconds or microseconds since 1970"
    refused(store, path, ":3: calc_time is not a time", read, "--skip-bad-rows")
    report = import_file(store, path, choices=Choices(skip_bad_rows=True))
    assert (report.inserted, report.rejected_count) == (2, 1)
    assert store.imports()[0].accepted == ("--skip-bad-rows: 1 rows left out",)


def funding_rows(rates=(0.0001, -0.0002, 0.0003)):
    return [
        f"{(MONDAY_NS + i * 8 * HOUR_NS) // MS + 3 * i},8,{rate:.8f}"
        for i, rate in enumerate(rates)
    ]


def test_funding_keeps_its_jitter_and_a_later_file_adds_to_it(store, tmp_path):
    path = write(tmp_path / "ETHUSDT-fundingRate-2021-03.csv", funding_rows(), FUNDING_HEAD)
    report = import_file(store, path)
    assert (report.format, report.inserted) == ("binance-funding", 3)
    longer = write(tmp_path / "b.csv", funding_rows((0.0001, -0.0002, 0.0003, 0.0)), FUNDING_HEAD)
    report = import_file(store, longer, "ETHUSDT")
    assert (report.inserted, report.duplicates, report.conflicts) == (1, 3, 0)
    funding = store.load_series("ETHUSDT", "funding_rate")
    assert ((funding.known_ns - MONDAY_NS) % HOUR_NS).tolist() == [0, 3 * MS, 6 * MS, 9 * MS]
    assert funding.value.tolist() == [0.0001, -0.0002, 0.0003, 0.0]
    (summary,) = store.series()
    assert (summary.symbol, summary.name, summary.points) == ("ETHUSDT", "funding_rate", 4)


def test_another_feed_under_the_same_name_is_refused(store, tmp_path):
    rates = np.linspace(0.0001, 0.0005, 30)
    import_file(store, write(tmp_path / "a.csv", funding_rows(rates), FUNDING_HEAD), "ETHUSDT")
    other = write(tmp_path / "b.csv", funding_rows(rates + 1e-4), FUNDING_HEAD)
    with pytest.raises(DataError, match="30 of 30 points"):
        import_file(store, other, "ETHUSDT")
    assert np.allclose(store.load_series("ETHUSDT", "funding_rate").value, rates, atol=1e-8)


def test_a_settlement_given_twice_is_kept_once_or_refused(store, tmp_path):
    twice = write(tmp_path / "a.csv", [*funding_rows(), funding_rows()[1]], FUNDING_HEAD)
    report = import_file(store, twice, "BTCUSDT")
    assert (report.inserted, report.duplicates) == (3, 1)
    store.remove("BTCUSDT")
    differing = funding_rows()[1].replace("0.0002", "0.0009")
    path = write(tmp_path / "b.csv", [*funding_rows(), differing], FUNDING_HEAD)
    refused(store, path, ":5: funding_rate", "came before", symbol="BTCUSDT")
    path = write(tmp_path / "c.csv", [*funding_rows(), "soon,8,0.1"], FUNDING_HEAD)
    refused(store, path, ":5: calc_time is not a time", symbol="BTCUSDT")
    refused(store, write(tmp_path / "d.csv", [], FUNDING_HEAD), "no value", symbol="BTCUSDT")


def shifted(rows, ms):
    return [f"{int(row.split(',')[0]) + ms},{row.split(',', 1)[1]}" for row in rows]


@pytest.mark.parametrize("ms", [-9, 3, 20_000])
def test_what_two_sources_stamp_differently_is_one_settlement(store, tmp_path, ms):
    rows = funding_rows()
    import_file(store, write(tmp_path / "a.csv", rows, FUNDING_HEAD), "BTCUSDT")
    first = store.load_series("BTCUSDT", "funding_rate")
    other = write(tmp_path / "b.csv", shifted(rows, ms), FUNDING_HEAD)
    report = import_file(store, other, "BTCUSDT")
    assert (report.inserted, report.duplicates, report.conflicts) == (0, 3, 0)
    both = store.load_series("BTCUSDT", "funding_rate")
    assert both.event_ns.tolist() == first.event_ns.tolist()
    mixed = write(tmp_path / "c.csv", rows + shifted(rows, ms), FUNDING_HEAD)
    report = import_file(store, mixed, "ETHUSDT")
    assert (report.inserted, report.duplicates) == (3, 3)


def test_a_store_that_holds_a_settlement_twice_gives_it_once(tmp_path):
    path = tmp_path / "market.duckdb"
    BarStore(path).close()
    with duckdb.connect(str(path)) as db:
        for at in (MONDAY_NS, MONDAY_NS + 3 * MS):
            db.execute(
                "insert into series select 'BTCUSDT', 'funding_rate', t, t, 0.0003"
                " from (select make_timestamp_ns(?) as t)",
                [at],
            )
    with BarStore(path, read_only=True) as store:
        funding = store.load_series("BTCUSDT", "funding_rate")
        assert store.series()[0].points == len(funding) == 1
    opens = MONDAY_NS + np.arange(-2, 3) * MINUTE_NS
    assert funding_paid(opens, funding).tolist() == [0, 0, 0.0003, 0, 0]


def funding_table(path, rows):
    values = ", ".join(f"('{s}', make_timestamp({ns // 1000}), {rate})" for s, ns, rate in rows)
    columns = "t(symbol, timestamp, funding_rate)"
    duckdb.execute(f"copy (select * from (values {values}) {columns}) to '{path}' (format parquet)")
    return path


def test_funding_of_many_symbols_from_one_table(store, tmp_path):
    rows = [
        ("AUSDT", MONDAY_NS, 0.1),
        ("BUSDT", MONDAY_NS, 0.2),
        ("AUSDT", MONDAY_NS + HOUR_NS, 0.3),
    ]
    path = funding_table(tmp_path / "funding.parquet", rows)
    assert detect_format(path) == "funding-parquet"
    report = import_file(store, path, "BUSDT")
    assert (report.symbols, report.inserted) == (("BUSDT",), 1)
    report = import_file(store, path)
    assert (report.symbols, report.inserted) == (("AUSDT", "BUSDT"), 2)
    assert store.load_series("AUSDT", "funding_rate").value.tolist() == [0.1, 0.3]
    assert import_file(store, path).already_imported
    with pytest.raises(DataError, match="no symbol CUSDT; it holds AUSDT, BUSDT"):
        import_file(store, path, "CUSDT")
    broken = funding_table(tmp_path / "b.parquet", [*rows, ("AUSDT", MONDAY_NS, "null")])
    with pytest.raises(DataError, match=r"row 4: rate is missing; 1 of 4 rows"):
        import_file(store, broken)
    assert import_file(store, broken, choices=Choices(skip_bad_rows=True)).rejected_count == 1


def metrics_rows(symbol="BTCUSDT"):
    return [f"2021-03-01 00:{5 * i:02d}:00,{symbol},{1000 + i}.5,1,1,1,1,1" for i in range(4)]


def test_open_interest_from_metrics(store, tmp_path):
    path = write(tmp_path / "BTCUSDT-metrics-2021-03-01.csv", metrics_rows(), METRICS_HEAD)
    assert import_file(store, path).inserted == 4
    interest = store.load_series("BTCUSDT", "open_interest")
    assert interest.value.tolist() == [1000.5, 1001.5, 1002.5, 1003.5]
    assert np.diff(interest.known_ns).tolist() == [5 * MINUTE_NS] * 3
    assert interest.known_ns[0] == MONDAY_NS


def daily_metrics(path, symbol, first, blank=()):
    """A whole day of rows from `first` on; row i says 1000 + i."""
    start = np.datetime64(first, "s")
    rows = []
    for i in range(288):
        label = str(start + 300 * i).replace("T", " ")
        rows.append(f"{label},{symbol},{'' if i in blank else f'{1000 + i}.5'},1,1,1,1,1")
    return write(path, rows, METRICS_HEAD)


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("symbol", "first", "known"),
    [
        ("BTCUSDT", "2026-06-24T00:05", "2026-06-24T00:05"),
        ("BTCUSDT", "2026-06-25T00:00", "2026-06-25T00:05"),
        ("BTCUSD_PERP", "2025-03-01T00:00", "2025-03-01T00:05"),
        ("BTCUSD_250328", "2025-03-01T00:00", "2025-03-01T00:05"),
        ("BTCUSDT_250328", "2025-03-01T00:05", "2025-03-01T00:05"),
        ("BTCUSDT", "2026-07-01T00:05", "2026-07-01T00:05"),  # changed back, as it shows
    ],
)
def test_metrics_are_known_at_the_end_of_their_five_minutes(store, tmp_path, symbol, first, known):
    path = daily_metrics(tmp_path / f"{symbol}-metrics-{first[:10]}.csv", symbol, first)
    import_file(store, path)
    interest = store.load_series(symbol, "open_interest")
    assert interest.known_ns[0] == interest.event_ns[0] == ns(known)
    assert len(interest) == 288


@pytest.mark.parametrize("step", [1, -1])
def test_a_file_over_the_change_of_labels_is_read_row_by_row(store, tmp_path, step):
    labels = ["24 23:55", "25 00:00", "25 00:00", "25 00:05"]
    rows = [f"2026-06-{at}:00,BTCUSDT,{i}.0,1,1,1,1,1" for i, at in enumerate(labels)]
    import_file(store, write(tmp_path / "m.csv", rows[::step], METRICS_HEAD), "BTCUSDT")
    interest = store.load_series("BTCUSDT", "open_interest")
    start = ns("2026-06-24T23:55")
    assert ((interest.known_ns - start) // MINUTE_NS).tolist() == [0, 5, 10, 15]
    assert interest.value.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("last_end", [["25 00:00:00,BTCUSDT,,1,1,1,1,1"], []])
def test_a_beginning_whose_end_is_blank_or_missing_is_not_known_early(store, tmp_path, last_end):
    rest = [
        f"{at}:00,BTCUSDT,{value},1,1,1,1,1"
        for at, value in (("24 23:55", 0), ("25 00:00", 2), ("25 00:05", 3))
    ]
    rows = [f"2026-06-{row}" for row in (rest[0], *last_end, *rest[1:])]
    path = write(tmp_path / "m.csv", rows, METRICS_HEAD)
    import_file(store, path, "BTCUSDT", choices=Choices(skip_bad_rows=True))
    interest = store.load_series("BTCUSDT", "open_interest")
    assert interest.known_ns.tolist() == [
        ns(f"2026-06-{at}") for at in ("24T23:55", "25T00:05", "25T00:10")
    ]
    assert interest.value.tolist() == [0.0, 2.0, 3.0]


def test_blank_metrics_are_left_out_up_to_ten(store, tmp_path):
    path = tmp_path / "BTCUSDT-metrics-2026-06-24.csv"
    report = import_file(store, daily_metrics(path, "BTCUSDT", "2026-06-24T00:05", range(7, 17)))
    assert (report.rows, report.rejected_count) == (278, 10)
    assert report.rejected[0].reason == "sum_open_interest is blank"
    store.remove("BTCUSDT")
    path = daily_metrics(path, "BTCUSDT", "2026-06-24T00:05", range(11))
    refused(store, path, "11 of 288 rows are malformed")


def test_what_0_1_0_read_too_early_is_told_and_replaced(store, tmp_path):
    day = daily_metrics(tmp_path / "BTCUSDT-metrics-2026-07-01.csv", "BTCUSDT", "2026-07-01T00:00")
    labels = ns("2026-07-01T00:00") + np.arange(288) * 5 * MINUTE_NS
    early = Series.of("BTCUSDT", "open_interest", labels, labels, 1000.5 + np.arange(288))
    ends = (int(labels[0]), int(labels[-1]))
    record = ImportRecord(
        day.name, sha256_of(day), "BTCUSDT", "binance-metrics", "UTC", 288, 0, 0, *ends
    )
    with store.transaction():
        store.write_series(early)
        store.record_import(record)
    assert misread(record)
    assert "BTCUSDT-metrics-2026-07-01.csv (BTCUSDT)" in misread_note(store.imports())
    with pytest.raises(DataError, match="five minutes too early: import it again with --replace"):
        import_file(store, day)
    report = import_file(store, day, choices=Choices(replace=True))
    assert report.replaced == 288
    interest = store.load_series("BTCUSDT", "open_interest")
    assert np.array_equal(interest.known_ns, labels + 5 * MINUTE_NS)
    assert np.array_equal(interest.value, early.value)
    (record,) = store.imports()
    assert misread_note([record]) is None
    assert record.accepted == ("--replace: 288 stored points gave way",)
    assert import_file(store, day).already_imported


def test_metrics_of_another_symbol_or_below_zero_are_refused(store, tmp_path):
    name = tmp_path / "BTCUSDT-metrics-2021-03-01.csv"
    rows = [*metrics_rows()[:2], *metrics_rows("ETHUSDT")[2:]]
    refused(store, write(name, rows, METRICS_HEAD), ":4: the symbol is not BTCUSDT")
    rows = [row.replace("1002.5", "-1002.5") for row in metrics_rows()]
    refused(store, write(name, rows, METRICS_HEAD), ":4: the open interest is negative")


def test_a_macro_figure_is_known_from_its_release(store, tmp_path):
    rows = [
        "2021-01-01,1.4,2021-02-10T13:30:00+00:00",
        "2021-02-01,1.7,2021-03-10T08:30:00-05:00",
        "2021-01-01,1.5,2021-03-10T13:30:00Z",
    ]
    path = write(tmp_path / "cpi.csv", rows, "date,value,release_time")
    report = import_file(store, path)
    assert (report.symbols, report.series, report.inserted) == (("MACRO",), ("cpi",), 3)
    cpi = store.load_series("MACRO", "cpi")
    release = np.array(["2021-02-10T13:30", "2021-03-10T13:30"], "M8[ns]").astype(np.int64)
    known = cpi.as_of(np.array([release[0] - 1, release[0], release[1]]), 10**18)
    assert np.isnan(known[0])
    # Of two figures released together the later month's counts.
    assert known[1:].tolist() == [1.4, 1.7]
    assert import_file(store, path).already_imported
    assert import_file(store, path, "inflation").inserted == 3
    bad = write(tmp_path / "rates.csv", ["2021-01-01,1.4,someday"], "date,value,release_time")
    with pytest.raises(DataError, match=r"rates.csv:2: release_time is not an ISO 8601 time"):
        import_file(store, bad)
    for name in ("funding_rate", "2 words"):
        with pytest.raises(DataError, match="cannot name a macro series"):
            import_file(store, path, name)


def test_a_revision_is_another_point_and_a_release_stamped_twice_is_not(store, tmp_path):
    head, release = "date,value,release_time", "2021-01-01,1.4,2021-02-10T13:30:"
    import_file(store, write(tmp_path / "cpi.csv", [f"{release}00Z"], head))
    again = import_file(store, write(tmp_path / "b.csv", [f"{release}05Z"], head), "cpi")
    assert (again.inserted, again.duplicates) == (0, 1)
    revised = ["2021-01-01,1.5,2021-03-10T13:30:00Z"]
    assert import_file(store, write(tmp_path / "c.csv", revised, head), "cpi").inserted == 1
    assert store.load_series("MACRO", "cpi").value.tolist() == [1.4, 1.5]


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
    assert "1 minutes have fewer than 30 seconds" in report.notes[0]
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
    assert "messages are missing 1 times" in report.notes[-1]


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
        ("not a message", "no time and message"),
        (f"{MONDAY_NS} {{" + '"x":' + "[" * 100_000, "not JSON"),
        (f"{MONDAY_NS} {{", "not JSON"),
        (f'{MONDAY_NS} {{"stream": "x@depth", "data": {{}}}}', "no message of an order book"),
        (f"{MONDAY_NS} " + json.dumps(depth(1, 2, 0, 1)).replace("BTC", "ETH"), "ETHUSDT"),
        *(
            (f"{MONDAY_NS} " + json.dumps(depth(1, 2, 0, at)), "no message of an order book")
            for at in (float("inf"), float("nan"), -1, 10**30)
        ),
        *(
            (f"{MONDAY_NS} " + json.dumps(depth(80, 80, 79, LAST_MS, [level])), reason)
            for level, reason in (
                (("98", "-1"), "no level of a book"),
                (("98", "inf"), "no level of a book"),
                (("nan", "1"), "no level of a book"),
                (("0", "1"), "no level of a book"),
                (("98",), "no message of an order book"),
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
