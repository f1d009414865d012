"""How instruments trade: from their names where those tell, else as users said, never guessed."""

import duckdb
import numpy as np
import pytest

from market_files import ascii_file
from markets import walk_bars
from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.experiment.loading import load_config
from mlx_muzero.market.bars import BAR_COLUMNS
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.instrument import (
    Instrument,
    UnknownInstrument,
    instrument,
    keeps_fx_week,
    known_instrument,
)
from mlx_muzero.market.series import FUNDING_RATE, OPEN_INTEREST, Series
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.hours import AroundTheClock, FxWeek


@pytest.mark.parametrize(
    ("symbol", "pip", "step"),
    [
        ("USDJPY", 0.01, 0.001),
        ("USDJPY_FXCM", 0.01, 0.001),
        ("EUR/USD", 0.0001, 0.00001),
        ("XAUUSD", 0.01, 0.001),
        ("XAGUSD", 0.01, 0.001),
        ("USDHUF", 0.01, 0.001),
        ("EURCZK", 0.001, 0.0001),
        ("USDTHB", 0.01, 0.001),
        ("EURRON", 0.0001, 0.00001),
    ],
)
def test_currencies_and_metals_have_their_own_pip_and_keep_the_fx_week(symbol, pip, step):
    found = instrument(symbol)
    assert (found.market, found.unit, found.pip_size) == ("fx", "pips", pip)
    assert found.price_step == pytest.approx(step)


@pytest.mark.parametrize("symbol", ["BTCUSDT", "ADABTC", "SOLUSD", "XYZUSD_PERP", "BTC/USDT:USDT"])
def test_coins_count_in_basis_points_around_the_clock(symbol):
    assert known_instrument(symbol) == Instrument(symbol, "crypto", 0.0)
    assert instrument(symbol).unit == "bps"


@pytest.mark.parametrize("symbol", ["ARBUSD", "ARB/USD", "ARBUSD_PERP", "USDTUSD"])
def test_a_name_of_several_pairs_that_trade_alike_is_known(symbol):
    symbol = Symbol(symbol)
    assert symbol.pair is None
    assert len(symbol.readings) == 2
    assert known_instrument(symbol) == Instrument(symbol, "crypto", 0.0)


@pytest.mark.parametrize(
    "symbol", ["SPX500_USD", "US30USD", "MY_BARS", "XAUJPY", "USDKRW", "TESTUSD"]
)
def test_what_no_name_tells_is_asked_for(symbol):
    assert known_instrument(symbol) is None
    with pytest.raises(UnknownInstrument, match=f"mlx-muzero data instrument {symbol} --"):
        instrument(symbol)


def test_of_a_currency_pair_only_the_pip_can_be_unknown():
    assert keeps_fx_week("USDKRW")
    assert keeps_fx_week("XAUJPY")
    assert not keeps_fx_week("[/bold]")
    with pytest.raises(
        UnknownInstrument, match=r"what a pip is .* --pip PRICE \(PRICE: of one pip"
    ):
        instrument("USDKRW")
    with pytest.raises(UnknownInstrument, match="--calendar HOURS --pip PRICE"):
        instrument("MY_BARS")


def test_what_is_unknown_of_several_is_asked_for_at_once(store):
    with pytest.raises(UnknownInstrument, match=r"data instrument USDKRW,MY_BARS --calendar"):
        store.instruments(["USDKRW", "USDJPY", "MY_BARS"])
    assert [i.pip_size for i in store.instruments(["USDJPY", "BTCUSDT"])] == [0.01, 0.0]


@pytest.mark.parametrize(("pip", "step"), [(-1.0, None), (float("nan"), None), (0.01, 0.0)])
def test_pips_and_steps_are_numbers_to_divide_by(pip, step):
    with pytest.raises(ValueError, match="is not the"):
        Instrument("X", "fx", pip, step)


def test_the_store_asks_once_and_keeps_the_answer(store, tmp_path):
    path = ascii_file(tmp_path / "a.csv")
    with pytest.raises(UnknownInstrument, match="data instrument MY_BARS") as error:
        import_file(store, path, "my_bars")
    assert f"--db {store.path}" in str(error.value)
    assert store.symbols() == []
    store.set_instrument(Instrument("my_bars", "crypto", 0.5))
    assert import_file(store, path, "my_bars", clock="UTC").inserted == 200
    assert store.instrument("My_Bars") == Instrument("MY_BARS", "crypto", 0.5)
    # What a user says comes before what the table knows.
    store.set_instrument(Instrument("XAUUSD", "fx", 0.1))
    assert store.instrument("XAUUSD").pip_size == 0.1


def test_a_replay_keeps_the_hours_that_were_said(tmp_path):
    path = tmp_path / "hours.duckdb"
    with BarStore(path) as store:
        for symbol in ("INDEX", "OTHER"):
            store.write(walk_bars(50, symbol=symbol))
        store.set_instrument(Instrument("INDEX", "fx", 1.0))
    feed = ReplayFeed.from_store(path, ["INDEX", "OTHER"])
    assert isinstance(feed._hours("INDEX"), FxWeek)
    assert isinstance(feed._hours("OTHER"), AroundTheClock)


