"""Configurations and models are for a kind of market; the other kind is refused, with a way on."""

import dataclasses
import json
from pathlib import Path

import pytest

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import (
    CRYPTO,
    CRYPTO_SMALL,
    DEFAULT_PRESETS,
    FX_MICRO,
    FX_SMALL,
    PRESETS,
)
from mlx_muzero.errors import ConfigError
from mlx_muzero.market.fit import default_preset, require_fit, require_tradable
from mlx_muzero.symbols.symbol import Symbol

STORE = Path("my store")


def of(config, symbol):
    return dataclasses.replace(config.market, symbol=Symbol(symbol), symbols=())


@pytest.mark.parametrize(
    ("symbols", "preset"),
    [
        (["USDJPY"], "fx_small"),
        (["EUR/USD"], "fx_small"),
        (["XAUUSD"], "fx_small"),
        (["BTCUSDT"], "crypto_small"),
        (["BTC/USDT:USDT", "ETHUSDT"], "crypto_small"),
        (["BTCUSD"], "crypto_small"),
        (["PLANTED_EDGE"], "fx_small"),
        ([], "fx_small"),
    ],
)
def test_the_default_preset_goes_by_the_market(symbols, preset):
    assert default_preset(symbols) == preset


def test_one_model_trades_one_kind_of_market():
    with pytest.raises(
        ConfigError, match="BTCUSDT is counted in basis points, USDJPY is counted in pips"
    ):
        default_preset(["BTCUSDT", "USDJPY"])


@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_fits_its_own_symbols(preset):
    require_fit(PRESETS[preset].market)


def test_default_presets_reward_net_pips_at_the_costs_of_the_specifications():
    for small, large in ((FX_SMALL, FX_MICRO), (CRYPTO_SMALL, CRYPTO)):
        assert small.trading.reward == "mark_to_market"
        assert small.trading.fill == "next_open"
        own = {"fill", "reward", "reward_scale"}
        assert (
            dataclasses.replace(
                small.trading, **{name: getattr(large.trading, name) for name in own}
            )
            == large.trading
        )
    assert set(DEFAULT_PRESETS.values()) == {"fx_small", "crypto_small"}


@pytest.mark.parametrize(
    ("config", "symbol", "preset"),
    [(FX_MICRO, "BTCUSDT", "crypto_small"), (CRYPTO, "USDJPY", "fx_small")],
)
def test_a_preset_refuses_the_other_market_and_names_its_own(config, symbol, preset):
    with pytest.raises(ConfigError, match=f"--symbol {symbol} --preset {preset}"):
        require_fit(of(config, symbol))
    require_fit(of(config, "SOMETHING"))


def test_a_model_is_shown_its_own_kind_of_market():
    require_tradable(FX_MICRO.market, "EURUSD", STORE)
    require_tradable(FX_MICRO.market, "SOMETHING", STORE)
    with pytest.raises(
        ConfigError, match=r"mlx-muzero train --run RUN --symbol BTCUSDT --db 'my store'$"
    ):
        require_tradable(FX_MICRO.market, "BTCUSDT", STORE)
    # What an older version let somebody train goes on being evaluated and traded.
    require_tradable(of(FX_MICRO, "BTCUSDT"), "BTCUSDT", STORE)
    require_tradable(of(FX_MICRO, "BTCUSDT"), "ETHUSDT", STORE)


def shown(cli, *arguments):
    code, out, err = cli("config", "show", "--json", *arguments)
    assert code == 0, err
    return json.loads(out)


def test_a_symbol_named_anywhere_settles_preset_and_pip(cli, tmp_path):
    for options in (("--symbol", "btc/usdt"), ("--set", "market.symbol=BTCUSDT")):
        market = shown(cli, *options)["market"]
        assert (market["pip_size"], market["symbols"]) == (0.0, ["BTCUSDT"])
    coins = shown(cli, "--set", "market.symbols=ETHUSDT,BTCUSDT")["market"]
    assert coins["symbols"] == ["ETHUSDT", "BTCUSDT"]
    assert shown(cli, "--set", "market.symbol=EURUSD")["market"]["pip_size"] == 0.0001
    file = tmp_path / "some.toml"
    file.write_text('[market]\nsymbol = "EURUSD"\n')
    assert shown(cli, "--config", file)["market"]["pip_size"] == 0.0001
    file.write_text('[market]\nsymbol = "EURUSD"\npip_size = 0.001\n')
    assert shown(cli, "--config", file)["market"]["pip_size"] == 0.001
    assert shown(cli, "--config", file, "--symbol", "USDJPY")["market"]["pip_size"] == 0.01


def test_a_preset_that_is_named_stays(cli, tmp_path):
    assert shown(cli, "--preset", "fx_micro")["model"]["parameters"] == 2_338_802
    file = tmp_path / "letter.toml"
    file.write_text('preset = "crypto"\n[market]\nsymbols = ["BTCUSDT"]\n')
    assert shown(cli, "--config", file)["trading"]["reward"] == "differential_sharpe"


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--preset", "fx_micro", "--symbol", "BTCUSDT"), "--preset crypto_small"),
        (("--preset", "crypto", "--symbol", "USDJPY"), "--preset fx_small"),
        (("--symbol", "USDJPY,BTCUSDT"), "one kind of market"),
        (("--symbol", "USDJPY,EURUSD"), "one pip"),
    ],
)
def test_a_run_for_the_wrong_market_is_not_begun(cli, db, tmp_path, arguments, words):
    code, _, err = cli("train", "--run", "run", "--db", db, *arguments)
    assert code == ConfigError.exit_code
    assert words in err
    assert not (tmp_path / "run").exists()


def test_a_currency_model_trades_no_coins_on_paper(cli, trained, db):
    begin = ("paper", "start", "--model", trained, "--db", db, "--run", "p", "--pairs", "BTCUSDT")
    code, _, err = cli(*begin)
    assert code == ConfigError.exit_code
    assert "the run was trained on TEST and counts in pips of 0.01" in err
    assert "--symbol BTCUSDT" in err


def test_a_runs_own_file_keeps_its_meaning_whatever_the_default_preset_is():
    """It holds every key, or an older version's, and those it lacks are that version's."""
    assert config_toml.loads("[train]\nseed = 7\n").search == FX_MICRO.search


@pytest.mark.parametrize(
    ("symbol", "pip", "features"),
    [("USDRUB", 0.0, "crypto"), ("USDJPY", 0.0, "crypto"), ("BTCUSD", 1.0, "micro")],
)
def test_what_is_said_of_an_instrument_goes_before_its_name(
    cli, tmp_path, monkeypatch, symbol, pip, features
):
    monkeypatch.chdir(tmp_path)
    code, _, err = cli("data", "instrument", symbol, "--calendar", "fx", "--pip", pip)
    assert code == 0, err
    market = shown(cli, "--symbol", symbol)["market"]
    assert (market["pip_size"], market["features"]) == (pip, features)
