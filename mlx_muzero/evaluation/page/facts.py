"""Contents of a page as JSON, its arrays packed."""

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

import numpy as np

from mlx_muzero.evaluation.page.contents import (
    Candles,
    Course,
    Decisions,
    Line,
    Nodes,
    Page,
    Plot,
    Table,
    Trades,
)
from mlx_muzero.evaluation.page.outlook import cones_of
from mlx_muzero.evaluation.page.packing import Packed, price_digits
from mlx_muzero.market.observation.outcome_cone import (
    HALF_DEVIATIONS,
    MOST_DEVIATIONS,
    ConeBar,
)

_UNKNOWN = -1
"""Stands for a label or a parent that a node of a tree lacks."""


def page_facts(page: Page, packed: Packed) -> dict[str, Any]:
    """What the page's script reads; arrays go into `packed`."""
    digits = [price_digits(candles.high) for candles in page.candles]
    return {
        "title": page.title,
        "about": list(page.about),
        "unit": page.unit,
        "again": asdict(page.again),
        "verdict": None if page.verdict is None else asdict(page.verdict),
        "figures": list(page.figures.items()),
        "courses": [_course(course, packed) for course in page.courses],
        "candles": [_candles(*each, packed) for each in zip(page.candles, digits, strict=True)],
        "trades": None if page.trades is None else _trades(page.trades, digits, packed),
        "decisions": None if page.decisions is None else _decisions(page.decisions, packed),
        "plots": [_plot(plot) for plot in page.plots],
        "tables": [_table(table) for table in page.tables],
        "notes": list(page.notes),
    }


def _course(course: Course, packed: Packed) -> dict[str, Any]:
    return {
        "name": course.name,
        "minute": packed.minutes(course.time_ns),
        "equity": packed.floats(course.equity),
        "shown": course.shown,
    }


def _candles(candles: Candles, digits: int, packed: Packed) -> dict[str, Any]:
    scale = 10.0**digits
    first, high, low, last = (
        np.rint(prices * scale).astype(np.int64)
        for prices in (candles.open, candles.high, candles.low, candles.close)
    )
    # How far a bar reaches beyond its body is small, and deflates well.
    return {
        "symbol": candles.symbol,
        "digits": digits,
        "note": candles.note,
        "minute": packed.minutes(candles.time_ns),
        "open": packed.ints(first, delta=True),
        "body": packed.ints(last - first),
        "above": packed.ints(high - np.maximum(first, last)),
        "below": packed.ints(np.minimum(first, last) - low),
    }


def _trades(trades: Trades, digits: list[int], packed: Packed) -> dict[str, Any]:
    scale = 10.0 ** np.array([*digits, 0])[trades.market]
    return {
        "market": packed.ints(trades.market),
        "exposure": packed.floats(trades.exposure),
        "entry_minute": packed.minutes(trades.entry_ns),
        "exit_minute": packed.minutes(trades.exit_ns),
        "entry_price": packed.ints(np.rint(trades.entry_price * scale)),
        "exit_price": packed.ints(np.rint(trades.exit_price * scale)),
        "gross": packed.floats(trades.gross),
        "cost": packed.floats(trades.cost),
        "ending": packed.small(trades.ending),
        "resized": packed.small(trades.resized),
        "entry_decision": packed.ints(trades.entry_decision),
        "exit_decision": packed.ints(trades.exit_decision),
    }


def _decisions(decisions: Decisions, packed: Packed) -> dict[str, Any]:
    floats = (
        "held",
        "share",
        "prior",
        "q",
        "value",
        "network_value",
        "chances",
        "threshold",
        "moved",
    )
    return {
        "actions": list(decisions.action_names),
        "outcomes": list(decisions.outcome_names),
        "market": packed.ints(decisions.market),
        "minute": packed.minutes(decisions.bar_ns),
        "taken": packed.small(decisions.taken),
        "wanted": packed.small(decisions.wanted),
        **{name: packed.floats(getattr(decisions, name)) for name in floats},
        "trees": _trees(decisions.trees, packed),
        "cones": _cones(decisions, packed),
        "command": packed.small(decisions.command),
        "commands": list(decisions.commands),
        "note": decisions.note,
        "unit": decisions.unit,
    }


def _cones(decisions: Decisions, packed: Packed) -> dict[str, Any]:
    """The cones of all decisions, bar after bar, with how many bars each has and what came."""
    lengths: list[int] = []
    bars: list[ConeBar] = []
    came: list[float] = []
    for at, cone in enumerate(cones_of(decisions)):
        lengths.append(len(cone))
        bars += cone
        tree = decisions.trees.get(at)
        moves = [float(decisions.moved[at])] if tree is None else tree.moves.tolist()
        came += [*moves, *[np.nan] * len(cone)][: len(cone)]
    return {
        "length": packed.small(lengths),
        "mean": packed.floats([bar.mean for bar in bars]),
        "deviation": packed.floats([bar.deviation for bar in bars]),
        "known": packed.floats([bar.known for bar in bars]),
        "came": packed.floats(came),
        "half": HALF_DEVIATIONS,
        "most": MOST_DEVIATIONS,
    }


def _trees(trees: Mapping[int, Nodes], packed: Packed) -> dict[str, Any]:
    """All trees in columns, one after another, with the length of each."""

    def column(name: str) -> list[Any]:
        return [value for tree in trees.values() for value in tree.columns[name]]

    def labels(name: str) -> list[int]:
        return [_UNKNOWN if value is None else int(value) for value in column(name)]

    def numbers(name: str) -> Any:
        return np.array([np.nan if value is None else value for value in column(name)], np.float64)

    return {
        "decision": list(trees),
        "length": [len(tree.columns["parent"]) for tree in trees.values()],
        "whole": [tree.nodes for tree in trees.values()],
        "parent": packed.ints(labels("parent")),
        "kind": packed.small(labels("kind")),
        "edge": packed.small(labels("edge")),
        "visits": packed.ints(labels("visits")),
        **{n: packed.floats(numbers(n)) for n in ("prior", "value", "reward", "probability")},
    }


def _plot(plot: Plot) -> dict[str, Any]:
    return {
        "title": plot.title,
        "x": plot.x,
        "y": plot.y,
        "note": plot.note,
        "diagonal": plot.diagonal,
        "marked": None if plot.marked_x is None else list(plot.marked_x),
        "lines": [_line(line) for line in plot.lines],
        "table": None if plot.of is None else _table(plot.of),
    }


def _line(line: Line) -> dict[str, Any]:
    columns = {"x": line.x, "y": line.y, "low": line.low, "high": line.high}
    return {"name": line.name} | {
        name: None if values is None else np.asarray(values, np.float64).tolist()
        for name, values in columns.items()
    }


def _table(table: Table) -> dict[str, Any]:
    return {
        "title": table.title,
        "note": table.note,
        "columns": [asdict(column) for column in table.columns],
        "rows": [list(row) for row in table.rows],
    }
