"""`mlx-muzero looks`: the ledger of everything that was trained, chosen and tested on bars."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Optional

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.words import counted, named
from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import answer
from muzero_cli.options import Database, Json, to_be_read

if TYPE_CHECKING:
    from rich.table import Table

    from mlx_muzero.runlog.look import Look

_DIGEST_SHOWN = 8


def looks(
    symbol: Annotated[
        Optional[str],
        typer.Option(help="Only looks at these; by commas.", autocompletion=completion.symbols),
    ] = None,
    merge: Annotated[
        Optional[Path],
        typer.Option(
            help="Add the looks of another ledger, such as one from another machine.",
            callback=to_be_read,
        ),
    ] = None,
    everything: Annotated[
        bool, typer.Option("--all", help="Also looks at this user's other stores.")
    ] = False,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """List what was trained, chosen and tested on a store's bars, or merge another such ledger."""
    from mlx_muzero.runlog.look_ledger import LookLedger

    ledger = LookLedger(db)
    merged, refused = (0, []) if merge is None else ledger.merge(merge)
    kept = ledger.kept()
    for line in (*refused, *kept.refused):
        say(narration_console(), f"not counted: {line}")
    if merge is not None:
        say(narration_console(), f"{merged:,} looks added to {ledger.path} and {ledger.own}")
    wanted = set(symbol.split(",")) if symbol else None
    found = [
        look
        for look, beside in kept.looks.values()
        if (beside or everything) and (wanted is None or wanted.intersection(look.bars.symbols))
    ]
    found.sort(key=lambda look: look.time)
    if as_json:
        answer({"looks": [_facts(look) for look in found], "merged": merged})
        return
    if not found:
        of = f" at {symbol}" if symbol else ""
        more = "" if everything else "; --all lists those at your other stores"
        say(narration_console(), f"{ledger.path}: no looks{of} yet{more}")
        return
    output_console().print(_table(found))
    output_console().print(_counts(found), style="dim")


def _facts(look: "Look") -> dict[str, object]:
    bars = replace(look.bars, marks={})
    return replace(look, bars=bars).facts()


def _table(found: Sequence["Look"]) -> "Table":
    from mlx_muzero.market.bars import utc_text
    from muzero_cli.display.policy_tables import policy_table, signed

    headings = ("what", "symbols", "from", "to", "run", "seed", "config-\nuration", "net")
    table = policy_table(*headings, first="recorded, UTC")
    for look in found:
        nets = [policy.mean for policy in look.policies.values()]
        table.add_row(
            look.time[:16].replace("T", " "),
            look.what,
            named(look.bars.symbols, "symbol", ","),
            utc_text(look.bars.first_ns)[:10],
            utc_text(look.bars.end_ns)[:10],
            look.run,
            "" if look.seed is None else str(look.seed),
            look.configuration[:_DIGEST_SHOWN],
            signed(max(nets)) if nets else "",
        )
    return table


def _counts(found: Iterable["Look"]) -> str:
    found = list(found)
    kinds = {kind: [look for look in found if look.kind == kind] for kind in _KINDS}
    told = ", ".join(
        counted(len(looks), _KINDS[kind][0]) + _KINDS[kind][1] for kind, looks in kinds.items()
    )
    configurations = counted(len({look.configuration for look in found}), "configuration")
    return (
        f"{told}; {configurations}. Net: of a session, or of sessions at the "
        "same hours; the best row of a comparison. The configuration is the start of its digest."
    )


_KINDS = {
    "trained": ("training", ""),
    "validated": ("judgement", " to choose by"),
    "evaluated": ("judgement", " on unseen bars"),
}
"""What is counted, and of which kind."""
