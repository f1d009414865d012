"""`mlx-muzero check-leakage`."""

from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli import completion
from muzero_cli.display.console import output_console, say_event
from muzero_cli.failures import answer
from muzero_cli.options import Checkpoint, ConfigFile, Json, Overrides, Preset, RunDatabase


def check_leakage(
    run: Annotated[
        Optional[Path],
        typer.Argument(
            help="Run whose agent, features and bars are tested.", autocompletion=completion.runs
        ),
    ] = None,
    symbol: Annotated[
        Optional[str],
        typer.Option(
            help="Symbol to test when there is no run.", autocompletion=completion.symbols
        ),
    ] = None,
    preset: Preset = None,
    config: ConfigFile = None,
    set_: Overrides = [],  # noqa: B006
    db: RunDatabase = None,
    cuts: Annotated[int, typer.Option(min=1, help="How many bars to cut at.")] = 16,
    seed: Annotated[int, typer.Option(min=0, help="Seed of the replacement bars.")] = 0,
    checkpoint: Checkpoint = "best",
    as_json: Json = False,
) -> None:
    """Replace everything after a bar and check that nothing known before it changes."""
    from mlx_muzero.experiment.leakage import LeakageTest
    from mlx_muzero.experiment.loading import load_config
    from mlx_muzero.experiment.trained_run import load_run
    from muzero_cli.display.leakage import leakage_table
    from muzero_cli.display.progress import VerbProgress

    if run is None:
        test = LeakageTest.of_config(load_config(preset, config, set_, symbol, db), db)
    else:
        if symbol or preset or config or set_:
            raise typer.BadParameter(
                "a run has its own configuration; leave out --symbol, --preset, --config and --set",
                param_hint="RUN",
            )
        test = LeakageTest.of_run(load_run(run, checkpoint, db, report=say_event))
    with VerbProgress("cuts", cuts) as progress:
        report = test.run(cuts, seed, progress.tick)
    failed = report.failure()
    if as_json:
        answer(report.as_dict(), failed)
    else:
        output_console().print(leakage_table(report))
    if failed is not None:
        raise failed
