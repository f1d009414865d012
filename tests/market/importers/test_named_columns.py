"""Text files told by the names of their columns: one example of what each tool writes."""

import gzip

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from market_files import MONDAY_NS, refused, rows, walk, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, detect_format, import_file, parse_columns
from mlx_muzero.market.importers.blocks import line_blocks
from mlx_muzero.market.importers.text import TextSource
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

MT5_HEAD = "<DATE>\t<TIME>\t<OPEN>\t<HIGH>\t<LOW>\t<CLOSE>\t<TICKVOL>\t<VOL>\t<SPREAD>"
OPEN = Choices(stamps="open")


def mt5_rows(n=200, spreads=(12,)):
    lines = rows("%Y.%m.%d\t%H:%M:%S", n, "\t7\t0\t", "\t")
    return [line + str(spreads[i % len(spreads)]) for i, line in enumerate(lines)]


def prices(store, symbol):
    bars = store.load(symbol)
    return [bars.open, bars.high, bars.low, bars.close]


def require_walk(store, symbol, n=200, first_ns=MONDAY_NS):
    bars = store.load(symbol)
    assert bars.open_time_ns.tolist() == [first_ns + i * MINUTE_NS for i in range(n)]
    assert np.array_equal(prices(store, symbol), np.round(walk(n), 3))


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "utf-16-be"])
def test_metatrader_5_bars_carry_their_spread(store, tmp_path, encoding):
    path = tmp_path / "USDJPY_M1.csv"
    text = "\r\n".join([MT5_HEAD, *mt5_rows(spreads=(12, 0))]) + "\r\n"
    bom = b"\xfe\xff" if encoding == "utf-16-be" else b""
    path.write_bytes(bom + text.encode(encoding))
    assert detect_format(path) == "mt5"
    with pytest.raises(DataError, match="does not state its clock"):
        import_file(store, path)
    report = import_file(store, path, clock="UTC+2")
    assert (report.rows, report.rejected_count) == (200, 0)
    assert any("points of 0.001" in note for note in report.notes)
    assert any("columns not used: <VOL>" in note for note in report.notes)
    require_walk(store, "USDJPY", first_ns=MONDAY_NS - 2 * HOUR_NS)
    bars = store.load("USDJPY", extras=EXTRA_COLUMNS)
    assert (bars.volume == 7).all()
    assert np.array_equal(bars.extras["close_ask"][::2], np.round(bars.close[::2] + 0.012, 3))
    assert np.isnan(bars.extras["close_ask"][1::2]).all()
    assert import_file(store, path).already_imported


def test_metatrader_5s_count_from_1970_is_on_the_brokers_clock(store, tmp_path):
    head = ",time,open,high,low,close,tick_volume,spread,real_volume,date"
    day, start = "2021-03-01 00:00:00", MONDAY_NS // 10**9
    lines = [f"{i},{start + 60 * i},{row},7,12,0,{day}" for i, row in enumerate(bare_rows())]
    lines[0] = lines[0].replace(lines[0].split(",")[5], "104.99900000000001")
    path = write(tmp_path / "USDJPY_M1.csv", lines, head)
    assert detect_format(path) == "mt5"
    with pytest.raises(DataError, match="does not state its clock"):
        import_file(store, path)
    import_file(store, path, clock="UTC+3")
    bars = store.load("USDJPY", extras=EXTRA_COLUMNS)
    assert bars.open_time_ns[0] == MONDAY_NS - 3 * HOUR_NS
    assert np.array_equal(bars.extras["close_ask"][1:], np.round(bars.close[1:] + 0.012, 3))


