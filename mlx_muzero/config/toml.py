"""Reading and writing `schema.Config` as TOML: strict, every problem of a file at once.

A file overlays a preset: it need only hold the keys that differ. ``preset = "fx_micro"`` at its
top chooses the preset.
"""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from mlx_muzero.config.keys import Problem, did_you_mean, value_of
from mlx_muzero.config.presets import FX_MICRO, PRESETS
from mlx_muzero.config.rules import broken_rules
from mlx_muzero.config.schema import Config
from mlx_muzero.config.strict_toml import TomlSchema, parsed, require_none
from mlx_muzero.errors import ConfigError

_SCHEMA = TomlSchema(Config, "configuration", broken_rules, align=True)

KEYS = _SCHEMA.sections
"""Every key, by section and name, in the order of the dataclasses."""


def load(path: Path, base: Config | None = None) -> Config:
    """The configuration in the TOML file at `path`, overlaid on its preset.

    Args:
        path: the file.
        base: what it overlays when it names no preset; by default `FX_MICRO`.

    Raises:
        ConfigError: the file cannot be read, or all its problems, each with file, line and key.
    """
    return loads(text_of(path), str(path), base)


def read(path: Path) -> dict[str, Any]:
    """The tables in the TOML file at `path`, unchecked.

    Raises:
        ConfigError: the file cannot be read, or is no TOML.
    """
    return parsed(text_of(path), str(path))


def loads(text: str, source: str = "configuration", base: Config | None = None) -> Config:
    """As `load`, from `text`; `source` stands for the file in messages."""
    return from_tables(parsed(text, source), source, base, text)


def text_of(path: Path, *, follow: bool = True) -> str:
    """The text of the configuration at `path`; links to it are followed if `follow`.

    Raises:
        ConfigError: it cannot be read.
    """
    return _SCHEMA.text_of(path, follow=follow)


def from_tables(
    tables: Mapping[str, Any],
    source: str = "configuration",
    base: Config | None = None,
    text: str = "",
) -> Config:
    """As `loads`, from sections already parsed; `text` is what they were parsed from, for lines."""
    sections = dict(tables)
    base, problems = _preset(sections, FX_MICRO if base is None else base)
    config, found = _SCHEMA.overlaid(sections, base)
    require_none(problems + found, source, text)
    return config


def _preset(tables: dict[str, Any], base: Config) -> tuple[Config, list[Problem]]:
    """What is overlaid: the preset that `tables` name, which is taken out of them, or `base`."""
    if "preset" not in tables:
        return base, []
    name = tables.pop("preset")
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name], []
    hint = did_you_mean(str(name), PRESETS)
    return base, [Problem("preset", f"{name!r} is not one of {', '.join(PRESETS)}{hint}")]


def override(config: Config, assignments: Iterable[str], source: str = "--set") -> Config:
    """`config` changed by assignments ``section.key=value``, as given to ``--set``.

    Values are TOML, and strings need no quotes (`keys.Key.parse`).

    Raises:
        ConfigError: all wrong assignments, each with its key.
    """
    return _SCHEMA.override(config, assignments, source)


def assignment(key: str, value: Any) -> str:
    """What `override` takes to set `key`, ``section.name``, to `value`.

    Raises:
        ConfigError: TOML has no such value.
    """
    try:
        text = tomli_w.dumps({"value": value})
    except TypeError as error:
        raise ConfigError(f"{key}: {value!r} is no value of a configuration") from error
    return f"{key}={text.partition('=')[2].strip()}"


def dumps(config: Config) -> str:
    """`config` as TOML, each key with its meaning and range; ``loads(dumps(config)) == config``."""
    return _SCHEMA.dumps(config)


class Setting(NamedTuple):
    """One row of a configuration listing."""

    section: str
    key: str
    value: Any
    default: Any
    allowed: str
    about: str


def describe(config: Config) -> list[Setting]:
    """Every key of `config` with its value, default, range and meaning."""
    return [
        Setting(section, name, value_of(config, key.path), key.default, key.allowed, key.about)
        for section, keys in KEYS.items()
        for name, key in keys.items()
    ]
