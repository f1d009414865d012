"""Names of instruments: one spelling each, checked at every door."""

import pickle

import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.errors import DataError, SymbolError
from mlx_muzero.symbols.symbol import LONGEST, Pair, Symbol


@pytest.mark.parametrize(
    ("spelled", "symbol"),
    [
        ("btcusdt", "BTCUSDT"),
        (" BTCUSDT ", "BTCUSDT"),
        ("BTC/USDT", "BTCUSDT"),
        ("BTC/USDT:USDT", "BTCUSDT"),
        ("btc-usdt", "BTCUSDT"),
        ("WBTC_USDT", "WBTCUSDT"),
        ("BTC/USD:BTC", "BTCUSD_PERP"),
        ("BTC/USDT:USDT-240628", "BTCUSDT_240628"),
        ("BTC/USD:BTC-240628", "BTCUSD_240628"),
        ("ETH/USD:BTC", "ETHUSD_BTC"),
        ("usd_jpy", "USDJPY"),
        ("EUR/USD.b", "EURUSD.B"),
        ("USDJPY_FXCM", "USDJPY_FXCM"),
        ("my.bars", "MY.BARS"),
        ("PLANTED_EDGE", "PLANTED_EDGE"),
        ("SPX500_USD", "SPX500_USD"),
        ("币安人生/USDT:USDT", "币安人生USDT"),
    ],
)
def test_spellings_that_mean_the_same_are_one_symbol(spelled, symbol):
    assert Symbol(spelled) == symbol
    assert Symbol(str(Symbol(spelled))) == symbol


@pytest.mark.parametrize(
    "name",
    ["", " ", "a b", "\x1b]0;title\x07", "[/bold]", "../up", "a/b/c", "_x", "A" * (LONGEST + 1),
     "BTC/USDT:USDT-240628-50000-C", "a\nb", "\u202eabc"],
)  # fmt: skip
def test_what_cannot_be_a_symbol_is_refused_in_plain_characters(name):
    with pytest.raises(SymbolError, match="cannot be a symbol: write up to 40 letters") as error:
        Symbol(name)
    assert str(error.value).isascii()
    assert str(error.value).isprintable()
    assert isinstance(error.value, DataError)


TEXTS = st.text(st.characters(exclude_categories=["Cs"]), max_size=60)
PAIRS = st.from_regex(
    r"[A-Z]{1,5}[/_.-]?(USDT|USD|BTC|JPY|PERP)([:_.-](USDT|BTC|240628|FXCM))?", fullmatch=True
)


@given(TEXTS | PAIRS)
def test_a_symbol_stays_what_it_is_or_is_refused(text):
    try:
        symbol = Symbol(text)
    except SymbolError:
        return
    assert str(symbol).isprintable()
    assert not set(str(symbol)) & set("/[]'\"\\ ,")
    assert Symbol(str(symbol)) == symbol
    assert pickle.loads(pickle.dumps(symbol)) == symbol


def test_a_contract_whose_spelling_is_that_of_a_pair_is_refused():
    """FOO in BAR, settled in USDT, is not FOOBAR in USDT."""
    assert Symbol("BTC/USDC:USDT") == "BTCUSDC_USDT"
    with pytest.raises(SymbolError, match=r"FOOBAR_USDT, is also that of FOOBARUSDT"):
        Symbol("FOO/BAR:USDT")


def test_the_parts_of_a_pair():
    assert Symbol("BTC/FDUSD").pair == Pair("BTC", "FDUSD")
    assert Symbol("LINKUSD_PERP").pair == Pair("LINK", "USD", "PERP")
    assert Symbol("BTCUSDT_240628").pair == Pair("BTC", "USDT", "240628")
    assert Symbol("USDJPY_FXCM").pair == Pair("USD", "JPY")
    assert Symbol("PLANTED_EDGE").pair is None
    # In ISO 4217 these are currencies; USDT is no quote of anything called HB.
    assert Symbol("USDTHB").pair == Pair("USD", "THB")
    assert Symbol("EURRON").pair == Pair("EUR", "RON")


@pytest.mark.parametrize(
    ("name", "pair"),
    [
        ("BNBUSD", Pair("BNB", "USD")),  # not a BN in BUSD
        ("BATUSD", Pair("BAT", "USD")),  # nor a BA in TUSD
        ("BTCTUSD", Pair("BTC", "TUSD")),
        ("BNBBUSD", Pair("BNB", "BUSD")),
        ("NEWFDUSD_PERP", None),
        ("TESTUSD", None),
        ("ARBUSD", None),  # there are AR and ARB, and both are coins
        ("NEWUSDT", Pair("NEW", "USDT")),
        ("NEWUSD", Pair("NEW", "USD")),
    ],
)
def test_a_pair_that_may_be_read_in_two_ways_is_the_one_of_a_known_asset_or_none(name, pair):
    assert Symbol(name).pair == pair


@pytest.mark.parametrize(
    ("name", "of_currencies", "of_coins"),
    [
        ("USDTHB", True, False),
        ("XAUUSD", True, False),
        ("BTCUSDT", False, True),
        ("ADABTC", False, True),
        ("BTCEUR", False, True),
        ("XYZUSD_PERP", False, True),
        # Dollars buy shares and indices too.
        ("US30USD", False, False),
    ],
)
def test_what_a_pair_is_of(name, of_currencies, of_coins):
    pair = Symbol(name).pair
    assert (pair.of_currencies, not pair.of_currencies and pair.of_coins) == (
        of_currencies,
        of_coins,
    )


def test_lists_of_symbols():
    assert Symbol.listed("btc/usdt, ETHUSDT") == ("BTCUSDT", "ETHUSDT")
    with pytest.raises(SymbolError, match="BTCUSDT is named twice"):
        Symbol.listed("BTC/USDT,BTCUSDT")
