from dataclasses import replace

import pytest

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.errors import ConfigError, FeedError, SymbolError
from mlx_muzero.market.instrument import Instrument
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.session_setup import calendars_of, keeps_fx_week, market_of_pair
from mlx_muzero.paper.settings import PaperSettings, SessionSettings
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.venues.names import venue_name, venue_names


@pytest.mark.parametrize(
    ("name", "feed", "venue", "symbol"),
    [
        ("BTCUSDT", "ccxt:binanceusdm", "BTC/USDT:USDT", "BTCUSDT"),
        ("BTC/USDT:USDT", "ccxt:binanceusdm", "BTC/USDT:USDT", "BTCUSDT"),
        ("BTCUSDT", "ccxt:binance", "BTC/USDT", "BTCUSDT"),
        ("ETH/BTC", "ccxt:kraken", "ETH/BTC", "ETHBTC"),
        ("BNBUSD", "ccxt:kraken", "BNB/USD", "BNBUSD"),
        ("USDJPY", "oanda", "USD_JPY", "USDJPY"),
        ("USD_JPY", "oanda", "USD_JPY", "USDJPY"),
        ("BTC/USDT:USDT", "replay", "BTCUSDT", "BTCUSDT"),
        ("USD_JPY", "replay", "USDJPY", "USDJPY"),
        ("USDJPY_FXCM", "replay", "USDJPY_FXCM", "USDJPY_FXCM"),
        ("PLANTED_EDGE", "replay", "PLANTED_EDGE", "PLANTED_EDGE"),
        ("my.bars", "replay", "MY.BARS", "MY.BARS"),
        ("btcusdt", "ccxt:okx", "BTC/USDT", "BTCUSDT"),
        ("BTC/USD:BTC", "ccxt:binancecoinm", "BTC/USD:BTC", "BTCUSD_PERP"),
        ("BTCUSD_PERP", "ccxt:binancecoinm", "BTC/USD:BTC", "BTCUSD_PERP"),
        ("kPEPE/USDC:USDC", "ccxt:hyperliquid", "kPEPE/USDC:USDC", "KPEPEUSDC"),
        ("usd_jpy", "oanda", "USD_JPY", "USDJPY"),
        ("SPX500_USD", "oanda", "SPX500_USD", "SPX500_USD"),
    ],
)
def test_either_name_will_do(name, feed, venue, symbol):
    assert venue_name(name, feed) == venue
    assert Symbol(name) == symbol
    assert Symbol(venue) == symbol


def test_names_that_say_nothing():
    with pytest.raises(FeedError, match="as the exchange does"):
        venue_name("XYZ", "ccxt:binance")
    with pytest.raises(FeedError, match="USD_JPY"):
        venue_name("BTCUSDT", "oanda")
    with pytest.raises(FeedError, match="settles in, such as BTC/USDT:USDT-240628"):
        venue_name("BTCUSDT_240628", "ccxt:binanceusdm")
    with pytest.raises(SymbolError, match="cannot be a symbol"):
        venue_name("[/bold]", "replay")
    with pytest.raises(FeedError, match="USDJPY is named twice"):
        venue_names(["USDJPY", "USD_JPY"], "oanda")


def test_settings_survive_their_file(tmp_path):
    settings = paper_settings.override(
        PaperSettings(pairs={"BTCUSDT": "BTC/USDT:USDT"}),
        [
            "risk.max_drawdown_frac=0.1",
            "session.model=runs/a b",
            "session.replay_from=2025-05-26",
            "fills.fee_pips=5",
        ],
    )
    assert settings.session.replay_from == "2025-05-26"
    path = tmp_path / "paper.toml"
    path.write_text(paper_settings.dumps(settings))
    assert paper_settings.load(path) == settings


