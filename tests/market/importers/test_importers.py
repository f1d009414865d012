"""Importing files: every format, what is left out and why, and what is refused whole."""

import os
import shutil
import zipfile

import duckdb
import numpy as np
import pytest

from bar_files import BINANCE_HEAD, binance_rows, parquet
from market_files import MONDAY_NS, ascii_file, refused, rows, walk, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import FORMATS, Choices, detect_format, import_file, import_order
from mlx_muzero.market.store.staging import EXTRA_COLUMNS
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS


def test_histdata_ascii_is_read_on_its_own_clock(store, tmp_path):
    report = import_file(store, ascii_file(tmp_path / "DAT_ASCII_USDJPY_M1_2021.csv"))
    assert (report.symbols, report.format) == (("USDJPY",), "histdata-ascii")
    assert (report.rows, report.inserted, report.rejected_count) == (200, 200, 0)
    assert "London local time minus 5 h" in report.clock
    bars = store.load("USDJPY")
    assert bars.open_time_ns[0] == MONDAY_NS + 5 * HOUR_NS
    for found, made in zip((bars.open, bars.high, bars.low, bars.close), walk(200), strict=True):
        assert np.array_equal(found, np.round(made, 3))
    assert np.isnan(bars.volume).all()


def test_the_same_file_again_changes_nothing(store, tmp_path):
    path = ascii_file(tmp_path / "USDJPY.csv")
    import_file(store, path)
    again = import_file(store, shutil.copy(path, tmp_path / "copy.csv"), "usdjpy")
    assert again.already_imported
    assert len(store.load("USDJPY")) == 200
    assert len(store.imports()) == 1
    with pytest.raises(DataError, match="already imported with clock histdata"):
        import_file(store, path, clock="UTC")


def test_histdata_mt_and_mt4_are_told_apart_by_the_volume(store, tmp_path):
    silent = write(tmp_path / "a.csv", rows("%Y.%m.%d,%H:%M", tail=",0"))
    ticks = write(tmp_path / "b.csv", rows("%Y.%m.%d,%H:%M", tail=",12"))
    assert detect_format(silent) == "histdata-mt"
    assert detect_format(ticks) == "mt4"
    import_file(store, ticks, "USDJPY", clock="UTC+2")
    bars = store.load("USDJPY")
    assert bars.open_time_ns[0] == MONDAY_NS - 2 * HOUR_NS
    assert (bars.volume == 12).all()
    with pytest.raises(DataError, match="name it"):
        import_file(store, ticks, "EURUSD")


def test_fxcm_bid_and_ask_files_become_one_set_of_bars(store, tmp_path):
    head = "timestamp,open,high,low,close"
    stamp = "%Y-%m-%d %H:%M:%S+00:00"
    bid = write(tmp_path / "usdjpy-m1-bid-2021.csv", rows(stamp), head)
    ask = write(tmp_path / "usdjpy-m1-ask-2021.csv", rows(stamp, 190, seed=1), head)
    assert import_order([ask, bid]) == [bid, ask]
    with pytest.raises(DataError, match="bid first"):
        import_file(store, ask)
    import_file(store, bid)
    report = import_file(store, ask)
    assert (report.inserted, report.filled) == (0, 190)
    close_ask = store.load("USDJPY", extras=EXTRA_COLUMNS).extras["close_ask"]
    assert np.array_equal(close_ask[:190], walk(190, 1)[3])
    assert np.isnan(close_ask[190:]).all()
    assert np.array_equal(store.load("USDJPY").close, walk(200)[3])
    assert store.symbols()[0].has_ask


def test_one_table_of_bid_and_ask(store, tmp_path):
    lines = [
        f"{row},1.5,3.5,0.5,{1.0 + i / 100}"
        for i, row in enumerate(rows("%Y-%m-%dT%H:%M:%S+01:00"))
    ]
    head = "timestamp,open,high,low,close,open_ask,high_ask,low_ask,close_ask"
    import_file(store, write(tmp_path / "usdjpy.csv", lines, head))
    assert store.load("USDJPY").open_time_ns[0] == MONDAY_NS - HOUR_NS
    assert store.load("USDJPY", extras=EXTRA_COLUMNS).extras["close_ask"][7] == 1.07