HEADED = {
    # tool: file name, first lines, time, delimiter, values after the close
    "tradingview": ("time,open,high,low,close,Volume,MA", "%Y-%m-%dT%H:%M:%SZ", ",", ",7,NaN"),
    "tradingview-unix": ("time,open,high,low,close,Volume", "EPOCH", ",", ",7"),
    "tradingview-offset": ("time,open,high,low,close", "%Y-%m-%dT%H:%M:%S+00:00", ",", ""),
    "oanda-v20": ("time,bid.o,bid.h,bid.l,bid.c", "%Y-%m-%dT%H:%M:%S.000000000Z", ",", ""),
    "dukascopy-node": ("timestamp,open,high,low,close,volume", "EPOCH000", ",", ",7"),
    "cryptodatadownload": (
        "https://www.CryptoDataDownload.com\n"
        "Unix,Open,High,Low,Close,Volume BTC,Volume USDT,tradecount,Symbol",
        "EPOCH000",
        ",",
        ",7,735,3,BTCUSDT",
    ),
    "yfinance": ("Datetime,Open,High,Low,Close,Volume", "%Y-%m-%d %H:%M:%S+00:00", ",", ",0"),
    "yfinance-of-many": (
        "Price,Open,High,Low,Close,Volume\nTicker,A,A,A,A,A\nDatetime,,,,,",
        "%Y-%m-%d %H:%M:%S+00:00",
        ",",
        ",0",
    ),
    "jforex": ("Gmt time,Open,High,Low,Close,Volume", "%d.%m.%Y %H:%M:%S.000", ",", ",7.5"),
    "jforex-local": (
        "Local time,Open,High,Low,Close,Volume",
        "%d.%m.%Y %H:%M:%S.000 GMT+0000",
        ",",
        ",7.5",
    ),
    "two-columns": ("Date;Time;Open;High;Low;Close", "%Y%m%d;%H%M%S", ";", ""),
    "nanoseconds": ("ts\topen\thigh\tlow\tclose", "EPOCH000000000", "\t", ""),
    "microseconds": ("open_time;o;h;l;c;v", "EPOCH000000", ";", ";7"),
    "nanosecond-text": ("timestamp,open,high,low,close", "%Y-%m-%dT%H:%M:00.000000000Z", ",", ""),
    "quoted-lines": ('"ts\topen\thigh\tlow\tclose"', '"%Y-%m-%dT%H:%MZ', "\t", '"'),
    "postgresql": ("time;open;high;low;close", "%Y-%m-%d %H:%M:%S+00", ";", ""),
    "quoted": ('"Date (UTC)","Open","High","Low","Close"', '"%Y-%m-%d %H:%M:%S"', ",", ""),
}


