"""Configuration files: strict reading, every problem at once, exact round trips."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import Key, value_of
from mlx_muzero.config.presets import CRYPTO, FX_MICRO, PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS
from mlx_muzero.errors import ConfigError
from mlx_muzero.symbols.symbol import Symbol


def problems(text: str) -> list[str]:
    with pytest.raises(ConfigError) as caught:
        config_toml.loads(text, "run.toml")
    return str(caught.value).splitlines()


SYMBOLS = st.from_regex(r"[A-Z0-9][A-Za-z0-9._-]{0,30}", fullmatch=True).map(Symbol)


def values_of(key: Key) -> st.SearchStrategy:
    if key.type is tuple:
        texts = SYMBOLS if key.item is Symbol else st.text("ABC\"'", max_size=3)
        items = st.sampled_from(key.choices) if key.choices else texts
        return st.lists(items, unique=True).map(tuple)
    if key.choices:
        return st.sampled_from(key.choices)
    if key.type is Symbol:
        return SYMBOLS
    if key.type is str:
        return st.text(st.characters(exclude_categories=["Cs"]))
    if key.type is int:
        return st.integers(int(key.low), int(min(key.high, 10**12)))
    return st.floats(max(key.low, -1e300), min(key.high, 1e300))


@st.composite
def configs(draw) -> Config:
    """Valid values for a few keys, the rest as in the preset."""
    paired = {"train_frac", "validation_frac", "session_bars", "num_unroll_steps", "value_min",
              "value_max", "min_episodes", "max_episodes", "features", "first_utc", "end_utc",
              "transformer_heads", "transformer_width", "cost", "maker_frac", "swap_long_pips",
              "swap_short_pips", "events", "session_start", "kind", "mirrored", "ahead",
              "cost_clock_minutes", "cost_low_pips", "cost_high_pips", "planner", "flat_by",
              "no_entries", "funding", "funding_at", "funding_bps"}  # fmt: skip
    market = replace(FX_MICRO.market, features="crypto")
    config = replace(FX_MICRO, market=market)
    for section, keys in KEYS.items():
        free = [key for name, key in keys.items() if name not in paired]
        chosen = draw(st.lists(st.sampled_from(free), unique_by=lambda key: key.name, max_size=3))
        changed = replace(getattr(config, section), **{k.name: draw(values_of(k)) for k in chosen})
        config = replace(config, **{section: changed})
    low = draw(st.floats(-1e6, 1e6))
    model = replace(config.model, value_min=low, value_max=low + draw(st.floats(1.0, 1e6)))
    return replace(config, model=model)


@given(configs())
@examples(80)
def test_round_trip(config):
    assert config_toml.loads(config_toml.dumps(config)) == config


def test_every_key_is_written_with_its_meaning():
    lines = config_toml.dumps(FX_MICRO).splitlines()
    assert "latent_width = 256         # width of the latent state (D); 2 to 8192" in lines
    written = {section: keys for section, keys in KEYS.items() if section != "alerts"}  # none set
    assert len(lines) == sum(len(keys) + 2 for keys in written.values()) - 1


def test_a_partial_file_overlays_the_preset(tmp_path):
    path = tmp_path / "config.toml"
    path.write_text('preset = "fx_micro"\n[train]\nseed = 7\nlearning_rate = 1\n')
    config = config_toml.load(path)
    assert config == replace(FX_MICRO, train=replace(FX_MICRO.train, seed=7, learning_rate=1.0))
    assert type(config.train.learning_rate) is float


def test_an_empty_file_is_the_base_and_a_preset_wins_over_it():
    base = config_toml.override(FX_MICRO, ["train.seed=5"])
    assert config_toml.loads("", base=base) == base
    assert config_toml.loads("") == FX_MICRO
    assert config_toml.loads('preset = "fx_micro"', base=base) == FX_MICRO


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[train]\nsede = 3", "run.toml:2: train.sede: no such key; did you mean seed?; the"),
        ("[train]\nnum_simulations = 3", "did you mean search.num_simulations?"),
        ("[trian]\nseed = 3", "run.toml:1: trian: no such section; did you mean train?; sections"),
        ("seed = 3", "run.toml:1: seed: no such section; did you mean train.seed?"),
        ("train = 3", "run.toml:1: train: is a section: write [train]"),
        ("[[train]]\nseed = 3", "train: is a section"),
        ("train.sede = 3", "run.toml:1: train.sede: no such key; did you mean seed?"),
        ("[train.seed]\nx = 3", "train.seed: expected an integer, got {'x': 3} (a table)"),
        ("[train]\nseed = true", "train.seed: expected an integer, got True (a boolean)"),
        ("[train]\nseed = 1.0", "train.seed: expected an integer, got 1.0 (a number)"),
        ("[train]\nseed = 1979-05-27", "expected an integer"),
        ("[train]\nlearning_rate = '1'", "expected a number, got '1' (a string)"),
        ("[train]\nlearning_rate = false", "expected a number, got False (a boolean)"),
        ("[market]\nsymbol = 3", "market.symbol: expected a symbol, got 3 (an integer)"),
        ("[train]\nbatch_size = 0", "0 is out of range; allowed: 1 to 65536"),
        ("[train]\nepisodes = 0", "0 is out of range; allowed: at least 1"),
        ("[search]\ndiscount = 1.01", "1.01 is out of range; allowed: 0 to 1"),
        ("[search]\ndiscount = nan", "nan is out of range"),
        ("[model]\nvalue_max = inf", "inf is out of range"),
        ("[trading]\nreward = 'amdpp1'", "'amdpp1' is not one of amddp1, mark_to_market, diff"),
        ("preset = 'fx_mikro'", "run.toml:1: preset: 'fx_mikro' is not one of fx_small, "),
        ("[market]\ntrain_frac = 0.9\nvalidation_frac = 0.1", "must be below 1"),
        ("[model]\nvalue_min = 300", "300.0 with model.value_max = 300.0: the lowest value must"),
        ("[replay]\nmin_episodes = 20000", "more episodes than the buffer keeps"),
        ("[market]\nsession_bars = 4", "unrolled for more steps than a session has"),
        ("[search]\nnum_simulations_collect = 0", "allowed: 1 to 100000"),
        ("[market]\nsession_start = '8:00'", "write a time of day and an IANA zone known here"),
        ("[market]\nevents = ['fix 09:55 Asia/Tokyo']", 'only "fx_context" observes daily events'),
    ],
)  # fmt: skip
def test_one_problem(text, expected):
    (problem,) = problems(text)
    assert problem.startswith("run.toml:")
    assert expected in problem


def test_all_problems_of_a_file_come_together():
    text = "preset = 'x'\n[train]\nsede = 1\nbatch_size = 0\n[market]\ntrain_frac = 0.86\n[serch]\n"
    assert [line.split(": ")[:2] for line in problems(text)] == [
        ["run.toml:1", "preset"],
        ["run.toml:3", "train.sede"],
        ["run.toml:4", "train.batch_size"],
        ["run.toml:7", "serch"],
        ["run.toml:6", "market.train_frac"],
    ]


def test_quotes_are_paid_by_those_who_take_them():
    text = "[trading]\ncost = 'quotes'\nmaker_frac = 0.5\n"
    (problem,) = problems(text)
    assert "takes liquidity" in problem


def test_a_rule_is_silent_about_keys_already_wrong():
    assert len(problems("[market]\ntrain_frac = 'x'\nvalidation_frac = 0.5\n")) == 1


@pytest.mark.parametrize(
    "text", ["[train", "seed = ", "[train]\nseed = 1\nseed = 2", "a = " + "9" * 5000]
)
def test_what_is_not_toml_names_the_file(text):
    with pytest.raises(ConfigError, match=r"^run\.toml: not valid TOML: "):
        config_toml.loads(text, "run.toml")


def test_a_file_that_cannot_be_read(tmp_path):
    with pytest.raises(ConfigError, match=r"missing\.toml.*no such file"):
        config_toml.load(tmp_path / "missing.toml")
    binary = tmp_path / "binary.toml"
    binary.write_bytes(b"\xff\xfe")
    with pytest.raises(ConfigError, match=r"binary\.toml: the configuration cannot be read"):
        config_toml.load(binary)


def test_override():
    config = config_toml.override(
        FX_MICRO,
        ["train.seed=3", "market.symbol=EURUSD", 'trading.reward = "mark_to_market"',
         "search.discount=1", "train.seed=4"],
    )  # fmt: skip
    assert config.train == replace(FX_MICRO.train, seed=4)
    assert config.market.symbol == "EURUSD"
    assert config.trading.reward == "mark_to_market"
    assert config.search.discount == 1.0
    assert config_toml.override(config, []) == config


@pytest.mark.parametrize(
    ("assignment", "expected"),
    [
        ("market.first_utc=2015-01-01", "2015-01-01"),
        ("market.first_utc=2015-01-01 22:00", "2015-01-01 22:00"),
        ("market.first_utc = 2015-01-01T22:00:00Z", "2015-01-01T22:00:00Z"),
        ("market.first_utc='2015-01-01'", "2015-01-01"),
        ("market.symbol=1000", "1000"),
        ("market.symbol=true", "TRUE"),
        ("market.symbols=A,B", ("A", "B")),
        ("market.symbols=[A, B]", ("A", "B")),
        ('market.symbols=["A", "B"]', ("A", "B")),
        ("market.timeframes=5m", ("5m",)),
        ("market.macro=[]", ()),
        ("market.macro=", ()),
    ],
)
def test_strings_need_no_quotes(assignment, expected):
    """Neither dates nor what looks like a number or a truth; the key's type decides."""
    changed = config_toml.override(CRYPTO, [assignment])
    path = assignment.partition("=")[0].strip()
    assert value_of(changed, path) == expected


