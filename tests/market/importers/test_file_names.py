"""What a file name says of its symbol: all of the name is explained, or it is asked for."""

import re
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_files import MONDAY_NS, ascii_file, refused, rows, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.importers.file_names import symbol_in_name
from mlx_muzero.market.instrument import Instrument
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import HOUR_NS
from mlx_muzero.words import command


@pytest.mark.parametrize(
    ("name", "symbol"),
    [
        ("BTCUSDT.csv", "BTCUSDT"),
        ("PEPEUSDT.csv", "PEPEUSDT"),
        ("1000pepeusdt.csv", "1000PEPEUSDT"),
        ("LINKUSDT_1m.csv", "LINKUSDT"),
        ("LINKUSD_PERP-1m-2025-01-01.csv", "LINKUSD_PERP"),
        ("BTCUSDT_240628-1m-2024-02.csv", "BTCUSDT_240628"),
        ("ETHUSDT_240628-1m-2024-03.zip", "ETHUSDT_240628"),
        ("AVAXUSDT-1m-2024-02.zip", "AVAXUSDT"),
        ("ADABTC-1m-2021-11-27.csv", "ADABTC"),
        ("BATUSD.csv", "BATUSD"),
        ("ADAFDUSD-1m.csv", "ADAFDUSD"),
        ("APEUSDT-aggTrades-2024-10-18.zip", "APEUSDT"),
        ("BTCUSDT-fundingRate-2024-01.csv", "BTCUSDT"),
        ("BTCUSDT-metrics-2024-01-01.csv.gz", "BTCUSDT"),
        # A month, not a contract: there is no 24th one.
        ("BTCUSDT_202402.csv", "BTCUSDT"),
        ("Binance_BTCUSDT_2024_minute.csv", "BTCUSDT"),
        ("BTC-USDT.csv", "BTCUSDT"),
        ("BTC_USDT-1m.parquet", "BTCUSDT"),
        ("BTC_USDT_USDT-1m-futures.parquet", "BTCUSDT"),
        ("BTC_USD_BTC-1m-futures.parquet", "BTCUSD_PERP"),
        ("BTC_USDT_USDT-240628-1m-futures.parquet", "BTCUSDT_240628"),
        ("usdjpy.csv", "USDJPY"),
        ("USD_JPY.csv", "USDJPY"),
        ("XAUUSD.csv", "XAUUSD"),
        ("USDTHB_M1_2015-2020.parquet", "USDTHB"),
        ("USDJPY1.csv", "USDJPY"),
        ("EURUSD_M1_202001020000_202012312359.csv", "EURUSD"),
        ("EURUSD_Candlestick_1_M_BID_01.01.2020-31.12.2020.csv", "EURUSD"),
        ("usdjpy-m1-ask-2013.csv", "USDJPY"),
        ("DAT_ASCII_USDJPY_M1_2021.csv", "USDJPY"),
        ("FX_IDC_USDJPY, 1.csv", "USDJPY"),
        ("BINANCE_BTCUSDT, 1_3f2a1.csv", "BTCUSDT"),
        ("EURUSD.Last.txt", "EURUSD"),
        ("EURUSD_1 Min_Bid_2021.03.01_2021.03.02.csv", "EURUSD"),
        ("BTC_USDT_USDT-8h-funding_rate.feather", "BTCUSDT"),
        ("BTC_USDT-1m.json.gz", "BTCUSDT"),
        ("DAT_MT_USDJPY_M1_201910.zip", "USDJPY"),
        ("HISTDATA_COM_ASCII_USDJPY_M12018.zip", "USDJPY"),
    ],
)
def test_a_name_that_a_grammar_explains(name, symbol):
    assert symbol_in_name(Path("2021/export") / name) == symbol