def headed(path, tool, n=200):
    head, stamp, delimiter, tail = HEADED[tool]
    if stamp.startswith("EPOCH"):
        lines = rows("@", n, tail, delimiter)
        seconds = (str(MONDAY_NS // 10**9 + 60 * i) for i in range(n))
        lines = [
            line.replace("@", second + stamp.removeprefix("EPOCH"), 1)
            for line, second in zip(lines, seconds, strict=True)
        ]
    else:
        lines = rows(stamp, n, tail, delimiter)
    return write(path, lines, head)


@pytest.mark.parametrize("tool", HEADED)
def test_columns_are_known_by_their_names(store, tmp_path, tool):
    path = headed(tmp_path / "btcusdt.csv", tool)
    assert detect_format(path) == ("jforex" if "jforex" in tool else "csv")
    report = import_file(store, path, clock="UTC" if tool == "two-columns" else None)
    assert (report.symbols, report.rows, report.rejected_count) == (("BTCUSDT",), 200, 0)
    require_walk(store, "BTCUSDT")


def test_volumes_named_after_coins_are_told_apart_and_the_rest_is_told(store, tmp_path):
    report = import_file(store, headed(tmp_path / "export.csv", "cryptodatadownload"))
    bars = store.load("BTCUSDT", extras=EXTRA_COLUMNS)
    assert (bars.volume == 7).all()
    assert (bars.extras["quote_volume"] == 735).all()
    assert (bars.extras["trades"] == 3).all()
    assert not any("columns not used" in note for note in report.notes)
    report = import_file(store, headed(tmp_path / "ethusdt.csv", "tradingview"))
    assert any("columns not used: MA" in note for note in report.notes)


def test_a_time_without_a_zone_asks_for_its_clock_unless_the_header_names_it(store, tmp_path):
    lines = rows("%Y-%m-%d %H:%M:%S")
    plain = write(tmp_path / "ethusdt.csv", lines, "date,open,high,low,close")
    refused(store, plain, "does not state its clock", "--clock")
    named = write(tmp_path / "btcusdt.csv", lines, "Time (EET),open,high,low,close")
    import_file(store, named)
    assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS - 2 * HOUR_NS
    import_file(store, plain, clock="UTC")
    assert store.load("ETHUSDT").open_time_ns[0] == MONDAY_NS


def test_rows_may_come_in_any_order_and_optional_cells_may_be_blank(store, tmp_path):
    lines = rows("%Y-%m-%dT%H:%MZ", tail=",")
    order = np.random.default_rng(0).permutation(200)
    path = write(tmp_path / "btcusdt.csv", [lines[i] for i in order], "ts,o,h,l,c,volume")
    import_file(store, path)
    require_walk(store, "BTCUSDT")
    assert np.isnan(store.load("BTCUSDT").volume).all()


def test_bars_of_an_hour_are_refused_newest_first_too(store, tmp_path):
    lines = rows("%Y-%m-%dT%H:%MZ", 6000)[::-60]
    refused(store, write(tmp_path / "btcusdt.csv", lines, "ts,o,h,l,c"), "60 minutes apart")


@pytest.mark.parametrize("stamp", ["%d/%m/%Y,%H:%M", "%m/%d/%Y,%H:%M"])
def test_any_later_date_tells_the_day_from_the_month(store, tmp_path, monkeypatch, stamp):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 50_000)
    start = MONDAY_NS + 11 * 24 * HOUR_NS - 100 * MINUTE_NS  # midnight begins the 12th
    head = "Date,Time,Open,High,Low,Close"
    lines = rows(stamp, 200, start=start)
    refused(store, write(tmp_path / "btcusdt.csv", lines, head), "csv:2: its times may be DD/MM")
    lines = rows(stamp, 1600, start=start)
    path = write(tmp_path / "btcusdt.csv", lines, head)
    assert import_file(store, path, clock="UTC").rows == 1600
    assert store.load("BTCUSDT").open_time_ns[[0, -1]].tolist() == [
        start,
        start + 1599 * MINUTE_NS,
    ]


def test_numbers_may_have_a_decimal_comma(store, tmp_path):
    lines = [line.replace(".", ",") for line in rows("%Y-%m-%dT%H:%M:%SZ", delimiter=";")]
    path = write(tmp_path / "btcusdt.csv", lines, "Time;Open;High;Low;Close")
    assert import_file(store, path).rejected_count == 0
    require_walk(store, "BTCUSDT")


@pytest.mark.parametrize("delimiter", ["|", "\t", ";", ","])
def test_columns_are_told_apart_by_any_usual_delimiter(store, tmp_path, delimiter):
    lines = rows("%Y-%m-%dT%H:%M:%SZ", delimiter=delimiter)
    header = delimiter.join(("Time", "Open", "High", "Low", "Close"))
    report = import_file(store, write(tmp_path / "btcusdt.txt", lines, header))
    assert (report.format, report.rows) == ("csv", 200)
    require_walk(store, "BTCUSDT")


def test_unusual_names_are_given_by_name_or_number(store, tmp_path):
    lines = rows("%Y-%m-%dT%H:%M:%SZ")
    path = write(tmp_path / "btcusdt.csv", lines, "Zeit,Erster,Hoch,Tief,Letzter")
    refused(store, path, "unknown format", "--columns time=NAME,open=NAME,high=NAME,low=NAME")
    columns = "time=Zeit,open=Erster,high=hoch,low=4,close=Letzter"
    choices = Choices(columns=tuple(parse_columns(columns).items()))
    report = import_file(store, path, choices=choices)
    assert (report.format, report.rows) == ("csv", 200)
    require_walk(store, "BTCUSDT")
    assert store.imports()[0].accepted == (f"--columns {columns}",)
    bare = write(tmp_path / "ethusdt.csv", lines)
    numbers = parse_columns("time=1,open=2,high=3,low=4,close=5")
    choices = Choices(columns=tuple(numbers.items()))
    assert import_file(store, bare, choices=choices).rows == 200


def test_columns_that_cannot_be_found_say_what_to_do(store, tmp_path):
    path = write(tmp_path / "btcusdt.csv", rows("%Y-%m-%dT%H:%M:%SZ"), "Zeit,Erster,Hoch,Tief,C")
    refused(store, path, "time=Stamp", "--columns", choices=Choices(columns=(("time", "Stamp"),)))
    with pytest.raises(DataError, match="write COLUMN=NAME"):
        parse_columns("time")
    with pytest.raises(DataError, match="a COLUMN is time"):
        parse_columns("date=Zeit")
    unreadable = write(tmp_path / "a.csv", rows("%d %b %Y %H:%M"), "time,open,high,low,close")
    refused(
        store, unreadable, "a.csv:2: the time '01 Mar 2021 00:00' in column time", "write it as"
    )
    refused(store, write(tmp_path / "b.csv", [], "time,open,high,low,close"), "no row follows")
    kraken = write(tmp_path / "xbtusd.csv", rows("1614556800", tail=",1,2"))
    refused(
        store,
        kraken,
        "--columns is for",
        choices=Choices(columns=(("time", "1"),)),
        format_name="kraken",
    )


WORDS = (
    "time date Open high low Close volume symbol <DATE> <SPREAD> 2021-03-01T00:00 01/02/2021"
    ' 00:00:00 1614556800 1.5 1,5 inf "2" x "'
)
cells = st.sampled_from(WORDS.split())


@given(
    st.lists(st.lists(cells, min_size=1, max_size=8), max_size=8), st.sampled_from([",", ";", "\t"])
)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_any_text_is_read_or_refused(tmp_path, table, delimiter):
    head = delimiter.join(("time", "open", "high", "low", "close"))
    path = write(tmp_path / "a.csv", [delimiter.join(row) for row in table], head)
    try:
        source = TextSource.open(path, detect_format(path))
        rows = sum(len(chunk.wall_ns) + chunk.rejected.count for chunk in source.chunks())
    except DataError:
        return
    assert rows <= len(table) + 1


def test_dukascopys_minutes_without_a_tick_are_left_out_and_told(store, tmp_path):
    path = headed(tmp_path / "EURUSD_Candlestick_1_M_BID_01.03.2021-01.03.2021.csv", "jforex")
    lines = path.read_text().splitlines()
    lines[50] = "01.03.2021 00:49:00.000,1.1,1.1,1.1,1.1,0"
    report = import_file(store, write(path, lines))
    assert (report.symbols, report.rows) == (("EURUSD",), 199)
    assert any("1 minutes without a tick" in note for note in report.notes)


def test_dukascopys_ask_file_completes_the_bid(store, tmp_path):
    import_file(store, headed(tmp_path / "EURUSD_1 Min_Bid_2021.03.01_2021.03.02.csv", "jforex"))
    ask = headed(tmp_path / "EURUSD_1 Min_Ask_2021.03.01_2021.03.02.csv", "jforex", 199)
    assert import_file(store, ask).filled == 199


def test_ninjatrader_is_stamped_at_the_close(store, tmp_path):
    path = write(tmp_path / "EURUSD.Last.txt", rows("%Y%m%d %H%M%S", tail=";5", delimiter=";"))
    assert detect_format(path) == "ninjatrader"
    report = import_file(store, path, "EURUSD")
    assert "stamped at the close" in report.clock
    require_walk(store, "EURUSD", first_ns=MONDAY_NS - MINUTE_NS)
    assert (store.load("EURUSD").volume == 5).all()
    import_file(store, path, "USDJPY", choices=OPEN)
    require_walk(store, "USDJPY")


def test_a_damaged_file_of_histdata_is_not_taken_for_ninjatraders(tmp_path):
    lines = rows("%Y%m%d %H%M%S", 200, ";0", ";")
    lines[50] = lines[50][:-8]
    lines[60] = lines[60][:-1] + "7"
    assert detect_format(write(tmp_path / "EURUSD.csv", lines)) == "histdata-ascii"


def test_ninjatraders_ask_file_completes_the_bid(store, tmp_path):
    for side, n in (("Bid", 200), ("Ask", 199)):
        lines = rows("%Y%m%d %H%M%S", n, tail=";5", delimiter=";")
        report = import_file(store, write(tmp_path / f"EURUSD.{side}.txt", lines))
    assert (report.symbols, report.filled) == (("EURUSD",), 199)


def test_kraken_has_no_header(store, tmp_path):
    lines = [f"{MONDAY_NS // 10**9 + 60 * i},{row},2.5,3" for i, row in enumerate(bare_rows())]
    path = write(tmp_path / "XBTUSD_1.csv", lines)
    assert detect_format(path) == "kraken"
    import_file(store, path, "BTCUSD")
    require_walk(store, "BTCUSD")
    bars = store.load("BTCUSD", extras=EXTRA_COLUMNS)
    assert (bars.volume == 2.5).all()
    assert (bars.extras["trades"] == 3).all()


def bare_rows(n=200):
    return [row[1:] for row in rows("", n)]


@pytest.mark.parametrize("break_", ["", "\n  "])
@pytest.mark.parametrize("ending", ["json", "json.gz"])
def test_freqtrades_json(store, tmp_path, monkeypatch, ending, break_):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 999)
    lines = [f"[{MONDAY_NS // 10**6 + 60000 * i},{row},7.0]" for i, row in enumerate(bare_rows())]
    text = f"[{break_}" + f",{break_}".join(lines) + "]"
    path = tmp_path / f"BTC_USDT_USDT-1m-futures.{ending}"
    path.write_bytes(gzip.compress(text.encode()) if ending == "json.gz" else text.encode())
    assert detect_format(path) == "freqtrade-json"
    report = import_file(store, path)
    assert (report.symbols, report.rows, report.rejected_count) == (("BTCUSDT",), 200, 0)
    require_walk(store, "BTCUSDT")


