"""A recorded session played again through the batch path: same decisions, same fills, same money?

Features come from the vectorised dataset of the recorded bars, decisions from searches made anew,
fills from the paper's rule, accounts from the trading core, all from the first bar to the last in
one go. Taken from the record are only what no replay can know: when orders were sent, how many
simulations there was time for, and what commands and limits did to what the agent wanted.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.paper.batched_search import search_seed
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.recorded_pair import ReplayedPair, recorded_pairs
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.env import observations

SHOWN = 5
"""Differences that are told in full."""


@dataclass
class Differences:
    """How many things of one kind there are, how many differ, and the first that do."""

    recorded: int = 0
    replayed: int = 0
    differ: int = 0
    first: list[str] = field(default_factory=list)

    def check(self, name: str, recorded: object, replayed: object) -> None:
        """Count a difference."""
        if recorded != replayed:
            self.differ += 1
            if len(self.first) < SHOWN:
                self.first.append(f"{name}: recorded {recorded}, replayed {replayed}")


@dataclass
class Parity:
    """What the two paths agree on.

    Attributes:
        decisions: action, visits and values of every decision.
        orders: pair, action and exposures of every order.
        fills: time, price, units, costs and exposure of every fill.
        trades: every closed trade.
        equity: at the end, in money.
    """

    decisions: Differences = field(default_factory=Differences)
    orders: Differences = field(default_factory=Differences)
    fills: Differences = field(default_factory=Differences)
    trades: Differences = field(default_factory=Differences)
    equity: Differences = field(default_factory=Differences)

    @property
    def exact(self) -> bool:
        """Whether nothing differs."""
        return not any(differences.differ for differences in vars(self).values())

    def as_dict(self) -> dict[str, Any]:
        """For the journal and for JSON."""
        return {"exact": self.exact} | asdict(self)


def check_parity(
    store: PaperStore,
    settings: PaperSettings,
    config: Config,
    planner: Planner,
    series: Mapping[str, SeriesByName] | None = None,
    doing: Callable[[str, int], None] = lambda _what, _total: None,
    tick: Callable[[int], None] = lambda _minutes: None,
) -> Parity:
    """Play the session in `store` again.

    Args:
        store: of the session; the others as in `session_setup.make_session`.
        settings: of it.
        config: of the training run.
        planner: decides anew.
        series: beside the bars.
        doing: hears what begins, and how many minutes that is.
        tick: hears of every minute that was played.
    """
    recorded = {name: store.table(name) for name in _COMPARED}
    pairs = {
        symbol: _Repeated(pair)
        for symbol, pair in recorded_pairs(store, settings, config, series).items()
    }
    canceled = {end["order_id"] for end in recorded["order_ends"] if end["end"] == "order_canceled"}
    parity = Parity()
    sent = _by_minute(recorded["orders"])
    decided = _by_minute(recorded["decisions"])
    minutes = sorted(sent.keys() | decided.keys())
    doing("minutes played again", len(minutes))
    for close_ns in minutes:
        minute = decided.get(close_ns, [])
        for pair in pairs.values():
            pair.advance(close_ns)
        wanted: dict[str, float] = {}
        # Pairs whose bars came apart were decided on apart, with what time there was for each.
        for _, rows in groupby(minute, key=lambda row: int(row["simulations"])):
            wanted |= _decide(list(rows), pairs, planner, settings, close_ns, parity.decisions)
        for order in sent.get(close_ns, []):
            pairs[order["pair"]].send(order, order["id"] in canceled, wanted, parity.orders)
        for symbol, target in wanted.items():
            pairs[symbol].expect_no_order(close_ns, target, parity.orders)
        tick(1)
    for pair in pairs.values():
        pair.advance(None)
    _compare(recorded["fills"], [f for p in pairs.values() for f in p.fills], parity.fills)
    _compare(recorded["trades"], [t for p in pairs.values() for t in p.trades], parity.trades)
    parity.orders.recorded = parity.orders.replayed = len(recorded["orders"])
    if recorded["equity"]:
        profit = sum(pair.account.profit for pair in pairs.values())
        parity.equity.recorded = parity.equity.replayed = 1
        last = recorded["equity"][-1]
        parity.equity.check("equity", last["equity"], settings.account.balance + profit)
    return parity


_COMPARED = ("decisions", "orders", "order_ends", "fills", "trades", "equity")


class _Repeated(ReplayedPair):
    """A pair that sends its orders when the record says they were sent."""

    def send(
        self, order: Row, canceled: bool, wanted: dict[str, float], found: Differences
    ) -> None:
        """Send what the agent wants now, when the record says it was sent."""
        account, target = self.account, wanted.pop(order["pair"], order["to_exposure"])
        position = account.core.position
        replayed = Order(
            order["id"],
            order["pair"],
            order["close_ns"],
            order["sent_ns"],
            int(account.core.rules.table.actions_toward(position, target)[0]),
            account.exposure,
            target,
        )
        found.check(f"order {order['id']} of {order['pair']}", Order(**order), replayed)
        # What was canceled before a bar came for it was never there.
        account.order = None if canceled else replayed

    def expect_no_order(self, close_ns: int, target: float, found: Differences) -> None:
        """Nothing was sent, so the agent must want what it has."""
        name = f"{self.account.pair} at {close_ns}, no order"
        found.check(name, self.account.exposure, target)


def _decide(
    minute: list[Row],
    pairs: Mapping[str, _Repeated],
    planner: Planner,
    settings: PaperSettings,
    close_ns: int,
    found: Differences,
) -> dict[str, float]:
    """Search for the pairs that were decided on, and compare; exposures wanted by pair."""
    batch = [pairs[row["pair"]] for row in minute]
    windows = []
    for pair in batch:
        features = pair.account.position_features()[None]
        windows.append(observations(pair.recorded.dataset, np.array([pair.row]), features)[0])
    position = np.array([pair.account.position for pair in batch], np.int32)
    seed = search_seed(settings.session.seed, close_ns, len(batch))
    result = planner.plan(np.stack(windows), position, seed, minute[0]["simulations"])
    wanted = {}
    for i, (row, pair) in enumerate(zip(minute, batch, strict=True)):
        table = pair.account.core.rules.table
        replayed = {
            "position": int(position[i]),
            "action": int(result.action[i]),
            "visits": result.visits[i].tolist(),
            "value": float(result.value[i]),
            "network_value": float(result.raw_value[i]),
        }
        found.recorded += 1
        found.replayed += 1
        found.check(
            f"{row['pair']} at {close_ns}", {name: row[name] for name in replayed}, replayed
        )
        if row["limited_by"] is None:
            after = int(table.next_position[position[i], result.action[i]])
            wanted[row["pair"]] = float(table.exposures[after if after >= 0 else position[i]])
    return wanted


def _compare(recorded: list[Row], replayed: list[Row], found: Differences) -> None:
    """Rows of each pair, in order; ids of the record are not compared."""
    found.recorded, found.replayed = len(recorded), len(replayed)
    for pair in sorted({row["pair"] for row in recorded + replayed}):
        ours = [row for row in recorded if row["pair"] == pair]
        theirs = [row for row in replayed if row["pair"] == pair]
        found.check(f"{pair}, how many", len(ours), len(theirs))
        for number, (one, other) in enumerate(zip(ours, theirs, strict=False)):
            found.check(f"{pair}, number {number}", {name: one[name] for name in other}, other)


def _by_minute(rows: list[Row]) -> dict[int, list[Row]]:
    return {close_ns: list(group) for close_ns, group in _grouped(rows)}


def _grouped(rows: list[Row]) -> Iterator[tuple[int, Iterator[Row]]]:
    return groupby(rows, key=lambda row: int(row["close_ns"]))
