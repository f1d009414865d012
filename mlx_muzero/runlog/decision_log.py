"""Decisions with their search trees: one JSON object per line, one file per UTC day.

Written next to a run's journal by the deciding process, and read by watchers at the same time. A
tree is a mapping of columns (those of `mlx_muzero.search.result.TreeTable`), cut to its most
visited nodes. A line starts with the fields an index needs, so that finding decisions parses no
trees.
"""

import heapq
import json
import math
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import UTC, datetime
from io import BufferedReader
from pathlib import Path
from typing import Any

from mlx_muzero.errors import RunError
from mlx_muzero.files.regular import MOST_LINE_BYTES, bounded_lines, reader, require_folder
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import (
    Malformed,
    count,
    number,
    optional,
    plain,
    record,
    sequence,
    text,
    time_ns,
)

MOST_NODES = 64
COLUMNS = (
    "node", "parent", "kind", "edge", "prior", "visits", "value", "reward", "depth", "probability",
)  # fmt: skip
"""Columns of a recorded tree; `edge` is the action or outcome that leads to the node."""

DECISION, CHANCE = 0, 1
_DIGITS = 6
_MOST_NAMES = 200
_MOST_ROWS = 256
"""Maximum rows of a tree when reading: far more than are written, few enough to show."""

_HEAD = re.compile(
    rb'\{"close_ns": (-?\d{1,19}), "pair": "([^"\\]{0,200})", "action": (\d{1,6}), '
    rb'"episodes": (\d{1,15}|null),'
)
_DAY = re.compile(r"\d{4}-\d\d-\d\d\.jsonl")
_MOST_READ_BYTES = 64 * 2**20
"""Maximum bytes of a day's file to index at once."""
_FEW_BYTES = 64 * 2**10
"""Bytes in which a decision is looked for line by line."""


