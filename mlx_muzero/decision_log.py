"""Decisions with the trees behind them: one JSON object a line, one file for each UTC day.

Written beside a run's journal by whoever decides, read by watchers meanwhile. A tree comes as a
mapping of columns (those of `mlx_muzero.search.result.TreeTable`) and is cut to its most visited
nodes. A line begins with what an index needs, so that finding decisions parses no trees.
"""

import heapq
import json
import math
import re
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.files import append_line
from mlx_muzero.regular_files import reader, require_folder

MOST_NODES = 64
COLUMNS = (
    "node", "parent", "kind", "edge", "prior", "visits", "value", "reward", "depth", "probability",
)  # fmt: skip
"""Of a recorded tree; `edge` is the action or outcome that leads to the node."""

DECISION, CHANCE = 0, 1
_DIGITS = 6
_HEAD = re.compile(
    rb'\{"close_ns": (-?\d+), "pair": "([^"\\]*)", "action": (\d+), "episodes": (\d+|null),'
)


@dataclass(frozen=True)
class DecisionRecord:
    """One decision for one pair; A actions, C outcomes, N recorded nodes.

    Attributes:
        close_ns: UTC close of the bar decided on.
        pair: symbol.
        action: index of what was chosen.
        episodes: behind the networks, for a decision of training; None in paper trading.
        action_names: A names.
        outcome_names: C names.
        position: held before, by name.
        prior: [A] probabilities at the root, as searched.
        visits: [A] of the root's actions.
        q: [A] mean return of each; 0 where never visited.
        value: of the root after the search.
        network_value: of the root before it.
        outcomes: [A], each [C] probabilities, or None for an action that was never expanded.
        threshold_pips: change of the next close above which it is UP, below whose negative DOWN.
        latency_ms: of the decision.
        tree: `COLUMNS` of N values each, parents first; None where a column does not apply.
    """

    close_ns: int
    pair: str
    action: int
    episodes: int | None
    action_names: list[str]
    outcome_names: list[str]
    position: str
    prior: list[float]
    visits: list[int]
    q: list[float]
    value: float
    network_value: float
    outcomes: list[list[float] | None]
    threshold_pips: float
    latency_ms: float
    tree: dict[str, list[Any]]


@dataclass(frozen=True)
class Entry:
    """Where a decision is, and enough to choose it by.

    Attributes:
        path: file of its day.
        offset: of its line, in bytes.
        close_ns: UTC close of the bar decided on.
        pair: symbol.
        action: index of what was chosen.
        episodes: behind the networks; None in paper trading.
    """

    path: Path
    offset: int
    close_ns: int
    pair: str
    action: int
    episodes: int | None


def append(folder: Path, record: DecisionRecord) -> None:
    """Add a decision to the file of its day in `folder`, which is made if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    require_folder(folder)
    day = datetime.fromtimestamp(record.close_ns // 1_000_000_000, UTC).date()
    line = json.dumps(_compact(vars(record)), allow_nan=False, ensure_ascii=False)
    append_line(folder / f"{day}.jsonl", line.encode())


def days(folder: Path) -> list[Path]:
    """The files of `folder`, oldest day first."""
    return sorted(folder.glob("????-??-??.jsonl"))


def index(path: Path, start: int = 0) -> tuple[list[Entry], int]:
    """Decisions of a day's file from byte `start`, in order of writing, and where to go on.

    What is no decision is skipped; a line still being written is left for the next call.
    """
    entries = []
    with reader(path) as file:
        file.seek(start)
        for line in file:
            if not line.endswith(b"\n"):
                break
            if (head := _HEAD.match(line)) and line.endswith(b"}\n"):
                close_ns, pair, action, episodes = head.groups()
                after = None if episodes == b"null" else int(episodes)
                entries.append(Entry(path, start, int(close_ns), pair.decode(), int(action), after))
            start += len(line)
    return entries, start


def read(entry: Entry) -> DecisionRecord:
    """The decision of an entry.

    Raises:
        RunError: the file is gone or damaged.
    """
    try:
        with reader(entry.path) as file:
            file.seek(entry.offset)
            return DecisionRecord(**json.loads(file.readline()))
    except (OSError, ValueError, TypeError) as error:
        raise RunError(
            f"{entry.path}, byte {entry.offset}: cannot read the decision ({error}). Choose "
            "another one."
        ) from error


def bounded_tree(tree: Mapping[str, Sequence[Any]], most: int = MOST_NODES) -> dict[str, list[Any]]:
    """The most visited nodes of a tree that hang together, at most `most`, as `COLUMNS`.

    Args:
        tree: columns [N] of a `TreeTable`, lists or arrays; row 0 is the root.
        most: nodes to keep.
    """
    columns = {name: _plain(tree[_SOURCES.get(name, name)]) for name in COLUMNS}
    children = _children(columns["parent"])
    kept: list[int] = []
    # From the root down, the most visited first: what is kept always has its parent.
    frontier = [(-columns["visits"][0], 0)]
    while frontier and len(kept) < most:
        _, row = heapq.heappop(frontier)
        kept.append(row)
        for child in children[row]:
            heapq.heappush(frontier, (-columns["visits"][child], child))
    kept.sort()
    renumbered = {row: number for number, row in enumerate(kept)}
    cut = {name: [values[row] for row in kept] for name, values in columns.items()}
    cut["node"] = list(range(len(kept)))
    cut["parent"] = [renumbered.get(parent, -1) for parent in cut["parent"]]
    return cut


def outcomes_by_action(
    tree: Mapping[str, Sequence[Any]], actions: int, outcomes: int
) -> list[list[float] | None]:
    """Outcome probabilities ``[A][C]`` of the root's actions; None where never expanded."""
    columns = {name: _plain(tree[_SOURCES.get(name, name)]) for name in COLUMNS}
    children = _children(columns["parent"])
    found: list[list[float] | None] = [None] * actions
    for chance in children[0]:
        if successors := children[chance]:
            shares = [0.0] * outcomes
            for row in successors:
                shares[columns["edge"][row]] = columns["probability"][row]
            found[columns["edge"][chance]] = shares
    return found


_SOURCES = {"edge": "action_or_outcome"}


def _children(parent: Sequence[int]) -> defaultdict[int, list[int]]:
    children = defaultdict(list)
    for row, above in enumerate(parent):
        children[above].append(row)
    return children


def _plain(column: Any) -> list[Any]:
    return column.tolist() if hasattr(column, "tolist") else list(column)


def _compact(value: Any) -> Any:
    """Floats to the digits a float32 holds about, which halves a day of trees; None for NaN."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return [_compact(item) for item in value]
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    return value
