"""Strict TOML settings declared as a dataclass; reports every problem of a file at once.

A settings class has a field for each section, which is a dataclass with fields made by
`keys.setting`, and one made by `keys.table` for each table with user-defined keys. A file overlays
a base, so it only needs the keys that differ.
"""

from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, Generic, TypeVar, get_origin, get_type_hints

import tomli_w

from mlx_muzero.config.key_lines import lines_of_keys
from mlx_muzero.config.keys import (
    Key,
    Problem,
    assigned,
    key_hint,
    no_section,
    section_keys,
    value_of,
    values_key,
)
from mlx_muzero.errors import ConfigError
from mlx_muzero.files.refusals import why_unreadable
from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted import toml_values

T = TypeVar("T")

Rules = Callable[[T, Set[str]], Iterator[Problem]]
"""Finds problems in settings whose values are each valid, skipping the given paths.

Those paths have a problem already. A path is ``section.name``.
"""


class TomlSchema(Generic[T]):
    """Reads and writes settings of the class `kind`.

    Args:
        kind: a dataclass of sections and tables.
        what: name of the settings in messages.
        rules: conditions that involve more than one key.
        align: whether to align comments when writing.
        unwritten: sections that are written only if a key was set, so that files, and digests of
            them, stay those of versions without the section.

    Attributes:
        sections: every key by section and name, in the order of the dataclasses.
        tables: the key that checks the values of each table, by the table's name.
    """

    def __init__(
        self,
        kind: type[T],
        what: str,
        rules: Rules[T],
        *,
        align: bool,
        unwritten: Collection[str] = (),
    ) -> None:
        self._what, self._rules, self._align = what, rules, align
        self._unwritten = unwritten
        self.sections: dict[str, dict[str, Key]] = {}
        self.tables: dict[str, Key] = {}
        hints = get_type_hints(kind)
        for field in fields(kind):  # type: ignore[arg-type]  # T is a dataclass
            hint = hints[field.name]
            if get_origin(hint) is Mapping:
                self.tables[field.name] = values_key(field, hint)
            else:
                self.sections[field.name] = section_keys(field.name, hint)

    def text_of(self, path: Path, *, follow: bool = False) -> str:
        """The text of the file at `path`, following symbolic links if `follow`.

        Raises:
            ConfigError: it cannot be read.
        """
        return text_of(path, self._what, follow=follow)

    def loads(self, text: str, source: str, base: T) -> T:
        """`base` overlaid with the settings in `text`; messages call the file `source`.

        Raises:
            ConfigError: it is not TOML; or lists all problems, each with line and key.
        """
        settings, problems = self.overlaid(parsed(text, source), base)
        require_none(problems, source, text)
        return settings

    def override(self, settings: T, assignments: Iterable[str], source: str = "--set") -> T:
        """`settings` changed by assignments ``section.key=value``, as given to ``--set``.

        Values are TOML, but strings need no quotes (`keys.Key.parse`). Tables cannot be assigned.

        Raises:
            ConfigError: lists all wrong assignments, each with its key.
        """
        tables, problems = assigned(assignments, self.sections)
        changed, found = self._overlaid(tables, settings, {})
        problems += found
        if problems:
            raise ConfigError(
                "\n".join(f"{source} {path}: {message}" for path, message in problems)
            )
        return changed

    def dumps(self, settings: T) -> str:
        """`settings` as TOML, each key with description and range; empty tables are omitted."""
        blocks = [
            self._section_text(settings, section)
            for section in self.sections
            if section not in self._unwritten or self._is_set(settings, section)
        ]
        for name, key in self.tables.items():
            if table := dict(getattr(settings, name)):
                blocks.append(f"# {key.about}\n{tomli_w.dumps({name: table}).strip()}")
        return "\n\n".join(blocks) + "\n"

    def _is_set(self, settings: T, section: str) -> bool:
        keys = self.sections[section].values()
        return any(value_of(settings, key.path) != key.default for key in keys)

    def _section_text(self, settings: T, section: str) -> str:
        keys = self.sections[section].values()
        assignments = [
            tomli_w.dumps({key.name: value_of(settings, key.path)}).strip() for key in keys
        ]
        width = max(map(len, assignments)) if self._align else 0
        lines = [
            f"{assignment:<{width}}  # {key.about}; {key.allowed}"
            for assignment, key in zip(assignments, keys, strict=True)
        ]
        return "\n".join([f"[{section}]", *lines])

    def overlaid(self, tables: Mapping[str, Any], base: T) -> tuple[T, list[Problem]]:
        """`base` with the valid values in `tables`, and the problems with the others."""
        return self._overlaid(tables, base, self.tables)

    def _overlaid(
        self, tables: Mapping[str, Any], base: Any, named: Mapping[str, Key]
    ) -> tuple[T, list[Problem]]:
        problems: list[Problem] = []
        known: dict[str, Mapping[str, Key]] = {**self.sections, **{name: {} for name in named}}
        for section, table in tables.items():
            if section not in known:
                problems.append(Problem(section, no_section(section, known)))
            elif not isinstance(table, dict):
                message = f"is a section: write [{section}], then its keys below"
                problems.append(Problem(section, message))
            elif section in named:
                keys = dict.fromkeys(table, named[section])
                base = replace(base, **{section: self._checked(section, table, keys, problems)})
            else:
                values = self._checked(section, table, self.sections[section], problems)
                base = replace(base, **{section: replace(getattr(base, section), **values)})
        return base, problems + list(self._rules(base, {path for path, _ in problems}))

    def _checked(
        self,
        section: str,
        table: Mapping[str, Any],
        keys: Mapping[str, Key],
        problems: list[Problem],
    ) -> dict[str, Any]:
        """The valid values in `table`; problems with the others are added to `problems`."""
        values: dict[str, Any] = {}
        for name, value in table.items():
            path = f"{section}.{name}"
            if name not in keys:
                hint = key_hint(name, section, self.sections)
                message = f"no such key{hint}; the section has {', '.join(keys)}"
                problems.append(Problem(path, message))
                continue
            try:
                values[name] = keys[name].check(value)
            except ValueError as error:
                problems.append(Problem(path, str(error)))
        return values


def text_of(path: Path, what: str, *, follow: bool = False) -> str:
    """The text of the file at `path`, called `what` in messages; follows links to it if `follow`.

    Raises:
        ConfigError: it cannot be read.
    """
    try:
        return read_text(path, most=toml_values.MOST_BYTES, follow=follow)
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: the {what} cannot be read: {why_unreadable(error)}") from error


def parsed(text: str, source: str) -> dict[str, Any]:
    """The tables in `text`, unchecked.

    Raises:
        ConfigError: it is not TOML; names `source`.
    """
    try:
        return toml_values.parsed(text)
    except ValueError as error:  # includes integers with thousands of digits
        raise ConfigError(f"{source}: not valid TOML: {error}") from error


def require_none(problems: Sequence[Problem], source: str, text: str = "") -> None:
    """Raise ConfigError listing `problems`, if any, each with its line in `text`."""
    if not problems:
        return
    lines = lines_of_keys(text)
    raise ConfigError(
        "\n".join(
            f"{source}{f':{lines[path]}' if path in lines else ''}: {path}: {message}"
            for path, message in problems
        )
    )
