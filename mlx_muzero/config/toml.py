"""Reading and writing `schema.Config` as TOML: strict, every problem of a file at once.

A file overlays a preset: it need only hold the keys that differ. ``preset = "fx_micro"`` at its
top chooses the preset.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import tomli_w

from mlx_muzero.config.keys import (
    KEYS,
    Problem,
    assigned,
    broken_rules,
    did_you_mean,
    key_hint,
    no_section,
    value_of,
)
from mlx_muzero.config.presets import FX_MICRO, PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError
from mlx_muzero.files.refusals import why_unreadable
from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted import toml_values


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
    return _tables(text_of(path), str(path))


def loads(text: str, source: str = "configuration", base: Config | None = None) -> Config:
    """As `load`, from `text`; `source` stands for the file in messages."""
    return from_tables(_tables(text, source), source, base, _lines_of_keys(text))


def text_of(path: Path, *, follow: bool = True) -> str:
    """The text of the configuration at `path`; links to it are followed if `follow`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_text(path, most=toml_values.MOST_BYTES, follow=follow)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(
            f"{path}: the configuration cannot be read: {why_unreadable(error)}"
        ) from error


def _tables(text: str, source: str) -> dict[str, Any]:
    try:
        return toml_values.parsed(text)
    except ValueError as error:  # also of integers with thousands of digits
        raise ConfigError(f"{source}: not valid TOML: {error}") from error


def from_tables(
    tables: Mapping[str, Any],
    source: str = "configuration",
    base: Config | None = None,
    lines: Mapping[str, int] | None = None,
) -> Config:
    """As `loads`, from sections already parsed; `lines` are those of the keys in `source`."""
    config, problems = _overlay(tables, FX_MICRO if base is None else base)
    if problems:
        lines = lines or {}
        raise ConfigError(
            "\n".join(
                f"{source}{f':{lines[path]}' if path in lines else ''}: {path}: {message}"
                for path, message in problems
            )
        )
    return config


def override(config: Config, assignments: Iterable[str], source: str = "--set") -> Config:
    """`config` changed by assignments ``section.key=value``, as given to ``--set``.

    Values are TOML, and strings need no quotes (`config_keys.Key.parse`).

    Raises:
        ConfigError: all wrong assignments, each with its key.
    """
    tables, problems = assigned(assignments, KEYS)
    changed, found = _overlay(tables, config)
    problems += found
    if problems:
        raise ConfigError("\n".join(f"{source} {path}: {message}" for path, message in problems))
    return changed


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
    blocks = []
    for section, keys in KEYS.items():
        assignments = {
            name: tomli_w.dumps({name: value_of(config, key.path)}).strip()
            for name, key in keys.items()
        }
        width = max(map(len, assignments.values()))
        lines = [
            f"{assignments[name]:<{width}}  # {key.about}; {key.allowed}"
            for name, key in keys.items()
        ]
        blocks.append("\n".join([f"[{section}]", *lines]))
    return "\n\n".join(blocks) + "\n"


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


def _overlay(tables: Mapping[str, Any], base: Config) -> tuple[Config, list[Problem]]:
    """`base` with the valid values of `tables`, and what is wrong with the others."""
    problems: list[Problem] = []
    if "preset" in tables:
        preset = tables["preset"]
        if isinstance(preset, str) and preset in PRESETS:
            base = PRESETS[preset]
        else:
            hint = did_you_mean(str(preset), PRESETS)
            message = f"{preset!r} is not one of {', '.join(PRESETS)}{hint}"
            problems.append(Problem("preset", message))
    config = base
    for section, table in tables.items():
        if section == "preset":
            continue
        if section not in KEYS:
            problems.append(Problem(section, no_section(section, KEYS)))
        elif not isinstance(table, dict):
            message = f"is a section: write [{section}], then its keys below"
            problems.append(Problem(section, message))
        else:
            values, found = _check_section(section, table)
            problems += found
            changed = replace(getattr(config, section), **values)
            config = replace(config, **{section: changed})
    return config, problems + list(broken_rules(config, {path for path, _ in problems}))


def _check_section(section: str, table: Mapping[str, Any]) -> tuple[dict[str, Any], list[Problem]]:
    keys = KEYS[section]
    values: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in table.items():
        if name in keys:
            try:
                values[name] = keys[name].check(value)
            except ValueError as error:
                problems.append(Problem(keys[name].path, str(error)))
        else:
            hint = f"{key_hint(name, section)}; the section has {', '.join(keys)}"
            problems.append(Problem(f"{section}.{name}", f"no such key{hint}"))
    return values, problems


def _lines_of_keys(text: str) -> dict[str, int]:
    """Line number, from 1, of each section and of each key path and its parents."""
    lines: dict[str, int] = {}
    section = ""
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[+\s*([\w.-]+)\s*\]", line):
            section = f"{header[1]}."
            lines.setdefault(header[1], number)
        elif assignment := re.match(r"\s*([\w.-]+)\s*=", line):
            path = section + assignment[1]
            for end in re.finditer(r"\.|$", path):
                lines.setdefault(path[: end.start()], number)
    return lines
