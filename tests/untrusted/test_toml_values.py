"""TOML of strangers is read at once or refused."""

import time

import pytest

from mlx_muzero.config import toml as config_toml
from mlx_muzero.errors import ConfigError
from mlx_muzero.untrusted import toml_values
from mlx_muzero.watch.units import unit_of

DEEP = {
    "a key": ".".join("a" * 50_000) + " = 1",
    "a quoted key": '"\u2028".' * 50_000 + "a = 1",
    "a section": f"[{'.'.join('a' * 50_000)}]",
    "an inline table": "a = {" + ".".join("a" * 50_000) + " = 1}",
    "lists": "a = " + "[" * 100_000,
    "tables": "a = " + "{a = " * 100_000,
    "digits": f"a = {'9' * 10_000}",
}


@pytest.mark.parametrize("text", DEEP.values(), ids=DEEP)
def test_what_is_nested_without_end_is_refused_at_once(tmp_path, text):
    began = time.monotonic()
    with pytest.raises(ValueError, match=r"dots|nested|digits"):
        toml_values.parsed(f"b = 2\n{text}\n")
    (tmp_path / "config.toml").write_text(text)
    with pytest.raises(ConfigError, match=r"config\.toml: not valid TOML"):
        config_toml.load(tmp_path / "config.toml")
    assert unit_of(tmp_path, {}) == "pips"
    assert time.monotonic() - began < 1.0


def test_what_is_larger_than_any_settings_is_not_read(tmp_path):
    with (tmp_path / "config.toml").open("wb") as file:
        file.truncate(2**40)
    with pytest.raises(ConfigError, match="larger than"):
        config_toml.load(tmp_path / "config.toml")


def test_toml_is_what_it_says():
    assert toml_values.parsed('a.b = 1\n[c]\nd = "x.y"\n') == {"a": {"b": 1}, "c": {"d": "x.y"}}
