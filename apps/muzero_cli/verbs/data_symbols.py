"""`mlx-muzero data instrument`, `rename` and `remove`: everything stored under one symbol."""

import sys
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Literal, Optional

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion
from muzero_cli.display.console import echo
from muzero_cli.failures import answer
from muzero_cli.options import Database, Json

if TYPE_CHECKING:
    from mlx_muzero.market.instrument import Instrument

Held = Annotated[
    str, typer.Argument(help="Symbol in the bar store.", autocompletion=completion.symbols)
]


def instrument(
    symbols: Annotated[
        str,
        typer.Argument(
            metavar="SYMBOL",
            help="Symbol, with or without bars; separate several by commas.",
            autocompletion=completion.symbols,
        ),
    ],
    calendar: Annotated[
        Optional[Literal["fx", "crypto"]],
        typer.Option(help="When it trades: fx closes at weekends, crypto never closes."),
    ] = None,
    pip: Annotated[
        Optional[float], typer.Option(help="Price of one pip; 0 to count in basis points.")
    ] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Record how a symbol trades if its name does not tell; without options, show it."""
    from mlx_muzero.market.stated_instruments import Unstated, state_instruments
    from mlx_muzero.market.store.bar_store import BarStore

    names = symbols.split(",")
    if calendar is None and pip is None:
        with BarStore(db, read_only=True) as store:
            found = store.instruments([store.spelling(name) for name in names])
    else:
        try:
            found = state_instruments(db, names, calendar, pip)
        except Unstated as error:
            option = {"market": "--calendar", "pip_size": "--pip", None: None}[error.missing]
            raise typer.BadParameter(str(error), param_hint=option) from error
    if as_json:
        answer({"instruments": [asdict(one) for one in found]})
        return
    for one in found:
        echo(f"{one.symbol}: {in_words(one)}")


def in_words(instrument: "Instrument | None") -> str:
    """How an instrument trades, in words."""
    if instrument is None:
        return "not known"
    unit = f"pip {instrument.pip_size:g}" if instrument.pip_size else "bps"
    step = f", step {instrument.price_step:g}" if instrument.price_step else ""
    return f"{instrument.market}, {unit}{step}"


def rename(
    symbol: Held,
    to: Annotated[str, typer.Argument(help="New name; must not be in use.")],
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Rename a symbol, with its bars, series, imports and how it trades."""
    from mlx_muzero.market.column_shelf import ColumnShelf
    from mlx_muzero.market.store.bar_store import BarStore

    with BarStore(db, existing=True) as store:
        old = store.spelling(symbol)
        new = store.rename(symbol, to)
        counts = store.count(new)
    ColumnShelf(db).remove_of(old)
    if as_json:
        answer({"symbol": old, "to": new} | asdict(counts))
        return
    echo(
        f"{old} is now {new}: {counts.bars:,} bars, {counts.points:,} points of series, "
        f"{counts.imports:,} imports. Runs and paper sessions started on {old} still use the "
        "old name."
    )


def remove(
    symbol: Held,
    from_: Annotated[
        str, typer.Option("--from", help="Start of what to remove, in UTC, such as 2025-05-26.")
    ] = "",
    to: Annotated[str, typer.Option(help="End of what to remove (exclusive).")] = "",
    yes: Annotated[
        bool, typer.Option("--yes", help="Remove without asking for confirmation.")
    ] = False,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Remove a symbol, or its bars and series of a period; their files can be imported again."""
    from mlx_muzero.market.column_shelf import ColumnShelf
    from mlx_muzero.market.store.bar_store import BarStore

    start_ns, end_ns = _time_ns(from_, "--from"), _time_ns(to, "--to")
    if start_ns is not None and end_ns is not None and start_ns >= end_ns:
        raise typer.BadParameter(f"{to} is not after {from_}", param_hint="--to")
    with BarStore(db, existing=True) as store:
        store.require(symbol)
        spelled = store.spelling(symbol)
        if not yes:
            _ask(f"Remove {spelled}{_span(from_, to)} from {db}?")
        removed = store.remove(symbol, start_ns, end_ns)
    freed = ColumnShelf(db).remove_of(spelled)
    if as_json:
        features = {"features_bytes": freed} if freed else {}
        answer({"symbol": spelled} | asdict(removed) | features)
        return
    echo(
        f"{spelled}{_span(from_, to)}: removed {removed.bars:,} bars and {removed.points:,} points "
        f"of series; the files of {removed.imports:,} imports can be imported again"
    )
    if freed:
        echo(f"{freed / 1e9:.1f} GB of features kept for training went with them")


def _ask(question: str) -> None:
    if not sys.stdin.isatty():
        raise typer.BadParameter("there is no terminal to ask on; add --yes", param_hint="--yes")
    typer.confirm(question, abort=True, err=True)


def _span(from_: str, to: str) -> str:
    return (f" from {from_}" if from_ else "") + (f" to {to}" if to else "")


def _time_ns(text: str, option: str) -> int | None:
    from mlx_muzero.market.bars import utc_ns

    try:
        return utc_ns(text) if text else None
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint=option) from error
