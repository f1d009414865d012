"""Opens the minute bars of LEAN, QuantConnect's engine: a zip for each day, of trades or quotes."""

from pathlib import Path

from mlx_muzero.market.bars import BAR_COLUMNS, PRICE_COLUMNS
from mlx_muzero.market.importers.fields import OF_DAY
from mlx_muzero.market.importers.formats import LEAN
from mlx_muzero.market.importers.lean_names import lean_name
from mlx_muzero.market.importers.packed import open_text
from mlx_muzero.market.importers.text import TextSource
from mlx_muzero.market.importers.text_layout import TextLayout
from mlx_muzero.market.store.staging import ASK_COLUMNS

_COLUMNS = {
    "trade": BAR_COLUMNS,
    # The size that was bid or asked last follows each side.
    "quote": (*PRICE_COLUMNS, "", *ASK_COLUMNS, ""),
}


def open_lean(path: Path, symbol: str | None) -> TextSource:
    """A source for the zip at `path`.

    Args:
        path: the file.
        symbol: the symbol, if the user gave it.

    Raises:
        DataError: it does not hold minute bars of currencies or coins, or its name and folders do
            not tell.
    """
    with open_text(path) as stream:
        name, size = stream.name, stream.size
    named = lean_name(path, name)
    columns = _COLUMNS[named.kind]
    layout = TextLayout(
        delimiter=b",",
        fields=len(columns) + 1,
        time=(0, 0),
        columns={column: field for field, column in enumerate(columns, 1) if column},
        patterns=(OF_DAY,),
        day_ns=named.day_ns,
    )
    return TextSource(
        path,
        LEAN,
        layout,
        size,
        zoned=False,
        clock=named.clock,
        stamps="open",
        names={} if symbol is not None else {named.symbol: named.symbol},
    )