def test_a_session_keeps_the_pips_it_was_begun_with(tmp_path):
    path = tmp_path / "paper.toml"
    settings = PaperSettings(pairs={"XAUUSD": "XAUUSD", "MINE": "MINE"}, pips={"MINE": 0.5})
    path.write_text(paper_settings.dumps(settings))
    assert paper_settings.load(path) == settings
    assert market_of_pair(FX_MICRO, settings, "MINE").pip_size == 0.5
    # A session of 0.1.0 keeps none, and goes on with what that version counted in.
    assert market_of_pair(FX_MICRO, settings, "XAUUSD").pip_size == 0.0001
    assert market_of_pair(FX_MICRO, settings, "USDJPY").pip_size == FX_MICRO.market.pip_size
    for wrong in ('[pips]\nMINE = "x"', "[pips]\nMINE = -1.0", "[pips]\nOTHER = 1.0"):
        path.write_text(f'[pairs]\nMINE = "MINE"\n{wrong}\n')
        with pytest.raises(ConfigError, match=r"paper\.toml:4: pips\."):
            paper_settings.load(path)


def test_a_session_keeps_the_hours_that_were_said_of_its_pairs(tmp_path):
    """Of an index that closes at weekends, whose name says nothing, and of a coin named so."""
    path = tmp_path / "market.duckdb"
    with BarStore(path) as store:
        store.set_instrument(Instrument("DE40", "fx", 1.0))
        store.set_instrument(Instrument("EURUSD", "crypto", 0.0))
    pairs = {name: name for name in ("DE40", "USDJPY", "OTHER")}
    replay = PaperSettings(pairs=pairs, session=SessionSettings(database=str(path)))
    assert calendars_of(replay) == {"DE40": "fx", "USDJPY": "fx", "OTHER": "crypto"}
    assert not keeps_fx_week(replay), "as told from the names"
    kept = replace(replay, pairs={"DE40": "DE40"}, calendars={"DE40": "fx"})
    assert keeps_fx_week(kept)
    (tmp_path / "paper.toml").write_text(paper_settings.dumps(kept))
    assert paper_settings.load(tmp_path / "paper.toml") == kept
    assert calendars_of(replace(replay, pairs={"EURUSD": "EURUSD"})) == {"EURUSD": "crypto"}
    at_dealer = PaperSettings(pairs=pairs, session=SessionSettings(feed="oanda"))
    assert calendars_of(at_dealer) == dict.fromkeys(pairs, "fx")
    at_exchange = PaperSettings(pairs=pairs, session=SessionSettings(feed="ccxt:kraken"))
    assert calendars_of(at_exchange) == dict.fromkeys(pairs, "crypto")
    for wrong in ('DE40 = "nyse"', "DE40 = []", 'OTHER = "fx"'):
        path.write_text(f'[pairs]\nDE40 = "DE40"\n[calendars]\n{wrong}\n')
        with pytest.raises(ConfigError, match=r":4: calendars\."):
            paper_settings.load(path)


def test_what_is_trained_by_ccxts_names_is_replayed_by_them():
    config = config_toml.override(CRYPTO, ["market.symbols=BTC/USDT:USDT,eth/usdt"])
    pairs = venue_names(["BTC/USDT:USDT", "ETH/USDT:USDT"], "replay")
    assert pairs == {"BTCUSDT": "BTCUSDT", "ETHUSDT": "ETHUSDT"}
    settings = PaperSettings(pairs=pairs)
    for symbol in pairs:
        assert market_of_pair(config, settings, symbol).pairs == ("BTCUSDT", "ETHUSDT")
    # A session of 0.1.0 may have been begun in another spelling.
    assert market_of_pair(config, settings, "btcusdt") == config.market
    with pytest.raises(ConfigError, match="trained on BTCUSDT, ETHUSDT only"):
        market_of_pair(config, settings, "SOLUSDT")


