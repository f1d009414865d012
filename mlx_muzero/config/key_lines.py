"""Finds the line of each key in a TOML file, which the standard library's parser does not give."""

import re

_PART = r"""(?:"[^"\n]*"|'[^'\n]*'|[\w-]+)"""
_PATH = rf"{_PART}(?:\s*\.\s*{_PART})*"
_HEADER = re.compile(rf"\s*\[+\s*({_PATH})\s*\]")
_ASSIGNMENT = re.compile(rf"\s*({_PATH})\s*=")


def lines_of_keys(text: str) -> dict[str, int]:
    """Line number, from 1, of each section and of each key path and its parents."""
    lines: dict[str, int] = {}
    section: tuple[str, ...] = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := _HEADER.match(line):
            section = _parts(header[1])
            path = section
        elif assignment := _ASSIGNMENT.match(line):
            path = section + _parts(assignment[1])
        else:
            continue
        for end in range(1, len(path) + 1):
            lines.setdefault(".".join(path[:end]), number)
    return lines


def _parts(path: str) -> tuple[str, ...]:
    return tuple(part.strip("\"'") for part in re.findall(_PART, path))
