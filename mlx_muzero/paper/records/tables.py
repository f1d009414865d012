"""Tables of a paper session's store, which its transactions hold as JSON, column by column."""

import json
from collections.abc import Mapping

from mlx_muzero.market.store.table_files import TableFormat

TABLES: dict[str, dict[str, str]] = {
    "bars": {
        "pair": "varchar", "open_time_ns": "bigint", "open": "double", "high": "double",
        "low": "double", "close": "double", "volume": "double", "source_time_ns": "bigint",
        "arrival_time_ns": "bigint",
    },
    "quotes": {"pair": "varchar", "open_time_ns": "bigint"}
    | dict.fromkeys(("spread", "close_spread"), "double"),
    "decisions": {
        "close_ns": "bigint", "pair": "varchar", "bar": "bigint", "position": "integer",
        "action": "integer", "visits": "integer[]", "value": "double", "network_value": "double",
        "simulations": "integer", "order_id": "bigint", "limited_by": "varchar",
    },
    "orders": {
        "id": "bigint", "pair": "varchar", "close_ns": "bigint", "sent_ns": "bigint",
        "action": "integer", "from_exposure": "double", "to_exposure": "double",
    },
    "order_ends": {"order_id": "bigint", "end": "varchar", "reason": "varchar"},
    "fills": {
        "id": "bigint", "order_id": "bigint", "pair": "varchar", "fill_ns": "bigint",
        "units": "double", "price": "double", "fee": "double", "slippage": "double",
        "exposure": "double",
    },
    "trades": {
        "pair": "varchar", "exposure": "double", "entry_ns": "bigint", "exit_ns": "bigint",
        "entry_bar": "bigint", "exit_bar": "bigint", "entry_price": "double",
        "exit_price": "double", "gross_pips": "double", "cost_pips": "double",
        "funding_pips": "double", "gross": "double",
        "cost": "double", "funding": "double", "net": "double",
    },
    "equity": {
        "close_ns": "bigint", "mode": "varchar", "equity": "double", "realized": "double",
        "unrealized": "double", "cash": "double", "exposure_total": "double",
    },
    "commands": {"time_ns": "bigint", "name": "varchar", "pair": "varchar"},
    "points": {
        "pair": "varchar", "series": "varchar", "event_ns": "bigint", "known_ns": "bigint",
        "value": "double",
    },
}  # fmt: skip
"""Columns of every table; rows keep the order in which they were committed."""

NO_TABLES = "a transaction without tables"
_ROWS = f"if(starts_with(rows, '{{'), rows, error('{NO_TABLES}')) as rows"


def rows_of(
    name: str, columns: Mapping[str, str], among: str = "", *, numbered: bool = False
) -> str:
    """Selects the rows of a table from the transactions, or from those `among` them.

    If `numbered`, the number of its transaction stands before each row. Where a transaction holds
    no tables, the query fails: JSON of another kind would look as if nothing had happened.
    """
    shape = json.dumps({column: [kind] for column, kind in columns.items()})
    values = ", ".join(f'unnest(t."{column}") as "{column}"' for column in columns)
    number = "seq, " * numbered
    # Sorted before unnesting, because the rows within a transaction have an order too.
    return (
        f"select {number}{values} from "
        f"(select {number}from_json(json_extract(rows, '$.{name}'), '{shape}') as t "
        f"from (select {number}{_ROWS} from transactions{among} order by seq))"
    )


def time_of(column: str, kind: TableFormat) -> str:
    """Selects the time behind a column in nanoseconds, after others; "" for any other column."""
    if not column.endswith("_ns"):
        return ""
    time = f'make_timestamp("{column}" // 1000)'
    if kind == "csv":
        time = f"strftime({time}, '%Y-%m-%dT%H:%M:%S.%gZ')"
    return f', {time} as "{column.removesuffix("ns")}time"'
