"""`mlx-muzero`: the verbs, and how their errors become exit codes.

Exit codes: 0 done; 2 wrong usage; 3 configuration; 4 market data; 5 run or checkpoint; 6 training
diverged; 7 search; 8 export; 9 exported programs do not run; 10 feed; 12 leakage; 13 a rank of a
distributed training was lost; 14 a file or the disk; 15 an alert was not delivered; 130 stopped by
the user.
With --exit-code, of a verdict: 0 skill; 21 not shown; 22 loses; 23 too short.
Narration goes to stderr, data to stdout.
"""

import sys
from typing import Annotated

import typer

from mlx_muzero import __version__
from muzero_cli.display.console import echo, keep_logs_clean
from muzero_cli.failures import ended
from muzero_cli.verb_table import VerbGroup

app = typer.Typer(
    cls=VerbGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    help="Planning-based trading: Stochastic MuZero in MLX with a C++ tree search.",
    epilog="Exit codes: 2 usage, 3 configuration, 4 market data, 5 run or checkpoint, "
    "6 training diverged, 7 search, 8 export, 9 exported programs do not run, 10 feed, "
    "12 leakage, 13 a training rank lost, 14 a file or the disk, 15 an alert not delivered, "
    "with --exit-code 21 not shown, 22 loses, 23 too short; 130 stopped by the user.",
)


def _print_version(wanted: bool) -> None:
    if wanted:
        echo(f"mlx-muzero {__version__}")
        raise typer.Exit


@app.callback()
def before_a_verb(
    _version: Annotated[
        bool,
        typer.Option(
            "--version",
            callback=_print_version,
            is_eager=True,
            help="Print the version and exit; doctor prints those of MLX and the other packages.",
        ),
    ] = False,
) -> None:
    """Root command; takes no options besides --version."""


def run() -> None:
    """Entry point of the console script."""
    keep_logs_clean()
    with ended():
        code = app(prog_name="mlx-muzero", standalone_mode=False)
        sys.exit(code if isinstance(code, int) else 0)


if __name__ == "__main__":
    run()
