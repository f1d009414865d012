"""The keys of `schema.Config`, seen from outside: types, ranges, meanings and rules across keys."""

import dataclasses
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from difflib import get_close_matches
from itertools import pairwise
from math import inf
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from mlx_muzero.config.choices import ContextSeries
from mlx_muzero.config.schema import Config
from mlx_muzero.registry import Registry
from mlx_muzero.symbols.symbol import Symbol

_LARGEST = 1.7e308
"""Beyond every finite float the configuration can hold; also turns NaN and infinity away."""

_TYPE_NAMES = {
    bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array",
    dict: "a table", Symbol: "a symbol",
}  # fmt: skip


@dataclass(frozen=True)
class Key:
    """One key of the configuration: its type, inclusive range, default and meaning.

    A key of type tuple is a list of distinct strings in TOML, each one of `choices` where there
    are any, and becomes one of `item`, str or `Symbol`. What a `registry` holds goes for a choice.
    """

    section: str
    name: str
    item: type
    type: type
    choices: tuple[str, ...]
    low: float
    high: float
    default: Any
    about: str
    registry: Registry[Any] | None = None

    @property
    def path(self) -> str:
        """``section.name``."""
        return f"{self.section}.{self.name}"

    @property
    def allowed(self) -> str:
        """The values it may take, in words."""
        if self.choices:
            return ("list of " if self.type is tuple else "") + " | ".join(self.choices)
        if self.type is tuple:
            return f"list of {_TYPE_NAMES[self.item].split()[1]}s"
        if issubclass(self.type, str) or (self.low, self.high) == (-inf, inf):
            return f"any {_TYPE_NAMES[self.type].split()[1]}"
        low, high = (
            f"{end:.10g}" if self.type is float else str(end) for end in (self.low, self.high)
        )
        return f"at least {low}" if self.high == inf else f"{low} to {high}"

    def check(self, value: object) -> Any:
        """`value` as this key's type; an integer will do for a number.

        Raises:
            ValueError: wrong type, out of range, or none of the choices; the text says which.
        """
        if self.type is tuple:
            return self._check_list(value)
        accepted = (int, float) if self.type is float else (self.type,)
        is_text = isinstance(value, str) and issubclass(self.type, str)
        if not is_text and type(value) not in accepted:
            got = _TYPE_NAMES.get(type(value), "a date or time")
            raise ValueError(f"expected {_TYPE_NAMES[self.type]}, got {value!r} ({got})")
        self._check_choice(value)
        if isinstance(value, int | float):
            self._check_range(value)
        return self.type(value)

    def _check_range(self, value: float) -> None:
        if not (self.low <= value <= self.high and abs(value) <= _LARGEST):
            raise ValueError(f"{value!r} is out of range, allowed is {self.allowed}")

    def parse(self, text: str) -> Any:
        """The value that `text` stands for in an assignment, to be checked.

        It is written as in TOML, but strings need no quotes, dates among them, and lists of
        strings neither those nor brackets.
        """
        value = _toml_value(text)
        if issubclass(self.type, str) and type(value) is not str:
            return text.strip()
        if self.type is tuple and not isinstance(value, list):
            words = text.strip().removeprefix("[").removesuffix("]").split(",")
            return [word.strip(" \t\"'") for word in words if word.strip()]
        return text.strip() if value is None else value

    def _check_list(self, value: object) -> tuple[str, ...]:
        if not isinstance(value, list | tuple) or not all(isinstance(item, str) for item in value):
            raise ValueError(f'expected a list of strings as ["A", "B"], got {value!r}')
        for item in value:
            self._check_choice(item)
        items = tuple(self.item(item) for item in value)
        if len(set(items)) != len(items):
            raise ValueError(f"{value!r} names something twice")
        return items

    def _check_choice(self, value: object) -> None:
        registered = () if self.registry is None else tuple(self.registry)
        names = (*self.choices, *registered)
        if self.choices and value not in names:
            hint = did_you_mean(str(value), names)
            way_on = "" if self.registry is None else f"; {self.registry.way_on}"
            raise ValueError(f"{value!r} is not one of {', '.join(names)}{hint}{way_on}")


def _keys() -> dict[str, dict[str, Key]]:
    sections = get_type_hints(Config).items()
    return {section: section_keys(section, kind) for section, kind in sections}


def section_keys(section: str, kind: type) -> dict[str, Key]:
    """Keys of a section by name: the fields of its dataclass, made by `config.setting`."""
    hints = get_type_hints(kind)
    return {
        field.name: _key(section, field, hints[field.name]) for field in dataclasses.fields(kind)
    }


def _key(section: str, field: "dataclasses.Field[Any]", hint: Any) -> Key:
    item = get_args(hint)[0] if get_origin(hint) is tuple else hint
    choices = get_args(item) if get_origin(item) is Literal else field.metadata["choices"]
    kind = str if choices else item
    low, high = field.metadata["low"], field.metadata["high"]
    return Key(
        section=section,
        name=field.name,
        type=tuple if get_origin(hint) is tuple else kind,
        item=kind,
        choices=choices,
        low=-inf if low is None else low,
        high=inf if high is None else high,
        default=field.default,
        about=field.metadata["about"],
        registry=field.metadata["registry"],
    )


