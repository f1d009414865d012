"""How a command ends that did not do what it was asked for: a told error and an exit code.

Usual: the usage, or one line, on standard error. With ``--json``: one object on standard output in
the place of the answer, ``{"error": {"code": "market-data", "exit_code": 4, "message": "..."}}``. A
bug keeps its traceback either way.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import typer

from mlx_muzero.errors import MuZeroError
from mlx_muzero.files.refusals import told
from mlx_muzero.untrusted.json_values import finite
from mlx_muzero.untrusted.terminal_text import clean
from muzero_cli.display.console import echo, narration_console, say, say_bug

WRONG_USAGE = 2
OTHERWISE = 1
STOPPED_EXIT_CODE = 130
"""Of what a signal stopped, as shells have it."""

# Typer has Click's own classes, or copies of them in later versions; of either this is the base.
_UsageError: Any = typer.BadParameter.__mro__[1]


@contextmanager
def ended() -> Iterator[None]:
    """Ends this process where the block raises, as its error says."""
    as_json = wants_json(sys.argv[1:])
    try:
        yield
    except _UsageError as error:
        if not as_json:
            usage = io.StringIO()
            error.show(usage)
            say(narration_console(), usage.getvalue().rstrip())
        _end(as_json, "usage", WRONG_USAGE, error.format_message())
    except typer.Abort:
        if not as_json:
            say(narration_console(), "aborted")
        _end(as_json, "aborted", OTHERWISE, "aborted")
    except MuZeroError as error:
        _tell(error, as_json)
    except OSError as error:
        failure = told(error)
        if failure is not None:
            _tell(failure, as_json)
        _bug(error, as_json)
        raise
    except Exception as error:
        _bug(error, as_json)
        raise


def wants_json(arguments: list[str]) -> bool:
    """Whether a command line asks for JSON, were it understood or not."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def described(code: str, exit_code: int, message: str) -> dict[str, Any]:
    """An error as an answer's ``error``."""
    return {"error": {"code": code, "exit_code": exit_code, "message": message}}


def answer(values: dict[str, Any] | list[Any], failed: MuZeroError | None = None) -> None:
    """Print a verb's answer as JSON, the only way any is printed.

    What is no number, which JSON lacks, is null.

    Args:
        values: the answer; an object where something may have failed.
        failed: why the answer is not the one that was asked for; its ``error`` says so.

    Raises:
        typer.Exit: with the exit code of `failed`.
    """
    if failed is not None:
        values = dict(values) | described(failed.code, failed.exit_code, str(failed))
    echo(json.dumps(finite(values), allow_nan=False))
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def _tell(error: MuZeroError, as_json: bool) -> None:
    if not as_json:
        from rich.text import Text

        message = Text.assemble(("error:", "bold red"), f" {clean(str(error))}")
        narration_console().print(message, soft_wrap=True)
    _end(as_json, error.code, error.exit_code, str(error))


def _bug(error: Exception, as_json: bool) -> None:
    # Here, as Typer sets it too when it begins.
    sys.excepthook = say_bug
    if as_json:
        message = f"a bug in mlx_muzero ({type(error).__name__}: {error})"
        answer(described("bug", OTHERWISE, message))


def _end(as_json: bool, code: str, exit_code: int, message: str) -> None:
    if as_json:
        try:
            answer(described(code, exit_code, message))
        except OSError:  # standard output is what cannot be written
            say(narration_console(), f"error: {message}")
    sys.exit(exit_code)
