"""Importing series beside the bars: every format, and what is refused with its line."""

import zipfile

import duckdb
import numpy as np
import pytest

from market_files import MONDAY_NS, refused, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.funding_rates import funding_paid
from mlx_muzero.market.importers import Choices, detect_format, import_file
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.timeunits import MILLISECOND_NS as MS

TRADES_HEAD = (
    "agg_trade_id,price,quantity,first_trade_id,last_trade_id,transact_time,is_buyer_maker"
)
FUNDING_HEAD = "calc_time,funding_interval_hours,last_funding_rate"


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
    read = "accepted: seconds, milliseconds, microseconds or nanoseconds since 1970"
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
    assert ((funding.known_ns - MONDAY_NS) % HOUR_NS).tolist() == [
        0,
        3 * MS,
        6 * MS,
        9 * MS,
    ]
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