def test_a_preset_goes_by_what_was_said(store):
    store.set_instrument(Instrument("COIN_INDEX", "crypto", 0.0))
    store.set_instrument(Instrument("INDEX", "fx", 1.0))
    path = store.path
    store.close()
    assert load_config(None, None, [], "INDEX", path).market.pip_size == 1.0
    assert load_config(None, None, [], "COIN_INDEX", path).market.features == "crypto"
    with pytest.raises(
        ConfigError,
        match="COIN_INDEX is counted in basis points, but this configuration counts in pips of",
    ):
        load_config("fx_micro", None, ["market.pip_size=0.01"], "COIN_INDEX", path)


def test_a_mistyped_name_is_told_of_as_such(store):
    store.write(walk_bars(50, symbol="MINE"))
    path = store.path
    store.close()
    with pytest.raises(DataError, match=r"has no bars of USDJYP.*MINE"):
        load_config(None, None, [], "USDJYP", path)
    with pytest.raises(UnknownInstrument, match="data instrument MINE"):
        load_config(None, None, [], "MINE", path)


def test_a_synthetic_market_trades_as_it_was_made(store):
    store.write_synthetic(walk_bars(50, symbol="MADE"), {"parameters": {"pip_size": 0.02}})
    assert store.instrument("MADE") == Instrument("MADE", "fx", 0.02)
    store.close()
    with duckdb.connect(str(store.path), read_only=True) as db:
        assert db.execute("select * from instruments").fetchall() == [("MADE", "fx", 0.02)]


def test_a_synthetic_market_that_0_1_0_made_trades_by_its_truth(store):
    store.set_truth("MADE", {"parameters": {"pip_size": 0.02}})
    assert store.find_instrument("MADE") == Instrument("MADE", "fx", 0.02)


@pytest.mark.parametrize("pip", [[], float("inf"), "a", -1])
def test_a_truth_that_is_damaged_is_told_of(store, pip):
    store.set_truth("MADE", {"parameters": {"pip_size": pip}})
    with pytest.raises(DataError, match="is damaged"):
        store.find_instrument("MADE")


def test_a_renamed_symbol_keeps_all_that_belonged_to_it(store, tmp_path):
    import_file(store, ascii_file(tmp_path / "USDJPY.csv"))
    bars = store.load("USDJPY")
    assert store.rename("usdjpy", "my_yen") == "MY_YEN"
    assert (store.load("MY_YEN").close == bars.close).all()
    assert store.count("USDJPY").bars == 0
    assert [record.symbol for record in store.imports()] == ["MY_YEN"]
    # The new name does not tell how it trades; the old one did.
    assert store.instrument("MY_YEN") == Instrument("MY_YEN", "fx", 0.01)
    import_file(store, ascii_file(tmp_path / "EURUSD.csv", seed=3))
    with pytest.raises(DataError, match=r"has bars of EURUSD already: .* data remove EURUSD --db "):
        store.rename("MY_YEN", "eur/usd")
    with pytest.raises(DataError, match=r"has nothing of GBPUSD \(it holds EURUSD, MY_YEN\)"):
        store.rename("GBPUSD", "CABLE")


def test_bars_and_series_that_were_spelled_apart_meet(store):
    """0.1.0 took bars as they were told and funding as its file said."""
    with store.transaction(), store.staging() as staging:
        bars = walk_bars(50)
        prices = {name: getattr(bars, name) for name in BAR_COLUMNS}
        staging.append("avaxusdt", bars.open_time_ns, np.arange(50), prices)
        staging.merge()
    one = np.array([MINUTE_NS])
    for name, symbol in ((FUNDING_RATE, "AVAXUSDT"), (OPEN_INTEREST, "avaxusdt")):
        with store.transaction():
            store.write_series(Series(symbol, name, one, one, np.array([0.5])))
    assert len(store.load("AVAX/USDT:USDT")) == 50
    assert len(store.load_series("AVAXUSDT", OPEN_INTEREST)) == 1
    assert store.rename("avaxusdt", "AVAXUSDT") == "AVAXUSDT"
    assert len(store.load("avaxusdt")) == 50
    assert len(store.load_series("avaxusdt", FUNDING_RATE)) == 1
    assert {s.symbol for s in store.series()} == {"AVAXUSDT"}


def test_what_is_removed_can_come_again(store, tmp_path):
    path = ascii_file(tmp_path / "USDJPY.csv")
    import_file(store, path)
    times = store.load("USDJPY").open_time_ns
    gone = store.remove("USDJPY", int(times[50]), int(times[60]))
    assert (gone.bars, gone.imports) == (10, 1)
    assert import_file(store, path).inserted == 10
    assert (store.load("USDJPY").open_time_ns == times).all()
    assert store.remove("USDJPY").bars == 200
    assert (store.symbols(), store.imports()) == ([], [])
