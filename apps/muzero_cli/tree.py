"""`mlx-muzero tree`."""

import json
from pathlib import Path
from typing import Annotated, Optional

import typer

from muzero_cli.options import Checkpoint, Json, RunDatabase, Simulations


def tree(
    run: Annotated[Path, typer.Argument(help="Run folder.")],
    at: Annotated[str, typer.Option(help="Open of the bar decided on, UTC: 2018-03-05T14:30.")],
    pair: Annotated[
        Optional[str], typer.Option(help="Symbol in the bar store; the run's by default.")
    ] = None,
    fold: Annotated[
        float,
        typer.Option(min=0.0, max=1.0, help="Fold branches below this share of the visits."),
    ] = 0.05,
    simulations: Simulations = None,
    checkpoint: Checkpoint = "best",
    db: RunDatabase = None,
    as_json: Json = False,
    as_dot: Annotated[bool, typer.Option("--dot", help="Print a graph for Graphviz.")] = False,
) -> None:
    """Show what a run's agent considers at one bar, from a flat account."""
    from mlx_muzero.agent import Agent
    from mlx_muzero.evaluation.decision import decide_at
    from mlx_muzero.market.bars import utc_ns, utc_text
    from mlx_muzero.market.outcomes import OUTCOME_NAMES
    from mlx_muzero.trading.core import TradingRules
    from mlx_muzero.training.models import load_model
    from mlx_muzero.training.run import MarketRecord, RunFolder
    from muzero_cli.console import output_console
    from muzero_cli.loading import load_dataset, of_symbol
    from muzero_cli.tree_display import TreeDisplay

    if as_json and as_dot:
        raise typer.BadParameter("cannot be joined with --json", param_hint="--dot")
    try:
        open_time_ns = utc_ns(at)
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--at") from error
    folder = RunFolder(run)
    trained = folder.config()
    config = of_symbol(trained, pair) if pair else trained
    rules = TradingRules.from_config(config)
    model, name = load_model(folder, rules.table, checkpoint)
    dataset, store = load_dataset(config, db or Path(folder.market().store))
    if config.market.symbol == trained.market.symbol:
        folder.require_market(MarketRecord.of(store, dataset))
    agent = Agent(model, config.search, rules.table, len(OUTCOME_NAMES))
    simulations = simulations or config.search.num_simulations
    decision = decide_at(agent, dataset, open_time_ns, simulations)
    display = TreeDisplay(
        f"{run}, checkpoint {name}: {config.market.symbol} at {utc_text(open_time_ns)} UTC, "
        f"{simulations} simulations",
        decision,
        rules.table.action_names,
        OUTCOME_NAMES,
    )
    if as_json:
        values = {
            "checkpoint": name,
            "symbol": config.market.symbol,
            "time": utc_text(open_time_ns),
            "simulations": simulations,
        }
        typer.echo(json.dumps(values | display.as_dict(), allow_nan=False))
    elif as_dot:
        typer.echo(display.dot(fold))
    else:
        output_console().print(display.text(fold), soft_wrap=True)
