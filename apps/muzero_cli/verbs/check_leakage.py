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
    from mlx_muzero.errors import LeakageError
    from mlx_muzero.evaluation import leakage
    from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
    from mlx_muzero.evaluation.baselines import RandomPolicy, mean_reversion, momentum
    from mlx_muzero.evaluation.policy import Policy
    from mlx_muzero.experiment.loading import load_config, load_histories
    from mlx_muzero.experiment.trained_run import load_run
    from mlx_muzero.market.dataset import MarketDataset
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.run import RunFolder
    from muzero_cli.display.leakage import leakage_table, verdict
    from muzero_cli.display.progress import VerbProgress

    policies: list[Policy] = [momentum(5), mean_reversion(30), RandomPolicy(seed=0)]
    if run is None:
        settings = load_config(preset, config, set_, symbol, db)
    else:
        if symbol or preset or config or set_:
            raise typer.BadParameter("a run has a configuration of its own", param_hint="RUN")
        loaded = load_run(run, checkpoint, db, report=say_event)
        settings, agent = loaded.config, loaded.agent()
        db = loaded.store
        search = SearchPolicy(agent, settings.search.num_simulations, "agent (search)")
        policies += [search, NetworkPolicy(agent, "agent (raw network)")]
    period = None if run is None else RunFolder(run).market().period
    histories, _ = load_histories(settings, db, period=period)
    with VerbProgress("cuts", cuts) as progress:
        report = leakage.check_leakage(
            histories,
            lambda changed: MarketDataset.of_pairs(changed, settings.market),
            TradingRules.from_config(settings),
            policies,
            cuts,
            seed,
            progress.tick,
        )
    why = verdict(report)
    failed = None if why is None else LeakageError(why)
    if as_json:
        answer(report.as_dict(), failed)
    else:
        output_console().print(leakage_table(report))
    if failed is not None:
        raise failed
