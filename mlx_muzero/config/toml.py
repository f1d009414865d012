"""Reads and writes `schema.Config` as strict TOML, reporting every problem of a file at once.

A file overlays a preset, so it only needs the keys that differ. ``preset = "fx_micro"`` at its top
chooses the preset.
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

_SCHEMA = TomlSchema(Config, "configuration", broken_rules, align=True, unwritten=("alerts",))

KEYS = _SCHEMA.sections
"""Every key by section and name, in the order of the dataclasses."""


def load(path: Path, base: Config | None = None) -> Config:
    """The configuration in the TOML file at `path`, overlaid on its preset.

    Args:
        path: the file.
        base: the configuration to overlay if the file names no preset; by default `FX_MICRO`.

    Raises:
        ConfigError: the file cannot be read; or lists all problems, with file, line and key.
    """
    return loads(text_of(path), str(path), base)


def read(path: Path) -> dict[str, Any]:
    """The tables in the TOML file at `path`, unchecked.

    Raises:
        ConfigError: the file cannot be read, or is not TOML.
    """
    return parsed(text_of(path), str(path))


def loads(text: str, source: str = "configuration", base: Config | None = None) -> Config:
    """Like `load`, from `text`; messages call the file `source`."""
    return from_tables(parsed(text, source), source, base, text)


def text_of(path: Path, *, follow: bool = True) -> str:
    """The text of the configuration at `path`, following symbolic links if `follow`.

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
    """Like `loads`, from parsed sections; `text` is their source, for line numbers."""
    sections = dict(tables)
    base, problems = _preset(sections, FX_MICRO if base is None else base)
    config, found = _SCHEMA.overlaid(sections, base)
    require_none(problems + found, source, text)
    return config


def _preset(tables: dict[str, Any], base: Config) -> tuple[Config, list[Problem]]:
    """The preset named in `tables`, which is removed from them, or else `base`."""
    if "preset" not in tables:
        return base, []
    name = tables.pop("preset")
    if isinstance(name, str) and name in PRESETS:
        return PRESETS[name], []
    hint = did_you_mean(str(name), PRESETS)
    return base, [Problem("preset", f"{name!r} is not one of {', '.join(PRESETS)}{hint}")]


def override(config: Config, assignments: Iterable[str], source: str = "--set") -> Config:
    """`config` changed by assignments ``section.key=value``, as given to ``--set``.

    Values are TOML, but strings need no quotes (`keys.Key.parse`).

    Raises:
        ConfigError: lists all wrong assignments, each with its key.
    """
    return _SCHEMA.override(config, assignments, source)


def assignment(key: str, value: Any) -> str:
    """The assignment with which `override` sets `key` (``section.name``) to `value`.

    Raises:
        ConfigError: TOML cannot represent the value.
    """
    try:
        text = tomli_w.dumps({"value": value})
    except TypeError as error:
        raise ConfigError(f"{key}: {value!r} cannot be the value of a configuration key") from error
    return f"{key}={text.partition('=')[2].strip()}"


def dumps(config: Config) -> str:
    """`config` as TOML, with description and range of each key; ``loads`` is the inverse."""
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
    """Every key of `config` with its value, default, range and description."""
    return [
        Setting(section, name, value_of(config, key.path), key.default, key.allowed, key.about)
        for section, keys in KEYS.items()
        for name, key in keys.items()
    ]
