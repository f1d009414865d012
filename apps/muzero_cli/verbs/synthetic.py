"""`mlx-muzero data synth`."""

from typing import Annotated, Optional

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.market.synthetic.kinds import MarketKind
from muzero_cli.display.console import echo
from muzero_cli.failures import answer
from muzero_cli.options import Database, Json


def synth(
    kind: Annotated[MarketKind, typer.Argument(help="Kind of market.")],
    symbol: Annotated[
        Optional[str],
        typer.Option(help="Name in the store, numbered for several pairs (default: the kind's)."),
    ] = None,
    days: Annotated[int, typer.Option(min=1, help="Trading days of 1440 bars.")] = 250,
    seed: Annotated[int, typer.Option(min=0, help="Seed of all random numbers.")] = 1,
    cost_pips: Annotated[
        Optional[float],
        typer.Option(
            min=0.0,
            help="Round-trip cost for which to compute the known optimum (default: the kind's, 4, "
            "or 6 for planted_wait).",
        ),
    ] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Make a market with a known best policy, replacing any of the same name."""
    from mlx_muzero.experiment.synthetic_market import store_market
    from mlx_muzero.trading.cost_size import clock_note

    bars, truth = store_market(db, kind, symbol, days, seed, cost_pips)
    names, count = ",".join(own.symbol for own in bars), sum(map(len, bars))
    if as_json:
        answer({"symbol": names, "bars": count, "truth": truth})
        return
    told = ""
    if every := truth.get("cost_clock_minutes"):
        told = f", {clock_note(every, truth['cost_clock_pips'])}"
    if entries := truth.get("max_entries"):
        told += f", with {entries} entries a session"
    if limit := truth.get("max_total_exposure"):
        told += f", with an exposure of {limit:g} for all pairs"
    echo(
        f"{names}: {count:,} bars in {db}; the best policy without foresight expects "
        f"{truth['expected_pips_per_session']:+.1f} net pips per session of "
        f"{truth['session_bars']} bars at {truth['round_trip_cost_pips']:g} pips per trade{told}"
    )
