"""When the rows of Binance's `metrics` files were sampled, which is not always `create_time`.

A row covers about five minutes. Files of coin-margined contracts are labelled with its start; those
of USD-M contracts with its end up to 2026-06-24, and with its start from 2026-06-25, as reported in
github.com/binance/binance-public-data/issues/491. A value is known at the end.
"""

import re
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.store.location import in_store
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.types import I64, Bool
from mlx_muzero.words import command

if TYPE_CHECKING:
    from mlx_muzero.market.store.import_table import ImportRecord

METRICS = "binance-metrics"
"""Name of the format."""

STEP_NS = 5 * MINUTE_NS
BEGINNINGS_FROM_NS = utc_ns("2026-06-25")

BEGIN_CLOCK = "UTC, labels begin"
"""Clock recorded for an import of rows labelled with their start."""
END_CLOCK = "UTC, labels end"
"""Clock recorded for rows after the change that are evidently labelled with their end."""

_COIN_MARGINED = re.compile(r"[A-Z0-9]+USD_(?:PERP|\d{6})")


def taken_ns(symbol: str, label_ns: I64) -> tuple[I64, str, list[str]]:
    """When the rows of one file were sampled.

    A file of one day shows it by the times it covers: 00:05 to 00:00 of the next day are ends,
    00:00 to 23:55 starts. Any other file follows the rule above.

    Args:
        symbol: Binance's name of the contract.
        label_ns: ``i64[n]`` ``create_time`` of the rows, in file order.

    Returns:
        ``i64[n]`` times, the clock to record, and what the user should know.
    """
    ruled = _begin_by_rule(symbol, label_ns)
    shown = _begin_by_cover(label_ns)
    begin = ruled if shown is None else np.full(len(label_ns), shown)
    notes = []
    if begin.any():
        notes.append("create_time is the start of a row's five minutes: known five minutes later")
    if (begin != ruled).any():
        other = (
            "00:00 to 23:55, so they are starts" if shown else "00:05 to 00:00, so they are ends"
        )
        notes.append(f"its labels cover {other}, unlike in Binance's other files of that time")
    clock = BEGIN_CLOCK if begin.any() else END_CLOCK if ruled.any() else "UTC"
    return label_ns + STEP_NS * begin, clock, notes


def misread(record: "ImportRecord") -> bool:
    """Whether 0.1.0 misread a file labelled with starts as if the labels were ends."""
    if record.format != METRICS or record.clock != "UTC":
        return False
    coin = _COIN_MARGINED.fullmatch(record.symbol) is not None
    return coin or (record.last_ns or 0) > BEGINNINGS_FROM_NS


def misread_note(records: "Iterable[ImportRecord]", database: Path) -> str | None:
    """A note on the files that 0.1.0 read too early into a store, or None if there are none."""
    files = [f"{record.file} ({record.symbol})" for record in records if misread(record)]
    if not files:
        return None
    shown = ", ".join(files[:3]) + (f" and {len(files) - 3:,} more" if len(files) > 3 else "")
    return (
        f"the open interest of {shown} was read five minutes before it was known, by an earlier"
        " mlx_muzero: import it again with "
        + command("data", "import", "--replace", "FILE", *in_store(database))
    )


def _begin_by_rule(symbol: str, label_ns: I64) -> Bool:
    if _COIN_MARGINED.fullmatch(symbol):
        return np.ones(len(label_ns), bool)
    begin = label_ns >= BEGINNINGS_FROM_NS
    at_change = np.flatnonzero(label_ns == BEGINNINGS_FROM_NS)
    last_end_is_there = len(at_change) > 1 or not (label_ns > BEGINNINGS_FROM_NS).any()
    if len(at_change) and last_end_is_there and (label_ns < BEGINNINGS_FROM_NS).any():
        # The last row of the last day with end labels. If only one of the two rows with that label
        # is left, the other being blank or missing, it counts as known at the later time.
        newest_first = label_ns[0] > label_ns[-1]
        begin[at_change[-1 if newest_first else 0]] = False
    return begin


def _begin_by_cover(label_ns: I64) -> bool | None:
    first, last = int(label_ns.min()), int(label_ns.max())
    if last - first != DAY_NS - STEP_NS:
        return None
    return {0: True, STEP_NS: False}.get(first % DAY_NS)
