"""The reference of the Python API, for mkdocstrings."""

from typing import Any

import mlx_muzero
from docsite.markdown import page, table

_ENTRY = """::: {definition}
    options:
      heading_level: 2
      toc_label: {name}"""


def api_page() -> str:
    """A page that asks mkdocstrings for every name of `mlx_muzero.__all__`."""
    names = mlx_muzero.__all__
    return page(
        "Python API",
        "```python\nimport mlx_muzero as mm\n```",
        "These names are the public API: they change with a notice in the "
        "[changelog](../changelog.md). Everything else is private and may change with "
        "any version. Import `mlx_muzero` before `mlx`: on Linux it puts OpenBLAS behind MLX.",
        table(
            ("Name", "What it is"),
            ((f"[`mm.{name}`][{definition(name)}]", _about(name)) for name in names),
        ),
        *(_ENTRY.format(definition=definition(name), name=name) for name in names),
    )


def definition(name: str) -> str:
    """Where the public `name` is defined: mkdocstrings reads source, and names are loaded late."""
    found: Any = getattr(mlx_muzero, name)
    if hasattr(found, "__qualname__"):
        return f"{found.__module__}.{found.__qualname__}"
    return f"mlx_muzero.{name}"


def _about(name: str) -> str:
    """The first sentence of its docstring."""
    text = getattr(mlx_muzero, name).__doc__ or ""
    return " ".join(text.partition("\n\n")[0].split())
