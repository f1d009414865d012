"""Where a verb writes: data to standard output, narration to standard error, both cleaned.

Verbs print only through this module (`pyproject.toml` enforces it), so that no name from a file or
a venue reaches the terminal as a command. Rich is loaded with the first console.
"""

import logging
import traceback
from types import TracebackType
from typing import TYPE_CHECKING

import typer

from mlx_muzero.untrusted.terminal_text import clean

if TYPE_CHECKING:
    from mlx_muzero.exports.deployment import EngineEvent
    from muzero_cli.display.terminal import TerminalConsole

PIPED_WIDTH = 100
"""Width in columns if standard output is not a terminal."""


def output_console() -> "TerminalConsole":
    """Standard output, for tables and trees; wide enough when it is piped."""
    from muzero_cli.display.terminal import TerminalConsole

    out = TerminalConsole()
    return out if out.is_terminal else TerminalConsole(width=PIPED_WIDTH)


def narration_console(*, quiet: bool = False) -> "TerminalConsole":
    """Standard error, for progress and messages to the user."""
    from muzero_cli.display.terminal import TerminalConsole

    return TerminalConsole(stderr=True, quiet=quiet)


def echo(text: str) -> None:
    """Print a line, or JSON, on standard output without loading Rich."""
    typer.echo(clean(text))


def keep_logs_clean() -> None:
    """Clean the warnings that Python itself writes to standard error."""
    if logging.lastResort is not None:
        logging.lastResort.setFormatter(_CleanFormatter())


class _CleanFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        return clean(super().format(record))


def say_bug(kind: type[BaseException], bug: BaseException, trace: TracebackType | None) -> None:
    """Print a traceback on standard error: the `sys.excepthook` for bugs."""
    typer.echo(clean("".join(traceback.format_exception(kind, bug, trace))), err=True, nl=False)


def say_event(event: "EngineEvent") -> None:
    """Print `event` on standard error."""
    say(narration_console(), str(event))


def say(console: "TerminalConsole", text: str) -> None:
    """Print a line without wrapping it, so that a command can be copied."""
    console.print(text, soft_wrap=True)
