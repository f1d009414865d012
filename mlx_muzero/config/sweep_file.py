"""A file that names the configurations of a sweep: trials one by one, or a space they are from.

The table ``space`` has a list of values for each key, or ``{ low = ..., high = ..., log = true }``;
with ``draws`` so many trials are drawn from it, without it every combination of the lists is one.
Tables ``trial`` name trials themselves. Keys are those of a configuration.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from itertools import product
from pathlib import Path
from typing import Any

import numpy as np

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.keys import did_you_mean
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS
from mlx_muzero.errors import ConfigError

MOST_TRIALS = 1000

Tables = dict[str, dict[str, Any]]
"""Values of keys, by section."""

_KNOWN = ("space", "trial", "draws", "seed")
_ENDS = {"low", "high", "log"}


@dataclass(frozen=True)
class Range:
    """Numbers from `low` to `high`, drawn evenly, or evenly by their logarithm if `log`."""

    low: float
    high: float
    log: bool

    def drawn(self, generator: np.random.Generator, whole: bool) -> float:
        """One of them; a whole number if `whole`."""
        ends = (math.log(self.low), math.log(self.high)) if self.log else (self.low, self.high)
        value = generator.uniform(*ends)
        value = math.exp(value) if self.log else value
        # Four digits tell trials apart, and can be read.
        return round(value) if whole else float(f"{value:.4g}")


def load_trials(path: Path, base: Config) -> list[Config]:
    """The configurations that the file at `path` names, each `base` with other values.

    Raises:
        ConfigError: the file cannot be read, a key or value is wrong, or there is no trial.
    """
    return trials_of(config_toml.read(path), base, str(path))


def trials_of(found: Mapping[str, Any], base: Config, source: str) -> list[Config]:
    """`load_trials` of a parsed file, called `source` in errors."""
    for name in found:
        if name not in _KNOWN:
            raise ConfigError(
                f"{source}: {name}: no such key{did_you_mean(name, _KNOWN)}; a sweep has "
                f"{', '.join(_KNOWN)}"
            )
    named = found.get("trial", [])
    if not isinstance(named, list):
        raise ConfigError(f"{source}: trial: write each trial as a table [[trial]]")
    tables = [*named, *_of_space(found, source)]
    if not tables:
        raise ConfigError(f"{source} names no trial: give it [[trial]] tables or a [space]")
    if len(tables) > MOST_TRIALS:
        raise ConfigError(f"{source} has {len(tables):,} trials, more than {MOST_TRIALS:,}")
    return [
        config_toml.from_tables(each, f"{source}, trial {number}", base)
        for number, each in enumerate(tables, 1)
    ]


def _of_space(found: Mapping[str, Any], source: str) -> list[Tables]:
    space = dict(_choices(found.get("space", {}), source))
    draws, seed = (_count(found, name, source) for name in ("draws", "seed"))
    if not space:
        if draws is not None:
            raise ConfigError(f"{source}: draws: there is no [space] to draw from")
        return []
    if draws is not None:
        return _drawn(space, draws, seed or 0, source)
    for path, values in space.items():
        if isinstance(values, Range):
            raise ConfigError(
                f"{source}: {'.'.join(path)} is a range, of which there is no list: say how many "
                "trials to draw with draws = N"
            )
    lists = [values for values in space.values() if isinstance(values, list)]
    total = math.prod(len(values) for values in lists)
    if total > MOST_TRIALS:
        raise ConfigError(
            f"{source} has {total:,} combinations, more than {MOST_TRIALS:,}: draw some with "
            "draws = N"
        )
    return [_nested(dict(zip(space, values, strict=True))) for values in product(*lists)]


def _drawn(
    space: Mapping[tuple[str, str], list[Any] | Range], draws: int, seed: int, source: str
) -> list[Tables]:
    """So many distinct draws; the first are the same however many follow."""
    generator = np.random.default_rng(seed)
    trials: list[Tables] = []
    for _ in range(100 * draws):
        if len(trials) == draws:
            break
        values = {path: _one_of(choice, path, generator) for path, choice in space.items()}
        if (trial := _nested(values)) not in trials:
            trials.append(trial)
    if len(trials) < draws:
        raise ConfigError(
            f"{source}: draws: {draws:,} asked for, but [space] seems to have only {len(trials):,} "
            "different trials"
        )
    return trials


def _one_of(
    choice: list[Any] | Range, path: tuple[str, str], generator: np.random.Generator
) -> Any:
    if isinstance(choice, list):
        return choice[generator.integers(len(choice))]
    section, name = path
    key = KEYS.get(section, {}).get(name)
    return choice.drawn(generator, whole=key is not None and key.type is int)


def _choices(space: Any, source: str) -> Iterator[tuple[tuple[str, str], list[Any] | Range]]:
    """Each key of `space` with what it may be."""
    sections = space if isinstance(space, dict) else {"space": None}
    for section, keys in sections.items():
        if not isinstance(keys, dict):
            raise ConfigError(f"{source}: space: write section.key = [value, ...] in [space]")
        for name, values in keys.items():
            yield (section, name), _choice(values, f"{source}: space.{section}.{name}")


def _choice(values: Any, where: str) -> list[Any] | Range:
    if isinstance(values, list) and values:
        return values
    if not isinstance(values, dict) or not {"low", "high"} <= values.keys() <= _ENDS:
        raise ConfigError(
            f"{where}: write a list of values, or {{ low = NUMBER, high = NUMBER, log = true }}"
        )
    low, high, log = values["low"], values["high"], values.get("log", False)
    numbers = all(type(end) in (int, float) and math.isfinite(end) for end in (low, high))
    if not numbers or type(log) is not bool or not low < high or (log and low <= 0):
        raise ConfigError(f"{where}: low must be a number below high, and above 0 with log = true")
    return Range(float(low), float(high), log)


def _count(found: Mapping[str, Any], name: str, source: str) -> int | None:
    value = found.get(name)
    if value is None:
        return None
    least = 1 if name == "draws" else 0
    if type(value) is not int or not least <= value <= 2**32 or (name == "draws" and value > 1000):
        raise ConfigError(f"{source}: {name}: expected a whole number from {least} on")
    return value


def _nested(values: Mapping[tuple[str, str], Any]) -> Tables:
    tables: Tables = {}
    for (section, name), value in values.items():
        tables.setdefault(section, {})[name] = value
    return tables
