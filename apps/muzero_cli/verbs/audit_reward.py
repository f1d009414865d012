"""`mlx-muzero audit-reward`."""

from typing import Annotated

import typer

from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import answer
from muzero_cli.options import (
    ConfigFile,
    Json,
    Overrides,
    Preset,
    RunDatabase,
    Split,
    TradedSymbols,
)


def audit_reward(
    symbol: TradedSymbols = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    split: Annotated[Split, typer.Option(help="Which part of the data.")] = "train",
    sessions: Annotated[
        int, typer.Option(min=1, help="Maximum number of sessions, spread evenly.")
    ] = 200,
    as_json: Json = False,
) -> None:
    """Rank scripted policies by what each reward scheme pays them, next to their net pips."""
    from mlx_muzero.experiment.loading import load_config
    from mlx_muzero.experiment.reward_audit import RewardAuditing
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.reward_audit import audit_tables

    settings = load_config(preset, config, set_, symbol, db)
    auditing = RewardAuditing.of_config(settings, db, split, sessions)
    for note in auditing.notes:
        say(narration_console(), note)
    with VerbProgress("decisions", auditing.decisions) as progress:
        audit = auditing.run(progress.tick)
    if as_json:
        answer(audit.as_dict())
    else:
        output_console().print(audit_tables(audit, settings.model))