@pytest.mark.parametrize("unit", [10**6, 10**3])
@pytest.mark.parametrize("head", [None, BINANCE_HEAD])
def test_binance_klines_with_or_without_header_in_either_unit(store, tmp_path, unit, head):
    path = write(tmp_path / "AVAXUSDT-1m-2021-03.csv", binance_rows(unit=unit), head)
    packed = tmp_path / "AVAXUSDT-1m-2021-03.zip"
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.write(path, path.name)
    report = import_file(store, packed)
    assert (report.symbols, report.rows, report.rejected_count) == (("AVAXUSDT",), 30, 0)
    assert store.load("AVAXUSDT").open_time_ns[0] == MONDAY_NS
    extras = store.load("AVAXUSDT", extras=EXTRA_COLUMNS).extras
    assert (extras["trades"] == 7).all()
    assert (extras["taker_buy_quote_volume"] == 50.125).all()
    with pytest.raises(DataError, match="in UTC"):
        import_file(store, path, "AVAXUSDT", clock="UTC+2")


def test_parquet_of_several_symbols_all_or_one(store, tmp_path):
    path = parquet(tmp_path / "crypto.parquet")
    one = import_file(store, path, symbol="ETHUSDT")
    assert (one.symbols, one.inserted) == (("ETHUSDT",), 50)
    both = import_file(store, path)
    assert (both.inserted, both.duplicates) == (50, 50)
    assert import_file(store, path).already_imported
    assert [s.bars for s in store.symbols()] == [50, 50]
    assert store.load("BTCUSDT").open_time_ns[-1] == MONDAY_NS + 49 * MINUTE_NS
    with pytest.raises(DataError, match="BTCUSDT, ETHUSDT"):
        import_file(store, path, symbol="XRPUSDT")


def test_bad_rows_are_left_out_with_file_line_and_reason(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 500, ";0", ";")
    lines[3] = "garbage"
    lines[10] = lines[10].replace(";", ";-", 1)
    lines[20] = "20210230 002000;1;1;1;1;0"
    lines[30] = lines[30][:15] + ";105;104;106;105;0"
    lines[40] = lines[40].replace("00;", "30;", 1)
    lines[50] = lines[50][:15] + ";x;106;104;105;0"
    lines[60] = lines[59][:15] + ";105;106;104;105;0"
    lines.insert(70, "")
    path = write(tmp_path / "USDJPY.csv", lines)
    report = import_file(store, path)
    assert (report.rows, report.rejected_count) == (493, 7)
    assert [r.line for r in report.rejected] == [4, 11, 21, 31, 41, 51, 61]
    reasons = [r.reason for r in report.rejected]
    for reason, part in zip(
        reasons,
        (
            "fields",
            "negative",
            "time",
            "low to high",
            "minute",
            "open is not",
            "occurred before",
        ),
        strict=True,
    ):
        assert part in reason
    assert report.rejected[0].text == "garbage"
    assert report.rejected[-1].text.endswith(" UTC")
    assert len(store.load("USDJPY")) == 493


def test_lines_are_counted_across_chunks(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 1000)
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    lines[250] = "broken"
    seen = []
    path = write(tmp_path / "USDJPY.csv", lines)
    report = import_file(store, path, progress=lambda done, total: seen.append((done, total)))
    assert [r.line for r in report.rejected] == [251]
    assert report.rows == 299
    assert seen[-1] == (path.stat().st_size, path.stat().st_size)
    assert len(seen) > 5


