"""`mlx-muzero tui`."""

import gc
import os
import sys
from pathlib import Path
from shlex import join
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_muzero.errors import MuZeroError
from mlx_muzero.words import command
from muzero_cli import completion
from muzero_cli.failures import answer
from muzero_tui.pixels import asked
from muzero_tui.served import SERVER_VARIABLE

if TYPE_CHECKING:
    from muzero_tui.app import MuZeroApp

DEFAULT_RUNS = Path("runs")

COLLECT_EVERY = 100_000
"""New objects between two garbage collections; Python's default is 700. Until the first screen,
some 60,000 are made that stay, and scanning them would take up to a tenth of that time."""


def tui(
    run: Annotated[
        Path,
        typer.Argument(help="Run folder, or a folder of runs.", autocompletion=completion.runs),
    ] = DEFAULT_RUNS,
    read_only: Annotated[
        bool, typer.Option("--read-only", help="Send no commands to the running process.")
    ] = False,
    serve: Annotated[
        bool, typer.Option("--serve", help="Show it read-only in a browser on this machine.")
    ] = False,
    port: Annotated[int, typer.Option(min=1, max=65535, help="Port of --serve.")] = 8000,
    as_json: Annotated[
        bool,
        typer.Option("--json", help="At the end, print what was watched, and any errors, as JSON."),
    ] = False,
) -> None:
    """Watch training and paper trading, live or at any past moment."""
    if serve:
        _serve(run, port)
    else:
        show(run, read_only=read_only)
    if as_json:
        answer({"run": str(run)})


def show(run: Path, *, read_only: bool = False) -> None:
    """Run the application in this terminal until the user leaves it.

    Raises:
        MuZeroError: Textual is not installed.
        typer.BadParameter: there is no terminal.
    """
    require_terminal(run)
    gc.set_threshold(COLLECT_EVERY)
    with asked() as terminal:
        opened = application()
    app = opened(run, read_only=read_only, pixels=terminal.pixels, typed=terminal.typed)
    from muzero_tui.leaving import ended_by_signals

    with ended_by_signals(lambda code: app.call_from_thread(app.exit, return_code=code)):
        app.run()
    if app.return_code:
        raise typer.Exit(app.return_code)


def require_terminal(run: Path) -> None:
    """Require a terminal to draw on and to read keys from.

    Raises:
        typer.BadParameter: standard input, or standard error, where it draws, is not a terminal.
    """
    # In a browser, the server draws it.
    if SERVER_VARIABLE not in os.environ and not (_is_terminal(0) and _is_terminal(2)):
        raise typer.BadParameter(
            f"this is not a terminal; {command('status', run)} prints the same",
            param_hint="tui",
        )


def _is_terminal(descriptor: int) -> bool:
    try:
        return os.isatty(descriptor)
    except OSError:
        return False


def application() -> "type[MuZeroApp]":
    """Import the application.

    Raises:
        MuZeroError: Textual is not installed.
    """
    try:
        from muzero_tui.app import MuZeroApp
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    return MuZeroApp


def _serve(run: Path, port: int) -> None:
    try:
        from muzero_cli.browser import LocalServer
    except ModuleNotFoundError as error:
        raise _missing(error) from error
    command = [sys.executable, "-P", "-m", "muzero_cli.main", "tui", str(run), "--read-only"]
    LocalServer(join(command), port).serve()


def _missing(error: ModuleNotFoundError) -> MuZeroError:
    return MuZeroError(
        f"the terminal application needs a package that is not installed ({error.name}): "
        "pip install 'mlx_muzero[tui]'"
    )