@dataclass(frozen=True)
class DecisionRecord:
    """One decision for one pair, with A actions, C outcomes and N recorded nodes.

    Attributes:
        close_ns: UTC close of the decision's bar.
        pair: symbol.
        action: index of the chosen action.
        episodes: episodes that trained the networks, for a decision in training; None in paper
            trading.
        action_names: A names.
        outcome_names: C names.
        position: name of the position held before.
        prior: A probabilities at the root, as used in the search.
        visits: visits of the root's A actions.
        q: mean return of each of the A actions; 0 if never visited.
        value: value of the root after the search.
        network_value: value of the root before the search.
        outcomes: for each of the A actions C probabilities, or None if it was never expanded.
        threshold_pips: change of the next close above which it is UP, below whose negative DOWN.
        latency_ms: duration of the decision.
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
    """The location of a decision, and what identifies it in a list.

    Attributes:
        path: file of its day.
        offset: byte offset of its line.
        close_ns: UTC close of the decision's bar.
        pair: symbol.
        action: index of the chosen action.
        episodes: episodes that trained the networks; None in paper trading.
    """

    path: Path
    offset: int
    close_ns: int
    pair: str
    action: int
    episodes: int | None


def append(folder: Path, record: DecisionRecord) -> None:
    """Append a decision to the file of its day in `folder`, creating the folder if missing."""
    folder.mkdir(parents=True, exist_ok=True)
    require_folder(folder)
    day = datetime.fromtimestamp(record.close_ns // SECOND_NS, UTC).date()
    line = json.dumps(_compact(vars(record)), allow_nan=False, ensure_ascii=False)
    append_line(folder / f"{day}.jsonl", line.encode())


def days(folder: Path) -> list[Path]:
    """The files in `folder`, oldest day first, without links and anything that is not a file."""
    if folder.is_symlink():
        return []
    try:
        return sorted(
            path
            for path in folder.iterdir()
            if _DAY.fullmatch(path.name) and path.is_file() and not path.is_symlink()
        )
    except OSError:
        return []


def index(path: Path, start: int = 0) -> tuple[list[Entry], int]:
    """Decisions in a day's file from byte `start`, as written, and the offset to continue from.

    Skips lines that are not decisions; leaves a line that is still being written, and anything
    after the first 64 MB, for the next call.

    Raises:
        OSError: the file is gone or is not a file.
    """
    entries: list[Entry] = []
    stop = start + _MOST_READ_BYTES
    with reader(path) as file:
        file.seek(start)
        for line, length in bounded_lines(file):
            if not line.endswith(b"\n") or start >= stop:
                break
            if (entry := _entry(path, start, line)) is not None:
                entries.append(entry)
            start += length
    return entries, start


def whole_index(path: Path) -> list[Entry]:
    """All decisions in the file of a day, oldest first."""
    found: list[Entry] = []
    start, before = 0, -1
    while start != before:
        before = start
        more, start = index(path, start)
        found += more
    return found


def find(folder: Path, pair: str, close_ns: int) -> Entry | None:
    """The last decision on `pair` at `close_ns`; None if none is recorded.

    Reads some lines of a day's file, whatever its length: decisions are in order of time.

    Raises:
        OSError: the file is not a file.
    """
    day = datetime.fromtimestamp(close_ns // SECOND_NS, UTC).date()
    path, found = folder / f"{day}.jsonl", None
    if folder.is_symlink() or not path.exists():
        return None
    with reader(path) as file:
        low, high = 0, file.seek(0, 2)
        while high - low > _FEW_BYTES:
            middle = (low + high) // 2
            entry = next(_between(path, file, middle, high), None)
            if entry is None or entry.close_ns >= close_ns:
                high = middle
            else:
                low = middle
        for entry in _between(path, file, low, file.seek(0, 2)):
            if entry.close_ns > close_ns:
                break
            if (entry.close_ns, entry.pair) == (close_ns, pair):
                found = entry
    return found


def _between(path: Path, file: BufferedReader, start: int, stop: int) -> Iterator[Entry]:
    """Decisions whose lines begin in a range of bytes."""
    file.seek(max(start - 1, 0))
    lines = bounded_lines(file)
    if start:
        start += next(lines, (b"", 1))[1] - 1
    for line, length in lines:
        if start >= stop or not line.endswith(b"\n"):
            return
        if (entry := _entry(path, start, line)) is not None:
            yield entry
        start += length


def _entry(path: Path, offset: int, line: bytes) -> Entry | None:
    """The decision of a whole line; None if it has none."""
    head = _HEAD.match(line)
    if head is None or not line.endswith(b"}\n"):
        return None
    close_ns, name, action, episodes = head.groups()
    after = None if episodes == b"null" else int(episodes)
    pair = name.decode(errors="replace")
    return Entry(path, offset, int(close_ns), pair, int(action), after)


def read(entry: Entry) -> DecisionRecord:
    """Read the decision of an entry.

    Raises:
        RunError: the file is gone or damaged.
    """
    try:
        with reader(entry.path) as file:
            file.seek(entry.offset)
            return _checked(parsed(file.readline(MOST_LINE_BYTES)))
    except (OSError, ValueError) as error:
        raise RunError(
            f"{entry.path}, byte {entry.offset}: cannot read the decision ({error}). Choose "
            "another one."
        ) from error


_number = optional(number)
_SHAPE = record(
    {
        "close_ns": time_ns, "pair": text, "action": count, "episodes": optional(count),
        "action_names": sequence(text, most=_MOST_NAMES),
        "outcome_names": sequence(text, most=_MOST_NAMES), "position": text,
        "prior": sequence(number), "visits": sequence(count), "q": sequence(_number),
        "value": _number, "network_value": _number,
        "outcomes": sequence(optional(sequence(number))), "threshold_pips": number,
        "latency_ms": _number,
        "tree": record(
            {
                "parent": sequence(plain, most=_MOST_ROWS), "kind": sequence(count),
                "edge": sequence(plain), "visits": sequence(count), "prior": sequence(_number),
                "value": sequence(_number), "reward": sequence(_number),
                "probability": sequence(_number),
            }
        ),
    }
)  # fmt: skip


def _checked(value: Any) -> DecisionRecord:
    """Check that the parts of a decision are consistent, so that displaying it is safe.

    Raises:
        Malformed: they are not; says which.
    """
    found: dict[str, Any] = _SHAPE(value)
    if unknown := found.keys() - {field.name for field in fields(DecisionRecord)}:
        raise Malformed(f"no {', '.join(sorted(unknown))}")
    decision = DecisionRecord(**found)
    actions, outcomes = len(decision.action_names), len(decision.outcome_names)
    of_actions = (decision.prior, decision.visits, decision.q, decision.outcomes)
    if not all(len(column) == actions for column in of_actions) or decision.action >= actions:
        raise Malformed(f"figures of {actions} actions")
    if any(shares is not None and len(shares) != outcomes for shares in decision.outcomes):
        raise Malformed(f"figures of {outcomes} outcomes")
    tree, rows = decision.tree, len(decision.tree["parent"])
    if not rows or not all(_is_list(column, rows) for column in tree.values()):
        raise Malformed("a tree with columns of one length")
    if tree["parent"][0] != -1:
        raise Malformed("a tree with its root first")
    for row in range(1, rows):
        kind, edge, above = tree["kind"][row], tree["edge"][row], tree["parent"][row]
        edges = actions if kind == CHANCE else outcomes
        if type(above) is not int or not 0 <= above < row:
            raise Malformed("a tree with parents first")
        if type(edge) is not int or not 0 <= edge < edges:
            raise Malformed("a tree of its actions and outcomes")
    return decision


def _is_list(column: Any, length: int) -> bool:
    return isinstance(column, list) and len(column) == length


def bounded_tree(tree: Mapping[str, Sequence[Any]], most: int = MOST_NODES) -> dict[str, list[Any]]:
    """The most visited connected part of a tree with at most `most` nodes, as `COLUMNS`.

    Args:
        tree: columns of a `TreeTable`, lists or arrays of length N; row 0 is the root.
        most: maximum number of nodes to keep.
    """
    columns = {name: _plain(tree[_SOURCES.get(name, name)]) for name in COLUMNS}
    children = _children(columns["parent"])
    kept: list[int] = []
    # From the root down, most visited first, so that every node kept has its parent.
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
    """Outcome probabilities, C for each of the root's A actions; None if never expanded."""
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
    """Round floats to about float32 precision, which halves a day of trees; NaN becomes None."""
    if isinstance(value, float):
        return float(f"{value:.{_DIGITS}g}") if math.isfinite(value) else None
    if isinstance(value, list):
        return [_compact(item) for item in value]
    if isinstance(value, dict):
        return {key: _compact(item) for key, item in value.items()}
    return value
