"""`mlx-muzero alerts`: whether alerts arrive."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.options import Json, SecretsFile

app = typer.Typer(no_args_is_help=True, help="Alerts to people who are not watching a run.")


@app.callback()
def _group() -> None:
    """Keep `test` a subcommand, though it is the only one."""


@app.command("test")
def try_places(
    run: Annotated[
        Optional[Path],
        typer.Argument(
            help="Training run or paper session whose alerts to try.",
            autocompletion=completion.runs,
        ),
    ] = None,
    set_: Annotated[
        list[str],
        typer.Option(
            "--set",
            help="Try another value, as alerts.to=ntfy; repeatable.",
            autocompletion=completion.alert_keys,
        ),
    ] = [],  # noqa: B006
    secrets: SecretsFile = None,
    as_json: Json = False,
) -> None:
    """Send a test message to every place of a run, and say what each answered.

    Addresses and tokens come from the environment, or from the file of --secrets.
    """
    from muzero_cli.verbs.alerts_test import show_test

    show_test(run, set_, secrets, as_json)
