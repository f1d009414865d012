"""Whether each life of a soak began with what the lives before it had left.

What a life holds comes from its session, as restored from the state in the store; what it must
hold, from the events that earlier lives journaled.
"""

import json
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from mlx_muzero.runlog import journal
from soaking.accounts import Account
from soaking.holding import Holding


def left_to_lives(path: Path, pairs: tuple[str, ...]) -> dict[int, Holding]:
    """What each life after the first must hold when it begins, by its number: from the journal."""
    left: dict[int, Holding] = {}
    now, lives = Holding(pairs=pairs), 0
    for event in journal.read(path):
        if event["event"] == "paper_started":
            left[lives] = now
            lives += 1
        now = now.after(event)
    return {life: holding for life, holding in left.items() if life}


def begun_with(path: Path) -> Iterator[tuple[int, Holding]]:
    """What each life after the first held when it began, and its number: as it noted itself."""
    for line in path.read_text().splitlines():
        noted: dict[str, Any] = json.loads(line)
        life = noted.pop("life")
        if life:
            yield life, Holding.parsed(noted)


def carried(left: dict[int, Holding], begun: list[tuple[int, Holding]]) -> Iterator[Account]:
    """What lives began with, beside what was left to them, thing by thing."""
    yield Account.compared(
        "accounts a life begins with",
        left,
        Counter(life for life, _ in begun),
        sum(life in left and left[life].account != held.account for life, held in begun),
    )
    yield Account.compared(
        "pairs a life begins with",
        {(life, pair) for life, held in left.items() for pair in held.pairs},
        Counter((life, pair) for life, held in begun for pair in held.pairs),
    )
    yield Account.compared(
        "positions a life begins with",
        {(life, pair) for life, held in left.items() for pair in held.positions},
        Counter((life, pair) for life, held in begun for pair in held.positions),
        sum(
            left[life].positions.get(pair, position) != position
            for life, held in begun
            if life in left
            for pair, position in held.positions.items()
        ),
    )
    yield Account.compared(
        "orders a life begins with",
        {(life, *order) for life, held in left.items() for order in held.orders.items()},
        Counter((life, *order) for life, held in begun for order in held.orders.items()),
    )
