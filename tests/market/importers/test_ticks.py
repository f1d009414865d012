"""Ticks become minute bars of bid and ask, the same in whatever order and blocks they come."""

import numpy as np
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from examples import examples
from market_files import MONDAY_NS, refused, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, detect_format, import_file, parse_columns
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import scratch
from mlx_muzero.market.store.staging import ASK_COLUMNS
from mlx_muzero.market.store.tick_bars import TickBars
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS, SECOND_NS

MS = 10**6


def ticks_of(n=900, seed=0):
    """Times in ms after Monday, bids and asks with five decimals, and volumes, of `n` ticks."""
    rng = np.random.default_rng(seed)
    after_ms = np.cumsum(rng.integers(1, 2000, n))
    after_ms[0] = 0
    # Minutes 5 and 6 have no tick.
    after_ms = after_ms[(after_ms < 300_000) | (after_ms >= 420_000)]
    bid = np.round(1.1 + np.cumsum(rng.normal(0, 2e-5, len(after_ms))), 5)
    ask = np.round(bid + rng.integers(0, 30, len(bid)) * 1e-5, 5)
    return after_ms, bid, ask, np.round(rng.integers(1, 900, len(bid)) * 0.01, 2)


def expected_bars(after_ms, bid, ask, volume):
    """The bars of ticks in time order, computed one tick at a time."""
    minutes = {}
    for ms, *tick in zip(after_ms.tolist(), bid, ask, volume, strict=True):
        minutes.setdefault(ms // 60_000, []).append(tick)
    rows = []
    for minute, inside in minutes.items():
        bids, asks, volumes = zip(*inside, strict=True)
        sides = [(side[0], max(side), min(side), side[-1]) for side in (bids, asks)]
        volume = round(sum(volumes), 6)
        rows.append((MONDAY_NS + minute * MINUTE_NS, *sides[0], volume, *sides[1]))
    return rows


def stored_bars(store, symbol):
    bars = store.load(symbol, extras=ASK_COLUMNS)
    columns = (bars.open_time_ns, bars.open, bars.high, bars.low, bars.close, bars.volume)
    return list(zip(*columns, *bars.extras.values(), strict=True))


def stamp(after_ms, form, shift_ns=0):
    time = np.datetime64(MONDAY_NS + shift_ns + int(after_ms) * MS, "ns").astype("M8[ms]").item()
    milliseconds = f"{time.microsecond // 1000:03d}"
    return time.strftime(form).replace("{ms}", milliseconds)


def epoch_ms(after_ms):
    return MONDAY_NS // MS + int(after_ms)


# tool: file name, format, header, row of (ms after Monday, bid, ask, volume), has it volumes
WRITTEN = {
    "truefx": (
        "ticks (1).csv",
        "truefx",
        None,
        lambda t, b, a, v: f"EUR/USD,{stamp(t, '%Y%m%d %H:%M:%S.{ms}')},{b:.5f},{a:.5f}",
        False,
    ),
    "histdata": (
        "DAT_ASCII_EURUSD_T_202103.csv",
        "histdata-ticks",
        None,
        lambda t, b, a, v: f"{stamp(t, '%Y%m%d %H%M%S{ms}', -5 * HOUR_NS)},{b:.6f},{a:.6f},0",
        False,
    ),
    "jforex": (
        "EURUSD_Ticks_01.03.2021-01.03.2021.csv",
        "ticks",
        "Gmt time,Ask,Bid,AskVolume,BidVolume",
        lambda t, b, a, v: f"{stamp(t, '%d.%m.%Y %H:%M:%S.{ms}')},{a:.17g},{b:.17g},1,{v}",
        True,
    ),
    "jforex-local": (
        "EURUSD_Ticks_01.03.2021-01.03.2021.csv",
        "ticks",
        "Local time,Ask,Bid,AskVolume,BidVolume",
        lambda t, b, a, v: (
            f"{stamp(t, '%d.%m.%Y %H:%M:%S.{ms}', HOUR_NS)} GMT+0100,{a:.5f},{b:.5f},1,{v}"
        ),
        True,
    ),
    "dukascopy-node": (
        "eurusd-tick-2021-03-01-2021-03-02.csv",
        "ticks",
        "timestamp,askPrice,bidPrice,askVolume,bidVolume",
        lambda t, b, a, v: f"{epoch_ms(t)},{a:.5f},{b:.5f},2,{v}",
        True,
    ),
    "binance-bookticker": (
        "EURUSDT-bookTicker-2021-03-01.csv",
        "ticks",
        "update_id,best_bid_price,best_bid_qty,best_ask_price,best_ask_qty"
        ",transaction_time,event_time",
        lambda t, b, a, v: f"{t},{b:.5f},3,{a:.5f},4,{epoch_ms(t)},{epoch_ms(t) + 9}",
        False,
    ),
    "tardis": (
        "binance-futures_quotes_2021-03-01_EURUSDT.csv",
        "ticks",
        "exchange,symbol,timestamp,local_timestamp,ask_amount,ask_price,bid_price,bid_amount",
        lambda t, b, a, v: (
            f"binance-futures,EURUSDT,{epoch_ms(t)}000,{epoch_ms(t)}777,4,{a:.5f},{b:.5f},3"
        ),
        False,
    ),
    "pandas": (
        "eurusd.csv",
        "ticks",
        "timestamp,bid,ask",
        lambda t, b, a, v: (
            stamp(t, "%Y-%m-%d %H:%M:%S" + (".{ms}000" if t % 1000 else "") + "+00:00")
            + f",{b:.5f},{a:.5f}"
        ),
        False,
    ),
}


@pytest.mark.parametrize("tool", WRITTEN)
def test_ticks_become_bars_of_bid_and_ask(store, tmp_path, tool):
    name, format_name, head, row, has_volume = WRITTEN[tool]
    after_ms, bid, ask, volume = ticks_of()
    lines = [row(*tick) for tick in zip(after_ms, bid, ask, volume, strict=True)]
    path = write(tmp_path / name, lines, head)
    assert detect_format(path) == format_name
    report = import_file(store, path)
    (symbol,) = report.symbols
    assert symbol == ("EURUSDT" if "EURUSDT" in name else "EURUSD")
    assert (report.format, report.rejected_count) == (format_name, 0)
    assert any(f"made of {len(lines):,} ticks" in note for note in report.notes)
    expected = expected_bars(after_ms, bid, ask, volume if has_volume else np.ones(len(bid)))
    assert report.rows == len(expected)
    found = stored_bars(store, symbol)
    assert {row[0] for row in found}.isdisjoint({MONDAY_NS + 5 * MINUTE_NS})
    assert found == expected
    assert import_file(store, path).already_imported


def test_a_blank_of_metatrader_5_is_the_price_before(store, tmp_path):
    after_ms, bid, ask, _ = ticks_of(300)
    bid[10:20], ask[14:30] = bid[9], ask[13]
    head = "<DATE>\t<TIME>\t<BID>\t<ASK>\t<LAST>\t<VOLUME>\t<FLAGS>"
    bids = ["" if 10 <= i < 20 else f"{price:.5f}" for i, price in enumerate(bid)]
    asks = ["" if 14 <= i < 30 else f"{price:.5f}" for i, price in enumerate(ask)]
    times = [stamp(t, "%Y.%m.%d\t%H:%M:%S.{ms}", 2 * HOUR_NS) for t in after_ms]
    lines = ["\t".join((*row, "", "", "6")) for row in zip(times, bids, asks, strict=True)]
    path = write(tmp_path / "EURUSD.csv", lines, head)
    with pytest.raises(DataError, match="a ticks file does not state its clock"):
        import_file(store, path)
    assert import_file(store, path, clock="UTC+2").rejected_count == 0
    expected = expected_bars(after_ms, bid, ask, np.ones(len(bid)))
    assert stored_bars(store, "EURUSD") == expected


@pytest.mark.slow
@given(st.permutations(range(40)), st.integers(60, 400))
@examples(8, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_the_order_of_ticks_does_not_matter(tmp_path, monkeypatch, order, block_bytes):
    after_ms = np.arange(40) * 7_001
    _, bid, ask, _ = ticks_of(100)
    lines = [WRITTEN["truefx"][3](after_ms[i], bid[i], ask[i], 0) for i in order]
    path = write(tmp_path / "ticks.csv", lines)
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", block_bytes)
    database = tmp_path / "any.duckdb"
    database.unlink(missing_ok=True)
    with BarStore(database) as store:
        import_file(store, path)
        expected = expected_bars(after_ms, bid[:40], ask[:40], np.ones(40))
        assert stored_bars(store, "EURUSD") == expected


def test_of_ticks_at_the_same_time_the_order_decides(monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.store.tick_bars.BARS_PER_BATCH", 2)
    time_ns = np.array([3, 3, 63, 63, 123]) * SECOND_NS
    bid, lines = np.array([1.0, 2.0, 5.0, 4.0, 7.0]), np.arange(1, 6)
    with scratch(threads=1) as db:
        bars = TickBars(db)
        # The later lines first.
        for rows in (slice(2, 5), slice(0, 2)):
            part = (time_ns[rows], lines[rows], bid[rows], bid[rows] + 1, np.ones(5)[rows])
            bars.add(*part)
        batches = list(bars.batches())
    assert [batch["minute"].tolist() for batch in batches] == [[0, 1], [2]]
    opens, closes = (np.concatenate([b[name] for b in batches]) for name in ("open", "close_ask"))
    assert (opens.tolist(), closes.tolist()) == ([1.0, 5.0, 7.0], [3.0, 5.0, 8.0])


def test_bad_ticks_are_counted_against_the_ticks(store, tmp_path):
    after_ms, bid, ask, volume = ticks_of(2000)
    row = WRITTEN["truefx"][3]
    lines = [row(*tick) for tick in zip(after_ms, bid, ask, volume, strict=True)]
    lines[7] = lines[7].replace(f"{bid[7]:.5f}", "0.00000")
    lines[8] = "EUR/USD,20210301 00:00:61.000,1.1,1.1"
    lines[9] = "EUR/USD,20210301 00:00:09.000,1.1,x"
    lines[10] += ",1"
    path = write(tmp_path / "ticks.csv", lines)
    report = import_file(store, path)
    reasons = {row.line: row.reason for row in report.rejected}
    assert reasons == {
        8: "a price is zero or negative (bid)",
        9: "the time cannot be read (accepted: YYYYMMDD hh:mm:ss.fff)",
        10: "ask is not a number",
        11: "5 fields, expected 4",
    }
    lines[20:60] = [f"{line},1" for line in lines[20:60]]
    with pytest.raises(DataError, match=r"44 of 1,\d\d\d rows are malformed"):
        import_file(store, write(tmp_path / "worse.csv", lines))


def test_ticks_of_another_pair_are_bars_of_their_own(store, tmp_path):
    lines = [WRITTEN["truefx"][3](t * 1000, 1.1, 1.2, 0) for t in range(200)]
    path = write(tmp_path / "ticks.csv", [*lines, lines[-1].replace("EUR/USD", "GBP/USD")])
    assert [(one.symbol, one.rows) for one in import_file(store, path).by_symbol] == [
        ("EURUSD", 4),
        ("GBPUSD", 1),
    ]


def test_ticks_are_not_stamped_at_a_close(store, tmp_path):
    lines = [WRITTEN["truefx"][3](t * 1000, 1.1, 1.2, 0) for t in range(200)]
    path = write(tmp_path / "ticks.csv", lines)
    refused(store, path, "leave --stamps out", choices=Choices(stamps="close"))


def test_columns_of_ticks_are_named(store, tmp_path):
    lines = [f"{epoch_ms(t * 1000)};1,1;1,2" for t in range(200)]
    path = write(tmp_path / "EURUSD.csv", lines, "Zeit;Geld;Brief")
    refused(store, path, "unknown format")
    columns = tuple(parse_columns("time=Zeit,bid=Geld,ask=Brief").items())
    assert import_file(store, path, choices=Choices(columns=columns)).format == "ticks"
    assert stored_bars(store, "EURUSD")[0][1:] == (1.1,) * 4 + (60,) + (1.2,) * 4
    refused_columns = Choices(columns=(("time", "Zeit"), ("bid", "Geld"), ("ask", "Preis")))
    with pytest.raises(DataError, match="--columns time=NAME,bid=NAME,ask=NAME"):
        import_file(store, path, choices=refused_columns)
