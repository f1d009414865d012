"""Docstrings keep one dialect: shapes as `types` says, one indent."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

import mlx_muzero

PACKAGE = Path(mlx_muzero.__file__).parent
FILES = sorted(PACKAGE.rglob("*.py"))
DTYPE = r"(?:f32|f64|i8|i16|i32|i64|u8|u64|bool)"
OTHER_DIALECTS = re.compile(
    r"\b(?:F32|F64|I8|I16|I32|I64|U8|U64|Bool)\["  # an alias for a dtype
    r"|(?<![a-z0-9])``\["  # no dtype
    r"|(?<![\w`\])}])\[(?:\.\.\.|[A-Za-z]\w{0,2}|out)(?:, [^\]\[]*)?\](?!`)"  # nor set apart
    rf"|``{DTYPE}\[[^\]`]*\](?!``)"  # an array that is not set apart
    r"|(?<!``)\b(?:f32|f64|i8|i16|i32|i64|u8|u64)\["
)
SECTION = re.compile(r"( *)(?:Args|Attributes|Returns|Yields|Raises):")


def docstrings(path: Path) -> Iterator[tuple[int, str]]:
    """First line and text of each, those of constants included."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if (
            isinstance(node, ast.Expr)
            and isinstance(node.value, ast.Constant)
            and isinstance(node.value.value, str)
        ):
            yield node.lineno, node.value.value


def wrong_indents(text: str) -> list[int]:
    """Lines below a section's heading that are not four columns deeper."""
    lines = text.split("\n")
    return [
        number
        for number, line in enumerate(lines[:-1])
        if (heading := SECTION.fullmatch(line))
        and not re.match(rf"{heading[1]} {{4}}\S", lines[number + 1])
    ]


@pytest.mark.parametrize("path", FILES, ids=lambda path: str(path.relative_to(PACKAGE)))
def test_docstrings_keep_one_dialect(path):
    for first, text in docstrings(path):
        assert not OTHER_DIALECTS.findall(text), f"{path}:{first}: write ``f32[B, A]``"
        assert not wrong_indents(text), f"{path}:{first}: four columns below a heading"


@pytest.mark.parametrize(
    "text",
    [
        "F32[B]",
        "``[B]``",
        "Latent [n, D] of it",
        "[B] int32",
        "an f64[n, W] array",
        "``f32[B] of``",
        "I64[T] opens",
    ],
)
def test_other_dialects_are_found(text):
    assert OTHER_DIALECTS.search(text)


def test_an_indent_of_two_is_found():
    assert wrong_indents("Does it.\n\n    Args:\n      one: a\n") == [2]
    assert not wrong_indents("Does it.\n\n    Args:\n        one: a\n")