@pytest.mark.parametrize(
    "name",
    [
        "export.csv", "candles.csv", "candles (1).csv", "candles (2).csv", "market.duckdb",
        "BTCUSDT (1).csv", "BTCUSDT.v2.csv", "USDJPY_copy.csv", "usdjpy-m1-bid-2013_head.csv",
        "DAT_ASCII_AUDJPY_M1_2005_dirty_excerpt.zip", "binance_um_1m_2025-05.parquet", "2021.csv",
        # A contract of December 2020, or January 2012?
        "BTCUSDT_201201.csv",
        # Words that end in a coin's code; dollars that buy no known coin.
        "A" * 60 + "USDT.csv", "A" * 60 + "USDT_240628.csv", "A" * 60 + "_USDT.csv", "USDUSD.csv",
        "BTC_USDT_USDT-1h-mark.feather", "BTC_USDT, 1.csv", "NYSE_ALLUSDT, 60.csv",
        "depth.csv", "data_btc.csv", "history_usd.csv", "allUSDT.csv", "FOOUSD.csv", ".csv", "USDT",
        # TES in TUSD, or TEST in USD?
        "testusd.csv", "TESTUSD-1m-2024.csv", "FOOBUSD.csv",
    ],
)  # fmt: skip
def test_a_name_with_anything_else_in_it_asks(name):
    assert symbol_in_name(Path(name)) is None


def test_two_coins_of_one_export_do_not_become_one(store, tmp_path):
    for number in (1, 2):
        path = ascii_file(tmp_path / f"candles ({number}).csv", seed=number)
        refused(store, path, f"candles ({number}).csv", "import it with --symbol")
    path = ascii_file(tmp_path / "BTCUSDT_240628.csv")
    import_file(store, path, clock="UTC")
    assert [s.symbol for s in store.symbols()] == ["BTCUSDT_240628"]


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("DAT_MT_USDJPY_M1_2019_Oct-Nov.csv", "USDJPY"),
        ("my usdjpy of 2019.csv", "USDJPY"),
        ("EURUSD 2.csv", "EURUSD"),
        ("spot-BTCUSDT-1h-2024.csv", "BTCUSDT"),
    ],
)
def test_the_pair_that_a_word_of_the_name_is_comes_with_the_command(store, tmp_path, name, pair):
    path = ascii_file(tmp_path / name)
    asked = command("data", "import", path, "--symbol", pair, "--db", store.path)
    refused(store, path, f"if it holds {pair}, {asked};")


def test_a_name_of_two_pairs_or_none_has_the_command_without_one(store, tmp_path):
    for name in ("EURUSD or USDJPY.csv", f"{'A' * 200}.csv", "--.csv"):
        path = ascii_file(tmp_path / name)
        asked = command("data", "import", path, "--symbol", "SYMBOL", "--db", store.path)
        refused(store, path, asked)


def test_any_spelling_finds_the_same_bars(store, tmp_path):
    import_file(store, ascii_file(tmp_path / "a.csv"), "btc/usdt:usdt", clock="UTC")
    for spelled in ("BTCUSDT", "btcusdt", "BTC/USDT", "BTC-USDT"):
        assert len(store.load(spelled)) == 200
    more = ascii_file(tmp_path / "BTCUSDT.csv", 300)
    assert import_file(store, more, clock="UTC").duplicates == 200
    assert [s.symbol for s in store.symbols()] == ["BTCUSDT"]


def test_bars_under_a_name_that_was_cut_before_are_told_of(store, tmp_path):
    """0.1.0 made LINKUS of LINKUSDT_1m.csv."""
    before = ascii_file(tmp_path / "LINKUSDT_1m.csv")
    store.set_instrument(Instrument("LINKUS", "crypto", 0.0))
    import_file(store, before, "LINKUS", clock="UTC")
    later = ascii_file(tmp_path / "LINKUSDT.csv", start=MONDAY_NS + 10 * HOUR_NS)
    (note,) = import_file(store, later, clock="UTC").notes
    assert note.startswith("LINKUSDT_1m.csv is in the store as LINKUS, as an earlier version")
    store.remove("LINKUSDT")
    store.rename("LINKUS", "LINKUSDT")
    assert import_file(store, later, clock="UTC").notes == ()
    assert len(store.load("LINKUSDT")) == 400