@given(st.text())
def test_any_text_is_text_where_text_is_wanted(text):
    assert type(KEYS["market"]["first_utc"].parse(text)) is str
    if not set(text) & set("'\""):
        assert KEYS["market"]["first_utc"].parse(text) == text.strip()
    words = KEYS["market"]["macro"].parse(text)
    assert isinstance(words, list)


def test_all_wrong_overrides_come_together():
    with pytest.raises(ConfigError) as caught:
        config_toml.override(
            FX_MICRO, ["seed=3", "train", "train.batch_size=x", "model.value_min=400", "a.b.c=1"]
        )
    assert [line.split(": ")[0] for line in str(caught.value).splitlines()] == [
        "--set seed", "--set train", "--set train.batch_size", "--set a", "--set model.value_min",
    ]  # fmt: skip


def test_a_value_cannot_smuggle_in_another_key():
    with pytest.raises(ConfigError, match=r"market\.symbol: .*other = 1.* cannot be a symbol"):
        config_toml.override(FX_MICRO, ["market.symbol='A'\nother = 1"])


def test_symbols_are_checked_and_brought_into_their_one_spelling():
    config = config_toml.override(
        FX_MICRO, ["market.symbol=btc/usdt:usdt", 'market.symbols=["eth-usdt", "BTC/USDT"]',
                   "market.features=crypto"]
    )  # fmt: skip
    assert config.market.symbol == "BTCUSDT"
    assert config.market.pairs == ("ETHUSDT", "BTCUSDT")
    twice = '[market]\nfeatures = "crypto"\nsymbols = ["BTCUSDT", "BTC/USDT:USDT"]'
    assert "has a duplicate" in problems(twice)[0]
    assert (
        "market.symbols: '[/bold]' cannot be a symbol"
        in problems('[market]\nfeatures = "crypto"\nsymbols = ["[/bold]"]')[0]
    )


