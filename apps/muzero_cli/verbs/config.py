"""`mlx-muzero config`: show the configuration a run would get, and check a file."""

from pathlib import Path
from typing import Annotated

import typer

from muzero_cli.display.console import echo
from muzero_cli.failures import answer
from muzero_cli.options import (
    ConfigFile,
    Json,
    Overrides,
    Preset,
    TradedSymbols,
)

app = typer.Typer(no_args_is_help=True, help="Show and check configurations.")


@app.command("show")
def show(
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    symbol: TradedSymbols = None,
    as_json: Json = False,
) -> None:
    """Print every key with its value, meaning and range, as TOML you can edit."""
    from dataclasses import asdict

    from mlx_muzero.config import toml as config_toml
    from mlx_muzero.experiment.loading import load_config

    settings = load_config(preset, config, set_, symbol)
    if as_json:
        answer(asdict(settings))
    else:
        echo(config_toml.dumps(settings).rstrip("\n"))


@app.command("validate")
def validate(
    file: Annotated[Path, typer.Argument(help="TOML file.")], as_json: Json = False
) -> None:
    """Check a configuration file and report every wrong key, type and value at once."""
    from mlx_muzero.experiment.loading import load_config

    load_config(None, file, [])
    if as_json:
        answer({"file": str(file), "valid": True})
    else:
        echo(f"{file}: valid")
