"""Tables of policies that fit into 80 columns, and the numbers in their cells."""

import math
from collections.abc import Mapping, Sequence

from rich import box
from rich.table import Table
from rich.text import Text


def policy_table(*headings: str, first: str = "policy") -> Table:
    """An empty table with one row per policy (or whatever `first` names) and these columns."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column(first, overflow="fold")
    for heading in headings:
        # A heading like "[95% interval]" is text, not markup.
        table.add_column(Text(heading), justify="right", no_wrap=True)
    return table


def filled(table: Table, rows: Mapping[str, Sequence[str | Text]]) -> Table:
    """`table` with these rows, by policy."""
    for name, cells in rows.items():
        table.add_row(name, *cells)
    return table


def net_interval(net: float, low: float | None, high: float | None) -> Text:
    """Net pips and their interval, ``+74.6 [+56.7, +93.9]``, styled by `verdict`."""
    return Text(f"{signed(net):>5} {ends(low, high)}", style=verdict(low, high))


def ends(low: float | None, high: float | None) -> str:
    """An interval as text; ``[    -,     -]`` if nothing could be resampled."""
    texts = ["-" if end is None else signed(end) for end in (low, high)]
    return "[{:>5}, {:>5}]".format(*texts)


def verdict(low: float | None, high: float | None) -> str:
    """The style of a figure whose interval is above 0, below 0, or contains 0."""
    if low is None or high is None:
        return ""
    return "green" if low > 0 else "red" if high < 0 else ""


def signed(value: float) -> str:
    """`short` with its sign, in at most five characters: +0.52, -12.3, +1240, -12k."""
    text = short(abs(value))
    sign = "" if text == "0.00" else "-" if value < 0 else "+"
    return sign + text


def short(value: float) -> str:
    """A number from 0 on in at most four characters: 0.52, 12.3, 1240, 12k, 17M, 2G, 4e12, inf."""
    for below, decimals in ((10, 2), (100, 1), (10_000, 0)):
        if round(value, decimals) < below:
            return f"{value:.{decimals}f}"
    return _thousands(value)


def count(value: float) -> str:
    """A whole number in at most six characters: 98,304 or 131k."""
    return f"{value:,.0f}" if value < 99_999.5 else _thousands(value)


def _thousands(value: float) -> str:
    if value == math.inf:
        return "inf"
    for suffix in "kMG":
        value /= 1000
        if round(value) < 1000:
            return f"{value:.0f}{suffix}"
    return f"{value * 1e9:.0e}".replace("e+", "e")


def ratio(value: float | None) -> str:
    """A gain over a loss in at most five characters: 2.41, -0.52, inf, or - for 0 over 0."""
    if value is None:
        return "-"
    return short(value) if value >= 0.0 else signed(value)