def zstd(data):
    arrow = pytest.importorskip("pyarrow")
    return arrow.compress(data, codec="zstd", asbytes=True)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_packed_text(store, tmp_path, ending, pack):
    plain = headed(tmp_path / "btcusdt.csv", "tradingview")
    path = tmp_path / f"btcusdt.csv.{ending}"
    path.write_bytes(pack(plain.read_bytes()))
    seen = []
    report = import_file(store, path, progress=lambda done, total: seen.append(done / total))
    assert (report.format, report.rows) == ("csv", 200)
    assert seen[-1] == 1.0
    require_walk(store, "BTCUSDT")
    torn = tmp_path / f"ethusdt.csv.{ending}"
    torn.write_bytes(pack(plain.read_bytes())[:-30])
    with pytest.raises(DataError, match=r"ethusdt.csv.*(cannot be read|rows)"):
        import_file(store, torn)


@pytest.mark.parametrize(("ending", "pack"), [("gz", gzip.compress), ("zst", zstd)])
def test_a_packed_file_that_grows_beyond_measure_is_not_read_to_its_end(
    tmp_path, monkeypatch, ending, pack
):
    monkeypatch.setattr("mlx_muzero.untrusted.expansion.SMALL", 1 << 20)
    bomb = tmp_path / f"btcusdt.csv.{ending}"
    bomb.write_bytes(pack(b"\n" * (9 << 20)))
    with pytest.raises(DataError, match="as no bars do"):
        list(line_blocks(bomb))
