"""The output of a benchmark: facts about the machine, then tables, or everything as JSON."""

import json
import platform
from collections.abc import Iterable
from dataclasses import asdict
from importlib.metadata import version
from typing import Any

import mlx_muzero
from mlx_muzero import blas
from mlx_muzero.profiling import doctor


class Report:
    """Prints each part at once or, with `as_json`, everything at the end."""

    def __init__(self, as_json: bool, **facts: object) -> None:
        self._as_json = as_json
        self._found: dict[str, Any] = {
            "machine": doctor.check_machine().detail,
            "python": platform.python_version(),
            "mlx_muzero": mlx_muzero.__version__,
            "mlx": version("mlx"),
            "numpy": version("numpy"),
            "blas": blas.preload().name,
            **facts,
        }
        for name, fact in self._found.items():
            self._print(f"{name:10}  {fact}")

    def table(self, name: str, heading: str, rows: Iterable[Any]) -> None:
        """Print `rows`, dataclasses of one kind, as a table, each row as soon as it is measured."""
        self._print(f"\n{heading}")
        shown = self._found[name] = []
        for row in map(asdict, rows):
            widths = [max(len(n), 14 if isinstance(x, str) else 8) for n, x in row.items()]
            if not shown:
                self._print("  ".join(f"{n:>{w}}" for n, w in zip(row, widths, strict=True)))
            cells = zip(row.values(), widths, strict=True)
            self._print("  ".join(f"{_text(x):>{w}}" for x, w in cells))
            shown.append(row)

    def note(self, text: str) -> None:
        """Print a line outside of any table."""
        self._found.setdefault("notes", []).append(text)
        self._print(text)

    def end(self) -> None:
        """Print the JSON."""
        if self._as_json:
            print(json.dumps(self._found))

    def _print(self, text: str) -> None:
        if not self._as_json:
            print(text, flush=True)


def _text(value: object) -> str:
    if value is None:
        return "-"
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1000 else f"{value:.4g}"
    return str(value)