@pytest.mark.parametrize(
    ("name", "suffix", "symbol"),
    [
        ("EURUSD.r.csv", ".r", "EURUSD"),
        ("EURUSD.r_M1_202101040000_202112312359.csv", ".r", "EURUSD"),
        ("EURUSDm.csv", "m", "EURUSD"),
        ("EURUSDmicro.csv", "micro", "EURUSD"),
        ("EURUSD.pro.csv", ".pro", "EURUSD"),
        ("EURUSD.PRO_M1.csv", ".PRO", "EURUSD"),
        ("EURUSD#.csv", "#", "EURUSD"),
        ("EURUSD.m+_M1.csv", ".m+", "EURUSD"),
        ("USDJPY_i.csv", "_i", "USDJPY"),
        ("USDJPY_i_M1.csv", "_i", "USDJPY"),
        ("XAUUSD-ECN_M1.csv", "-ECN", "XAUUSD"),
        ("BTCUSD.r.csv", ".r", "BTCUSD"),
        ("ETHUSDm_M1.csv", "m", "ETHUSD"),
    ],
)
def test_a_brokers_suffix_is_asked_about_with_the_command_to_run(
    store, tmp_path, name, suffix, symbol
):
    assert symbol_in_name(Path(name)) is None
    path = ascii_file(tmp_path / name)
    asked = command("data", "import", path, "--symbol", symbol, "--db", store.path)
    refused(store, path, f"if {suffix} is a broker's suffix of {symbol}", asked)
    assert import_file(store, path, symbol).symbols == (symbol,)


@pytest.mark.parametrize("name", ["EURUSX.r.csv", "export.r.csv", "candles (1).csv"])
def test_what_is_no_pair_with_a_suffix_gets_no_suggestion(store, tmp_path, name):
    refused(store, ascii_file(tmp_path / name), "--symbol SYMBOL")


def test_a_column_with_suffixes_keeps_them_unless_the_pair_is_asked_for(store, tmp_path):
    lines = [
        f"{row},{name}"
        for name in ("EURUSD.r", "GBPUSD.r")
        for row in rows("%Y-%m-%dT%H:%M:%SZ", 20)
    ]
    path = write(tmp_path / "all.csv", lines, "time,open,high,low,close,symbol")
    report = import_file(store, path, "GBPUSD")
    assert report.symbols == ("GBPUSD",)
    assert any("its symbol is GBPUSD.r; imported as GBPUSD" in note for note in report.notes)
    assert import_file(store, path).symbols == ("EURUSD.R", "GBPUSD.R")


def test_a_hostile_symbol_in_a_file_is_refused_by_name(store, tmp_path):
    path = write(tmp_path / "a.csv", rows("%Y%m%d %H%M%S", 50, ";0", ";"))
    with pytest.raises(DataError, match="cannot be a symbol"):
        import_file(store, path, "\x1b]0;owned\x07")
    assert store.symbols() == []
    assert store.imports() == []


TOKENS = st.sampled_from(
    ["BTCUSDT", "ETHBTC", "USDJPY", "LINKUSD", "PERP", "240628", "201201", "1m", "2024", "02",
     "binance", "futures", "copy", "(1)", "M1", "DAT", "ASCII", "BTC", "USDT", "x", "\u00e9", ""]
)  # fmt: skip
NAMES = st.lists(st.tuples(TOKENS, st.sampled_from(["_", "-", " ", ".", "", ":"])), max_size=7).map(
    lambda parts: "".join(token + gap for token, gap in parts) + ".csv"
)


@given(NAMES | st.text(st.characters(exclude_characters="/\0"), min_size=1, max_size=80))
def test_all_of_a_name_is_explained_or_none_of_it(name):
    symbol = symbol_in_name(Path(name))
    if symbol is None:
        return
    assert Symbol(symbol) == symbol
    assert symbol.pair is not None
    # Without the symbol's own letters and what says how and when, nothing is left of it.
    rest = re.sub(r"\.(csv|txt|zip|gz|parquet|duckdb|db)", "", name, flags=re.IGNORECASE).upper()
    letters = re.sub(r"[^A-Z0-9]", "", rest)
    assert symbol.replace("_", "").removesuffix("PERP") in letters
    unexplained = {"COPY", "(1)", "X", "\u00c9"} & set(re.split(r"[_\-. :]", rest))
    assert not unexplained
    # An explained name with something behind it is no longer explained.
    assert symbol_in_name(Path(name.replace(".csv", "") + "_copy.csv")) is None
