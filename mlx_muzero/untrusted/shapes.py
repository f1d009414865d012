"""Validators for untrusted JSON, to be checked once before anything relies on it.

A shape is called with a value and returns it ready for use, or raises `Malformed`. Texts are
truncated; numbers must be finite and of a usable size; nesting and lengths are bounded.
"""

from collections.abc import Callable, Collection, Mapping
from typing import Any

Shape = Callable[[Any], Any]

LARGEST = 1e18
"""Largest magnitude of a number; a larger one is not a plausible figure."""

MOST_TEXT = 2000
MOST_ITEMS = 20_000
_DEEPEST = 12


class Malformed(ValueError):
    """A value is invalid; the message says what it should be."""


def number(value: Any) -> float:
    """A finite number."""
    if type(value) not in (int, float) or not -LARGEST <= value <= LARGEST:
        raise Malformed("a number")
    return value


def count(value: Any) -> int:
    """A non-negative integer."""
    if type(value) is not int or not 0 <= value <= LARGEST:
        raise Malformed("a count")
    return value


def time_ns(value: Any) -> int:
    """UTC nanoseconds since 1970, within 64 bits."""
    if type(value) is not int or not -(2**63) <= value < 2**63:
        raise Malformed("a time in nanoseconds")
    return value


def text(value: Any) -> str:
    """A text, truncated to `MOST_TEXT` characters."""
    if type(value) is not str:
        raise Malformed("a text")
    return value if len(value) <= MOST_TEXT else f"{value[:MOST_TEXT]}..."


def one_of(names: Collection[str]) -> Shape:
    """One of the texts `names`."""

    def check(value: Any) -> str:
        if text(value) not in names:
            raise Malformed(f"one of {', '.join(names)}; {value[:40]!r} is unknown")
        return str(value)

    return check


def flag(value: Any) -> bool:
    """True or false."""
    if type(value) is not bool:
        raise Malformed("true or false")
    return value


def optional(shape: Shape) -> Shape:
    """`shape`, or None."""
    return lambda value: None if value is None else shape(value)


def sequence(shape: Shape, *, most: int = MOST_ITEMS) -> Shape:
    """A list of at most `most` items of `shape`."""

    def check(value: Any) -> list[Any]:
        if type(value) is not list or len(value) > most:
            raise Malformed(f"a list of at most {most:,}")
        return [shape(item) for item in value]

    return check


def mapping(shape: Shape, *, most: int = MOST_ITEMS) -> Shape:
    """An object with any keys and values of `shape`."""

    def check(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) > most:
            raise Malformed(f"an object of at most {most:,}")
        return {text(name): shape(item) for name, item in value.items()}

    return check


def record(
    required: Mapping[str, Shape] | None = None, optional: Mapping[str, Shape] | None = None
) -> Shape:
    """An object with these fields; unknown fields are kept if they are bounded (`plain`)."""
    needed = required or {}
    known = {**needed, **(optional or {})}

    def check(value: Any) -> dict[str, Any]:
        if type(value) is not dict or len(value) > MOST_ITEMS:
            raise Malformed("an object")
        if missing := needed.keys() - value.keys():
            raise Malformed(f"an object with {', '.join(sorted(missing))}")
        checked = {}
        for name, item in value.items():
            try:
                checked[text(name)] = known.get(name, plain)(item)
            except Malformed as error:
                raise Malformed(f"{name[:40]}: {error}") from None
        return checked

    return check


def plain(value: Any, depth: int = 0) -> Any:
    """Any JSON value of bounded size and depth."""
    kind = type(value)
    if value is None or kind is bool:
        return value
    if kind is str:
        return text(value)
    if kind is int or kind is float:
        if not -(2**63) <= value < 2**63:  # also rejects NaN
            raise Malformed("a finite number of plausible size")
        return value
    if depth == _DEEPEST or len(value) > MOST_ITEMS:
        raise Malformed("a value of bounded depth and length")
    if kind is list:
        return [plain(item, depth + 1) for item in value]
    return {text(name): plain(item, depth + 1) for name, item in value.items()}
