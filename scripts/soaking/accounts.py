"""Whether a soak lost or doubled anything: bars, settlements, orders and fills."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Self

from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.runlog import journal
from mlx_muzero.timeunits import MINUTE_NS
from soaking.faults import Plan
from soaking.life import Soak
from soaking.told import Tellings

_LAST_NS = 5 * MINUTE_NS
"""Before its end, or a pair's: what was on its way then does not count."""


@dataclass(frozen=True)
class Account:
    """One kind of thing.

    Attributes:
        what: its name.
        expected: how many there must be.
        found: how many there are.
        lost: those missing.
        doubled: those there more than once.
        differ: those there with other facts.
    """

    what: str
    expected: int
    found: int
    lost: int
    doubled: int
    differ: int

    @property
    def good(self) -> bool:
        """Whether what is there is what must be."""
        return not (self.lost or self.doubled or self.differ)

    @classmethod
    def compared(
        cls, what: str, expected: Iterable[object], found: Counter[Any], differ: int = 0
    ) -> Self:
        """Compare the keys of things that must be there with those `found`, and how often."""
        wanted = {*expected}
        return cls(
            what,
            len(wanted),
            found.total(),
            len(wanted - found.keys()),
            sum(count - 1 for count in found.values()) + len(found.keys() - wanted),
            differ,
        )


def accounts(soak: Soak, tellings: Tellings) -> Iterator[Account]:
    """What the session's store and journal hold, beside what they must hold."""
    with PaperStore(soak.folder / "store.duckdb", read_only=True) as store:
        yield _bars(soak, store, tellings)
        yield _settlements(soak, store)
        fills = store.table("fills")
        yield _orders(store, fills)
        yield _fills(soak, fills)
    yield _events(soak)


def _bars(soak: Soak, store: PaperStore, tellings: Tellings) -> Account:
    """Every minute from the session's beginning on, as the venue left it or told as corrected."""
    plan, market = soak.plan, soak.market
    missing = {(fault.pair, fault.minute) for fault in plan.of("missing bar")}
    gone = {fault.pair: fault.at_ns for fault in plan.of("delisting")}
    ends = {pair: gone.get(pair, plan.end_ns) - _LAST_NS for pair in market.pairs}
    rows = [row for row in store.table("bars") if _in_time(row, "open_time_ns", plan, ends)]
    expected = {
        (pair, minute)
        for pair, end_ns in ends.items()
        for minute in range(-(-plan.begin_ns // MINUTE_NS), -(-end_ns // MINUTE_NS))
        if (pair, minute) not in missing
    }
    found = Counter((row["pair"], row["open_time_ns"] // MINUTE_NS) for row in rows)
    differ = 0
    for row in rows:
        values = [row[name] for name in ("open", "high", "low", "close", "volume")]
        if values != market.values(row["pair"], row["open_time_ns"] // MINUTE_NS):
            differ += len(tellings.at.get(("revised", row["pair"], row["open_time_ns"]), ())) != 1
    return Account.compared("bars", expected, found, differ)


def _settlements(soak: Soak, store: PaperStore) -> Account:
    """Every settlement of funding since the session began, each of them heard once."""
    plan, market = soak.plan, soak.market
    gone = {fault.pair: fault.at_ns for fault in plan.of("delisting")}
    ends = {pair: gone.get(pair, plan.end_ns) - _LAST_NS for pair in market.pairs}
    expected = {
        (pair, time_ns)
        for pair, end_ns in ends.items()
        for time_ns in market.settlements(plan.begin_ns, end_ns)
    }
    rows = [row for row in store.table("points") if _in_time(row, "event_ns", plan, ends)]
    found = Counter((row["pair"], row["event_ns"]) for row in rows)
    wrong = sum(row["value"] != market.rate(row["pair"], row["event_ns"]) for row in rows)
    return Account.compared("settlements of funding", expected, found, wrong)


def _in_time(row: Row, stamp: str, plan: Plan, ends: Mapping[str, int]) -> bool:
    return plan.begin_ns <= row[stamp] < ends[row["pair"]]


def _orders(store: PaperStore, fills: list[Row]) -> Account:
    """Every order, which was filled or ended, once, or waits still."""
    saved = store.state()
    accounts = {} if saved is None else saved[1]["session"]["accounts"]
    waiting = [account["order"]["id"] for account in accounts.values() if account["order"]]
    ends = [row["order_id"] for row in store.table("order_ends")]
    fates = Counter([*(row["order_id"] for row in fills), *ends, *waiting])
    return Account.compared("orders", {row["id"] for row in store.table("orders")}, fates)


def _fills(soak: Soak, fills: list[Row]) -> Account:
    """Every fill of the store, in the journal."""
    told = [
        event for event in journal.read(soak.folder / "journal.jsonl") if event["event"] == "fill"
    ]
    facts = {event["id"]: event for event in told}
    differ = sum(
        any(facts[row["id"]][name] != value for name, value in row.items())
        for row in fills
        if row["id"] in facts
    )
    numbers = {*range(1, len(fills) + 1)}
    assert Counter(row["id"] for row in fills) == Counter(numbers), "fills are not numbered"
    return Account.compared("fills", numbers, Counter(event["id"] for event in told), differ)


def _events(soak: Soak) -> Account:
    """Every numbered event of the journal, in order."""
    events = journal.read(soak.folder / "journal.jsonl")
    numbers = [event["seq"] for event in events if "seq" in event]
    return Account.compared(
        "events of the journal",
        {*range(1, max(numbers) + 1)},
        Counter(numbers),
        sum(number > later for number, later in pairwise(numbers)),
    )