def test_describe_lists_every_key():
    rows = {f"{row.section}.{row.key}": row for row in config_toml.describe(FX_MICRO)}
    assert len(rows) == sum(map(len, KEYS.values()))
    parameters = rows["model.parameters"]
    assert (parameters.value, parameters.default, parameters.allowed) == (
        2_338_802,
        0,
        "at least 0",
    )
    assert rows["trading.reward"].allowed == "amddp1 | mark_to_market | differential_sharpe"
    assert rows["market.symbol"].allowed == "any symbol"
    assert rows["market.symbols"].allowed == "list of symbols"
    assert rows["market.timeframes"].allowed == "list of 5m | 1h"
    assert rows["model.value_min"].allowed == "any number"
    assert rows["train.seed"].allowed == f"0 to {2**63 - 1}"
    assert all(row.about for row in rows.values())


def test_lists_are_checked_item_by_item_and_are_crypto_s():
    found = problems(
        "[market]\nsymbols = 'A,B'\ntimeframes = ['5m', '4h']\ncontext = ['open_intrest']\n"
        "macro = ['cpi', 'cpi']"
    )
    assert found[0].startswith("run.toml:2: market.symbols: expected a list of strings")
    assert "'4h' is not one of 5m, 1h" in found[1]
    assert "did you mean open_interest?" in found[2]
    assert "has a duplicate" in found[3]
    assert config_toml.loads("[market]\nsymbols = ['A', 'B']").market.pairs == ("A", "B")
    crypto = config_toml.loads("preset = 'crypto'\n[market]\nsymbols = ['A', 'B']")
    assert crypto.market.pairs == ("A", "B")
    assert problems("preset = 'crypto'\n[market]\nmacro = ['funding_rate']")


def test_presets_and_defaults_break_no_rule():
    for preset in PRESETS.values():
        assert config_toml.loads(config_toml.dumps(preset)) == preset
    for key in (key for keys in KEYS.values() for key in keys.values()):
        assert key.check(key.default) == key.default
    assert config_toml.loads(config_toml.dumps(Config())) == Config()


def test_events_are_a_name_a_time_and_a_zone():
    text = "[market]\nfeatures = 'fx_context'\nevents = ['fix 9:55 Asia/Tokyo']"
    assert "write each as tokyo_fix 09:55 Asia/Tokyo" in problems(text)[0]
    config = config_toml.loads(text.replace("9:55", "09:55"))
    assert [event.name for event in config.market.daily_events] == ["fix"]
    assert len(FX_MICRO.market.daily_events) == 4


@pytest.mark.parametrize(
    ("first", "end"), [("last year", ""), ("2020-01-01", "2019-01-01"), ("", "2020-13-01")]
)
def test_bars_are_taken_from_a_span_of_time(first, end):
    with pytest.raises(ConfigError, match=r"market.first_utc.*the first before the end"):
        config_toml.loads(f'[market]\nfirst_utc = "{first}"\nend_utc = "{end}"')
    whole = config_toml.loads('[market]\nfirst_utc = "2019-01-01"\nend_utc = "2020-01-01 22:00"')
    assert config_toml.loads(config_toml.dumps(whole)) == whole


def test_exports_do_not_play_ahead():
    found = problems('preset = "fx_micro"\n[collect]\nahead = true\nbackend = "coreml-sim"\n')
    assert any("collect.ahead" in problem for problem in found)
