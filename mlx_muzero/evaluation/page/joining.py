"""Joins what several stretches of one page show, such as the windows of a walk-forward."""

from collections.abc import Sequence
from dataclasses import fields, replace

import numpy as np

from mlx_muzero.evaluation.page.contents import Decisions, Trades

_ARRAYS = {
    *("market", "bar_ns", "held", "taken", "wanted", "share", "prior", "q", "value"),
    *("network_value", "chances", "threshold", "moved"),
}
"""Columns of decisions that are joined as they are."""


def joined(
    parts: Sequence[tuple[Trades, Decisions | None]],
) -> tuple[Trades, Decisions | None]:
    """Trades and decisions of all `parts`, one after another; the latter may all be missing."""
    counts = [0 if decisions is None else len(decisions) for _, decisions in parts]
    first = np.cumsum([0, *counts[:-1]]).tolist()
    moved = [_moved(trades, by) for (trades, _), by in zip(parts, first, strict=True)]
    trades = Trades(
        **{
            f.name: np.concatenate([getattr(part, f.name) for part in moved])
            for f in fields(Trades)
        }
    )
    there = [(d, by) for (_, d), by in zip(parts, first, strict=True) if d is not None]
    if not there:
        return trades, None
    known, moves = zip(*there, strict=True)
    columns = {n: np.concatenate([getattr(each, n) for each in known]) for n in _ARRAYS}
    commands = [command for each in known for command in each.commands]
    before = np.cumsum([0, *(len(each.commands) for each in known[:-1])])
    numbered = [each.command + by for each, by in zip(known, before, strict=True)]
    notes = dict.fromkeys(each.note for each in known)
    return trades, replace(
        known[0],
        **columns,
        command=np.concatenate(numbered).astype(np.int8),
        trees={
            at + by: tree
            for each, by in zip(known, moves, strict=True)
            for at, tree in each.trees.items()
        },
        commands=commands,
        note=" ".join(notes),
    )


def _moved(trades: Trades, by: int) -> Trades:
    """`trades` whose decisions have numbers that begin later."""
    entry, left = (
        np.where(number >= 0, number + by, number).astype(np.int32)
        for number in (trades.entry_decision, trades.exit_decision)
    )
    return replace(trades, entry_decision=entry, exit_decision=left)