def test_rows_that_came_twice_are_kept_once(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    path = write(tmp_path / "USDJPY.csv", lines[:180] + lines[120:])
    report = import_file(store, path)
    assert (report.rows, report.inserted, report.duplicates) == (360, 300, 60)
    assert report.rejected_count == 0
    assert store.imports()[0].repeats == 60


def test_an_import_that_is_interrupted_leaves_nothing(store, tmp_path):
    def interrupt(done, total):
        raise KeyboardInterrupt

    path = ascii_file(tmp_path / "USDJPY.csv")
    with pytest.raises(KeyboardInterrupt):
        import_file(store, path, progress=interrupt)
    assert store.symbols() == []
    assert import_file(store, path).inserted == 200


def test_a_file_of_mixed_instruments_is_refused_whole(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 2000, ";0", ";")
    for i in range(500, 560, 2):
        lines[i] = lines[i][:15] + ";1.1;1.2;1.0;1.1;0"
    refused(store, write(tmp_path / "USDJPY.csv", lines), "line 501", "other instruments")


def test_saturday_bars_and_a_wrong_clock_are_refused(store, tmp_path):
    saturday = MONDAY_NS + 5 * 24 * HOUR_NS
    path = ascii_file(tmp_path / "USDJPY.csv", start=saturday)
    refused(store, path, "200 bars fall on a Saturday", "clock", "line 1:")
    assert import_file(store, path, "BTCUSDT", clock="UTC").inserted == 200


def test_a_file_of_garbage_is_refused(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    lines[100:150] = ["###"] * 50
    refused(store, write(tmp_path / "USDJPY.csv", lines), "50 of 300 rows", "line 101")


def test_bars_that_are_not_of_a_minute_are_refused(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 600, ";0", ";")[::60]
    refused(store, write(tmp_path / "USDJPY.csv", lines), "60 minutes")


def test_unknown_formats_and_damaged_files_say_what_is_known(store, tmp_path):
    path = write(tmp_path / "USDJPY.csv", ["timestamp,price,size", "2013-01-01,1,2"])
    refused(store, path, "unknown format", *FORMATS)
    with pytest.raises(DataError, match="unknown format"):
        import_file(store, path, format_name="excel")
    refused(store, path, "no good row", format_name="histdata-ascii")
    refused(store, tmp_path / "none.csv", "no such file")
    empty = tmp_path / "EURUSD.csv"
    empty.touch()
    refused(store, empty, "(empty)")
    damaged = tmp_path / "AVAXUSDT-1m-2021-03.zip"
    damaged.write_bytes(b"PK\x03\x04 and no more")
    refused(store, damaged, "cannot be read")
    damaged.write_text("<html>sign in first</html>")
    refused(store, damaged, "it is not a zip, despite its name")
    torn = parquet(tmp_path / "torn.parquet")
    torn.write_bytes(torn.read_bytes()[:200])
    refused(store, torn, "torn.parquet")


def test_a_symbol_that_nothing_names_is_asked_for(store, tmp_path):
    refused(store, ascii_file(tmp_path / "2021.csv"), "import it with --symbol")


def test_another_feed_under_the_same_name_is_refused(store, tmp_path):
    import_file(store, ascii_file(tmp_path / "USDJPY.csv"))
    other = ascii_file(tmp_path / "USDJPY_2021.csv", seed=5)
    with pytest.raises(DataError, match="under another symbol"):
        import_file(store, other)
    assert np.array_equal(store.load("USDJPY").close, walk(200)[3])
    assert import_file(store, other, "USDJPY_B").inserted == 200


def test_a_right_file_replaces_what_a_stale_one_said(store, tmp_path):
    import_file(store, ascii_file(tmp_path / "DAT_ASCII_USDJPY_M1_2021.csv"))
    right = ascii_file(tmp_path / "USDJPY_right.csv", 100, seed=5)
    with pytest.raises(DataError, match="--replace"):
        import_file(store, right, "USDJPY")
    report = import_file(store, right, "USDJPY", choices=Choices(replace=True))
    assert (report.inserted, report.replaced, report.conflicts) == (0, 100, 0)
    close = store.load("USDJPY").close
    assert np.array_equal(close[:100], walk(100, 5)[3])
    assert np.array_equal(close[100:], walk(200)[3][100:])
    assert store.imports()[-1].accepted == ("--replace: 100 stored bars replaced",)
    again = import_file(store, right, "USDJPY", choices=Choices(replace=True))
    assert (again.replaced, again.duplicates) == (0, 100)
    assert import_file(store, right, "USDJPY").already_imported


def test_asks_replace_asks_alone(store, tmp_path):
    head, stamp = "timestamp,open,high,low,close", "%Y-%m-%d %H:%M:%S+00:00"
    import_file(store, write(tmp_path / "usdjpy-m1-bid-2021.csv", rows(stamp), head))
    import_file(store, write(tmp_path / "usdjpy-m1-ask-2021.csv", rows(stamp, seed=1), head))
    right = write(tmp_path / "usdjpy-m1-ask-2021-02.csv", rows(stamp, seed=2), head)
    report = import_file(store, right, "USDJPY", choices=Choices(replace=True))
    assert report.replaced == 200
    assert np.array_equal(
        store.load("USDJPY", extras=("close_ask",)).extras["close_ask"], walk(200, 2)[3]
    )
    assert np.array_equal(store.load("USDJPY").close, walk(200)[3])


def test_the_switch_takes_the_rest_of_a_damaged_file(store, tmp_path):
    lines = rows("%Y%m%d %H%M%S", 300, ";0", ";")
    lines[100:150] = ["###"] * 50
    path = write(tmp_path / "USDJPY.csv", lines)
    shown = "(line 101: 1 fields, expected 6: ###; line 102, likewise: ###; "
    refused(store, path, shown, "--skip-bad-rows imports the others")
    report = import_file(store, path, choices=Choices(skip_bad_rows=True))
    assert (report.rows, report.rejected_count) == (250, 50)


def test_a_large_file_of_bad_rows_is_refused_before_its_end(store, tmp_path, monkeypatch):
    monkeypatch.setattr("mlx_muzero.market.importers.blocks.BLOCK_BYTES", 4096)
    path = write(tmp_path / "USDJPY.csv", ["20210301 00000x;1;1;1;1;0"] * 20_000)
    told = []
    with pytest.raises(
        DataError,
        match=r"before its end[^?]*of the first [\d,]+ rows are[^?]*accepted: YYYYMMDD hhmmss",
    ):
        import_file(store, path, format_name="histdata-ascii", progress=lambda *at: told.append(at))
    assert len(told) < 10


def test_a_link_that_a_user_names_is_followed_and_nothing_else_is_waited_for(store, tmp_path):
    file, link, pipe = (tmp_path / name for name in ("kept.csv", "USDJPY.csv", "EURUSD.csv"))
    file.write_text("\n".join(rows("%Y%m%d %H%M%S", 200, ";0", ";")))
    link.symlink_to(file)
    os.mkfifo(pipe)
    refused(store, pipe, "is not a file")
    refused(store, tmp_path / "none.csv", "no such file")
    assert import_file(store, link).inserted == 200


def test_parquet_as_freqtrade_writes_it_is_read(store, tmp_path):
    path = tmp_path / "BTC_USDT_USDT-1m-futures.parquet"
    duckdb.execute(
        f"""copy (select make_timestamp_ns({MONDAY_NS} + i * 60000000000) as date, 10.0 as open,
                  10.5 as high, 9.5 as low, 10.0 as close, 1.0 as volume from range(50) t(i))
            to '{path}' (format parquet)"""
    )
    import_file(store, path, "BTC/USDT:USDT")
    assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS


def test_a_file_that_is_no_text_says_so(store, tmp_path):
    path = tmp_path / "BTC_USDT-1m.feather"
    path.write_bytes(b"FEA1\0\0" + bytes(100))
    refused(store, path, "a feather file of version 1: write it as parquet")
    path.write_bytes(bytes(100))
    refused(store, path, "it is not text")