KEYS: dict[str, dict[str, Key]] = _keys()
"""Every key, by section and name, in the order of the dataclasses."""


class Problem(NamedTuple):
    """What is wrong with the key or section at `path`."""

    path: str
    message: str


class _Rule(NamedTuple):
    """A condition on two keys, and what to say when it does not hold."""

    paths: tuple[str, str]
    holds: Callable[[Config], bool]
    message: str


def _crypto_only(name: str) -> _Rule:
    return _Rule(
        ("market.features", f"market.{name}"),
        lambda c: c.market.features == "crypto" or not getattr(c.market, name),
        "micro features know nothing beside the bars of one symbol",
    )


def _names_a_span(config: Config) -> bool:
    ends = [text for text in (config.market.first_utc, config.market.end_utc) if text]
    try:
        times = [datetime.fromisoformat(text) for text in ends]
    except ValueError:
        return False
    in_utc = [time if time.tzinfo else time.replace(tzinfo=UTC) for time in times]
    return all(first < end for first, end in pairwise(in_utc))


_RULES = (
    _Rule(
        ("market.first_utc", "market.end_utc"),
        _names_a_span,
        "write times as 2015-01-01 or 2015-01-01 22:00, the first before the end",
    ),
    _Rule(
        ("market.train_frac", "market.validation_frac"),
        lambda c: c.market.train_frac + c.market.validation_frac < 1.0,
        "together they must stay below 1, to leave bars for the test",
    ),
    _Rule(
        ("market.session_bars", "train.num_unroll_steps"),
        lambda c: c.train.num_unroll_steps <= c.market.session_bars,
        "the model cannot be unrolled for more steps than a session has",
    ),
    *(_crypto_only(path) for path in ("symbols", "timeframes", "context", "macro")),
    _Rule(
        ("market.macro", "market.context"),
        lambda c: set(c.market.macro).isdisjoint(get_args(ContextSeries)),
        "a macro series needs a name of its own",
    ),
    _Rule(
        ("market.features", "market.pip_size"),
        lambda c: c.market.features == "crypto" or c.market.pip_size > 0.0,
        "micro features need the price of a pip",
    ),
    _Rule(
        ("model.value_min", "model.value_max"),
        lambda c: c.model.value_min < c.model.value_max,
        "the lowest value must lie below the highest",
    ),
    _Rule(
        ("model.transformer_heads", "model.transformer_width"),
        lambda c: c.model.transformer_width % c.model.transformer_heads == 0,
        "the heads must divide the width",
    ),
    _Rule(
        ("replay.min_episodes", "replay.max_episodes"),
        lambda c: c.replay.min_episodes <= c.replay.max_episodes,
        "training would wait for more episodes than are kept",
    ),
)


def assigned(
    assignments: Iterable[str], sections: Mapping[str, Mapping[str, Key]]
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """What assignments ``section.key=value`` write, as tables by section, and what is wrong.

    Values are unchecked (`Key.parse`), and so are the names of sections and keys.
    """
    tables: dict[str, dict[str, Any]] = {}
    problems = []
    for assignment in assignments:
        path, equals, text = assignment.partition("=")
        section, dot, name = (part.strip() for part in path.partition("."))
        if not equals or not section or (dot and not name):
            problems.append(Problem(assignment, "write section.key=value"))
        elif not dot:
            problems.append(Problem(section, no_section(section, sections)))
        else:
            key = sections.get(section, {}).get(name)
            tables.setdefault(section, {})[name] = text if key is None else key.parse(text)
    return tables, problems


def no_section(name: str, sections: Mapping[str, Mapping[str, Key]]) -> str:
    """What to say of a section that is none of `sections`."""
    hint = key_hint(name, "", sections)
    return f"no such section{hint}; sections are {', '.join(sections)}"


def value_of(config: Config, path: str) -> Any:
    """The value of the key at `path`, ``section.name``."""
    section, name = path.split(".")
    return getattr(getattr(config, section), name)


def broken_rules(config: Config, skip: set[str]) -> Iterator[Problem]:
    """The rules `config` breaks, but for those on a path in `skip`."""
    for rule in _RULES:
        if skip.isdisjoint(rule.paths) and not rule.holds(config):
            first, second = rule.paths
            values = f"{value_of(config, first)!r} with {second} = {value_of(config, second)!r}"
            yield Problem(first, f"{values}: {rule.message}")


def key_hint(name: str, section: str, sections: Mapping[str, Mapping[str, Key]] = KEYS) -> str:
    """``; did you mean ...?`` for a key that `section` lacks: elsewhere, or its own nearest."""
    keys = (key for keys in sections.values() for key in keys.values())
    elsewhere = [key.path for key in keys if key.name == name]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    return did_you_mean(name, sections.get(section, sections))


def _toml_value(text: str) -> Any:
    """The one value that `text` writes in TOML; None where it is none."""
    try:
        table = tomllib.loads(f"value = {text}")
    except ValueError:
        return None
    return table["value"] if len(table) == 1 else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """``; did you mean ...?`` with the candidate nearest to `word`, or nothing."""
    near = get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {near[0]}?" if near else ""