def test_a_section_that_is_a_value_is_named(tmp_path):
    path = tmp_path / "paper.toml"
    path.write_text('risk = 5\n[pairs]\nUSDJPY = "USDJPY"\n')
    with pytest.raises(ConfigError, match=r"paper\.toml:1: risk: is a section"):
        paper_settings.load(path)
    path.write_text('session.model = "a\\u0000b"\n[pairs]\nUSDJPY = "USDJPY"\n')
    with pytest.raises(ConfigError, match=r"session\.model: .* is not printable text"):
        paper_settings.load(path)


def test_all_problems_of_a_file_come_with_their_lines_and_the_nearest_name(tmp_path):
    path = tmp_path / "paper.toml"
    path.write_text(
        "session = 3\n[account]\nbalanse = 5.0\nnotional = 'x'\n[riks]\n[pairs]\n"
        "EURUSD = 'EUR_USD'\nUSDJPY = 3\n'a b' = 'x'\n[pips]\nEURUSD = 0\nUSDJPY = 0.01\n"
        "EURSUD = 0.1\n[calendars]\nEURUSD = 'fxx'\n"
    )
    with pytest.raises(ConfigError) as caught:
        paper_settings.load(path)
    expected = (
        "1: session: is a section: write [session]",
        "3: account.balanse: no such key; did you mean balance?; the section has balance, ",
        "4: account.notional: expected a number, got 'x' (a string)",
        "5: riks: no such section; did you mean risk?; sections are session, ",
        "8: pairs.USDJPY: expected a string, got 3 (an integer)",
        "15: calendars.EURUSD: 'fxx' is not one of fx, crypto; did you mean fx?",
        "9: pairs.a b: 'a b' cannot be a symbol",
        "13: pips.EURSUD: [pairs] has no such pair; did you mean EURUSD?",
        "11: pips.EURUSD: 0.0 is not a pip price",
    )
    problems = str(caught.value).splitlines()
    assert len(problems) == len(expected)
    for problem, text in zip(problems, expected, strict=True):
        assert problem.startswith(f"{path}:{text}")


@pytest.mark.parametrize(
    ("text", "message"),
    [("", "pairs: names no pair; write a line"), ("pairs = 3", r":1: pairs: is a section")],
)
def test_a_session_has_pairs(tmp_path, text, message):
    path = tmp_path / "paper.toml"
    path.write_text(text)
    with pytest.raises(ConfigError, match=message) as caught:
        paper_settings.load(path)
    assert "\n" not in str(caught.value)


def test_a_settings_file_is_written_as_it_always_was():
    text = paper_settings.dumps(
        PaperSettings({"EURUSD": "EUR_USD"}, {"EURUSD": 0.0001}, {"EURUSD": "fx"})
    )
    assert text.startswith('[session]\nmodel = ""  # folder of the training run; any string\n')
    assert text.endswith(
        '1 to 100000\n\n# symbol = the venue\'s name\n[pairs]\nEURUSD = "EUR_USD"\n\n'
        "# symbol = price of one pip\n[pips]\nEURUSD = 0.0001\n\n# symbol = fx, which closes at "
        'weekends, or crypto, which never does\n[calendars]\nEURUSD = "fx"\n'
    )


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("risk.max_drawdown=0.1", r"risk\.max_drawdown: no such key; did you mean"),
        ("risks.max=1", "no such section; did you mean risk"),
        ("fills.fee_pips=-1", "out of range"),
        ("fills", "write section.key=value"),
        ("session.replay_from=9999-99-99", r"session\.replay_from: '9999-99-99' is not a time"),
        ("session.replay_to=0001-01-01", r"session\.replay_to: '0001-01-01' is not a time"),
        (
            "session.checkpoint=../../other",
            r"session\.checkpoint: .* is not the name of a checkpoint",
        ),
        ("session.backend=fast", r"session\.backend: 'fast' is not one of native"),
    ],
)
def test_wrong_settings_are_named(text, message):
    with pytest.raises(ConfigError, match=message):
        paper_settings.override(PaperSettings(pairs={"USDJPY": "USDJPY"}), [text])
