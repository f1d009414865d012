"""How a command that fails ends: an error message and an exit code.

Without ``--json``, it prints the usage or one line on standard error. With ``--json``, it prints
one object on standard output in place of the answer,
``{"error": {"code": "market-data", "exit_code": 4, "message": "..."}}``. A bug keeps its traceback
either way.
"""

import io
import json
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import typer

from mlx_muzero.errors import MuZeroError, RunError
from mlx_muzero.files.refusals import as_storage_error
from mlx_muzero.untrusted.json_values import finite
from mlx_muzero.untrusted.terminal_text import clean
from muzero_cli.display.console import echo, narration_console, say, say_bug

if TYPE_CHECKING:
    from mlx_muzero.evaluation.luck.verdict import Verdict
    from mlx_muzero.runlog.verdict_file import VerdictFile

WRONG_USAGE = 2
OTHERWISE = 1
STOPPED_EXIT_CODE = 130
"""Exit code of a command stopped by a signal, as in shells."""

# Typer uses Click's own classes, or copies of them in later versions; this is the base of either.
_UsageError: Any = typer.BadParameter.__mro__[1]


@contextmanager
def ended() -> Iterator[None]:
    """Turn an error raised in the block into a message and an exit code, and exit."""
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
        failure = as_storage_error(error)
        if failure is not None:
            _tell(failure, as_json)
        _bug(error, as_json)
        raise
    except Exception as error:
        _bug(error, as_json)
        raise


def wants_json(arguments: list[str]) -> bool:
    """Whether a command line asks for JSON, even if it cannot be parsed."""
    options = arguments[: arguments.index("--")] if "--" in arguments else arguments
    return "--json" in options


def described(code: str, exit_code: int, message: str) -> dict[str, Any]:
    """An error as the ``error`` of an answer."""
    return {"error": {"code": code, "exit_code": exit_code, "message": message}}


def answer(values: dict[str, Any] | list[Any], failed: MuZeroError | None = None) -> None:
    """Print a verb's answer as JSON. Every answer is printed by this function.

    NaN and infinity, which JSON lacks, become null.

    Args:
        values: the answer; an object if something may have failed.
        failed: why the answer is not what was asked for, to be added as ``error``.

    Raises:
        typer.Exit: with the exit code of `failed`.
    """
    if failed is not None:
        values = dict(values) | described(failed.code, failed.exit_code, str(failed))
    echo(json.dumps(finite(values), allow_nan=False))
    if failed is not None:
        raise typer.Exit(failed.exit_code)


def end_with(verdict: "Verdict | VerdictFile | None") -> None:
    """End with the exit code of a verdict; without one, nothing is shown.

    Raises:
        typer.Exit: with it, unless it is 0.
    """
    from mlx_muzero.runlog.verdict_file import EXIT_CODES

    if code := EXIT_CODES["not shown" if verdict is None else verdict.call]:
        raise typer.Exit(code)


def kept_verdict(run: Path) -> "VerdictFile":
    """The verdict that the folder `run` keeps, to end with it.

    Raises:
        RunError: it keeps none, or a damaged one.
    """
    from mlx_muzero.runlog.verdict_file import VerdictFile

    kept = VerdictFile.load(run)
    if not isinstance(kept, VerdictFile):
        by = "evaluate, walk-forward and paper report each give one"
        raise RunError(kept or f"{run} has no verdict yet: {by}")
    return kept


def _tell(error: MuZeroError, as_json: bool) -> None:
    if not as_json:
        from rich.text import Text

        message = Text.assemble(("error:", "bold red"), f" {clean(str(error))}")
        narration_console().print(message, soft_wrap=True)
    _end(as_json, error.code, error.exit_code, str(error))


def _bug(error: Exception, as_json: bool) -> None:
    # Set late, because Typer sets its own when it starts.
    sys.excepthook = say_bug
    if as_json:
        message = f"a bug in mlx_muzero ({type(error).__name__}: {error})"
        answer(described("bug", OTHERWISE, message))


def _end(as_json: bool, code: str, exit_code: int, message: str) -> None:
    if as_json:
        try:
            answer(described(code, exit_code, message))
        except OSError:  # it is standard output that cannot be written
            say(narration_console(), f"error: {message}")
    sys.exit(exit_code)
