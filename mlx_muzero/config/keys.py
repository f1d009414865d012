"""Keys of a settings file, declared as dataclass fields with type, range and description."""

import dataclasses
import tomllib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from difflib import get_close_matches
from math import inf
from typing import Any, Literal, NamedTuple, get_args, get_origin, get_type_hints

from mlx_muzero.registry import Registry
from mlx_muzero.symbols.symbol import Symbol

_LARGEST = 1.7e308
"""Exceeds any finite float a configuration can hold; also rejects NaN and infinity."""

_TYPE_NAMES = {
    bool: "a boolean", int: "an integer", float: "a number", str: "a string", list: "an array",
    dict: "a table", Symbol: "a symbol",
}  # fmt: skip


def setting(
    default: Any,
    about: str,
    low: float | None = None,
    high: float | None = None,
    choices: tuple[str, ...] = (),
    registry: Registry[Any] | None = None,
) -> Any:
    """A dataclass field with a description and an inclusive range.

    Give `choices` for a key whose type does not list them, because a `registry` can add more. With
    `dataclasses.MISSING` as its default, the field is required.
    """
    return dataclasses.field(
        default=default,
        metadata={
            "about": about, "low": low, "high": high, "choices": choices, "registry": registry,
        },
    )  # fmt: skip


def table(about: str, *, required: bool = False) -> Any:
    """A dataclass field for a table with user-defined keys, all with the same type of value.

    Its type is ``Mapping[str, V]``; empty by default unless it is `required`.
    """
    field = setting(dataclasses.MISSING, about)
    return field if required else dataclasses.field(default_factory=dict, metadata=field.metadata)


@dataclass(frozen=True)
class Key:
    """One configuration key: its type, inclusive range, default and description.

    A key of type tuple is a list of distinct strings in TOML, each one of `choices` if there are
    any; its elements become `item`, str or `Symbol`. Names in `registry` count as choices.
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
        """The allowed values, in words."""
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
        """`value` as this key's type; an integer is accepted as a number.

        Raises:
            ValueError: the type is wrong, or the value is out of range or none of the choices.
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
            raise ValueError(f"{value!r} is out of range; allowed: {self.allowed}")

    def parse(self, text: str) -> Any:
        """Parse the value in an assignment, without checking it.

        Written as in TOML, except that strings (and dates) need no quotes, and lists of strings
        need neither quotes nor brackets.
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
            raise ValueError(f'expected a list of strings such as ["A", "B"], got {value!r}')
        for item in value:
            self._check_choice(item)
        items = tuple(self.item(item) for item in value)
        if len(set(items)) != len(items):
            raise ValueError(f"{value!r} has a duplicate")
        return items

    def _check_choice(self, value: object) -> None:
        if not self.choices or value in self.choices:
            return
        # Only now: to list what packages offer takes a moment.
        names = (*self.choices, *(() if self.registry is None else self.registry))
        if value not in names:
            hint = did_you_mean(str(value), names)
            way_on = "" if self.registry is None else f"; {self.registry.way_on}"
            raise ValueError(f"{value!r} is not one of {', '.join(names)}{hint}{way_on}")


def section_keys(section: str, kind: type) -> dict[str, Key]:
    """The keys of a section by name: its dataclass's fields, made by `setting`."""
    hints = get_type_hints(kind)
    return {
        field.name: _key(section, field, hints[field.name]) for field in dataclasses.fields(kind)
    }


def values_key(field: "dataclasses.Field[Any]", hint: Any) -> Key:
    """The key that checks each value of a table; `field` is made by `table`."""
    return _key(field.name, field, get_args(hint)[1])


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


class Problem(NamedTuple):
    """A problem with the key or section at `path`."""

    path: str
    message: str


def assigned(
    assignments: Iterable[str], sections: Mapping[str, Mapping[str, Key]]
) -> tuple[dict[str, dict[str, Any]], list[Problem]]:
    """Parse assignments ``section.key=value`` into tables by section, and a list of problems.

    Neither values (`Key.parse`) nor the names of sections and keys are checked.
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


def value_of(config: Any, path: str) -> Any:
    """The value of the key at `path`, ``section.name``."""
    section, name = path.split(".")
    return getattr(getattr(config, section), name)


def key_hint(name: str, section: str, sections: Mapping[str, Mapping[str, Key]]) -> str:
    """``; did you mean ...?`` for an unknown key: one of another section, or the most similar."""
    keys = (key for keys in sections.values() for key in keys.values())
    elsewhere = [key.path for key in keys if key.name == name]
    if elsewhere:
        return f"; did you mean {elsewhere[0]}?"
    return did_you_mean(name, sections.get(section, sections))


def _toml_value(text: str) -> Any:
    """The value that `text` is in TOML, or None if it is not a single value."""
    try:
        table = tomllib.loads(f"value = {text}")
    except ValueError:
        return None
    return table["value"] if len(table) == 1 else None


def did_you_mean(word: str, candidates: Iterable[str]) -> str:
    """``; did you mean ...?`` with the candidate most similar to `word`, or an empty string."""
    near = get_close_matches(word, list(candidates), n=1)
    return f"; did you mean {near[0]}?" if near else ""
