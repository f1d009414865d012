"""The recorded decisions behind a session's fills, with the trees of the most telling ones."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Self

import numpy as np

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.page.contents import Decisions, Nodes, Trades
from mlx_muzero.evaluation.page.fill_decisions import telling
from mlx_muzero.evaluation.page.outlook import moves_after
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.recorded_pair import RecordedPair
from mlx_muzero.runlog import decision_log
from mlx_muzero.runlog.decision_log import DecisionRecord
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import F64
from mlx_muzero.words import command

MOST_TREES = 1000
"""Recorded trees on a page; they are small."""

Key = tuple[str, int]
"""A pair, and a UTC time."""


@dataclass(frozen=True, eq=False)
class DecidedFills:
    """Decisions that led to fills, numbered in the order in which they were made.

    Attributes:
        rows: of the decisions, as the store has them.
        orders: that each led to.
        recorded: the session's pairs.
        folder: of the session.
        number: of the decision behind the fill of a pair at a time.
    """

    rows: Sequence[Row]
    orders: Sequence[Row]
    recorded: Mapping[str, RecordedPair]
    folder: PaperFolder
    number: Mapping[Key, int]

    @classmethod
    def of(
        cls, store: PaperStore, folder: PaperFolder, recorded: Mapping[str, RecordedPair]
    ) -> Self:
        """Find them in the session's `store`."""
        orders = {row["id"]: row for row in store.table("orders")}
        made = {(row["pair"], row["close_ns"]): row for row in store.table("decisions", "order_id")}
        rows: list[Row] = []
        led: list[Row] = []
        number: dict[Key, int] = {}
        for fill in store.table("fills"):
            order = orders.get(fill["order_id"])
            row = None if order is None else made.get((order["pair"], order["close_ns"]))
            # A command or a limit orders without a decision, or another order than was decided.
            if order is None or row is None or row["order_id"] != order["id"]:
                continue
            number[fill["pair"], fill["fill_ns"]] = len(rows)
            rows.append(row)
            led.append(order)
        return cls(rows, led, recorded, folder, number)

    def behind(self, pair: str, fill_ns: int) -> int:
        """The decision behind a fill; -1 if there is none."""
        return self.number.get((pair, fill_ns), -1)

    def decisions(self, net: F64, trades: Trades) -> Decisions | None:
        """All of them, with the trees that tell most about the `net` ``f64[N]`` of `trades`."""
        if not self.rows:
            return None
        logged = self._logged()
        table = next(iter(self.recorded.values())).rules
        actions, count = table.table.action_names, len(self.rows)
        records = [logged.get((row["pair"], row["close_ns"])) for row in self.rows]
        of_actions = {
            name: np.array([_columns(name, r, row, len(actions)) for r, row in self._both(records)])
            for name in ("share", "prior", "q")
        }
        earned = np.zeros(count)
        inside = trades.entry_decision >= 0
        earned[trades.entry_decision[inside]] = net[inside]
        wanted = np.array([row["action"] for row in self.rows], np.int8)
        shown = telling(np.nan_to_num(of_actions["prior"]), wanted, earned, MOST_TREES)
        symbols, moves = list(self.recorded), [self._moves(row) for row in self.rows]
        return Decisions(
            action_names=actions,
            outcome_names=OUTCOME_NAMES,
            market=np.array([symbols.index(row["pair"]) for row in self.rows], np.int32),
            bar_ns=np.array([row["close_ns"] for row in self.rows], np.int64) - MINUTE_NS,
            held=np.array([order["from_exposure"] for order in self.orders]),
            taken=np.array([order["action"] for order in self.orders], np.int8),
            wanted=wanted,
            **{name: values.astype(np.float32) for name, values in of_actions.items()},
            value=np.array([row["value"] for row in self.rows], np.float32),
            network_value=np.array([row["network_value"] for row in self.rows], np.float32),
            chances=np.array(
                [_chances(r, order) for r, order in zip(records, self.orders, strict=True)],
                np.float32,
            ),
            threshold=np.array([_threshold(record) for record in records], np.float32),
            moved=np.array([np.nan if not len(m) else m[0] for m in moves], np.float32),
            command=np.zeros(count, np.int8),
            trees={
                at: Nodes(record.tree, len(record.tree["parent"]), moves[at])
                for at in shown.tolist()
                if (record := records[at]) is not None
            },
            commands=(command("tui", self.folder.path),),
            note=_note(records),
            unit=table.unit,
        )

    def _both(self, records: Sequence[DecisionRecord | None]) -> Any:
        return zip(records, self.rows, strict=True)

    def _logged(self) -> dict[Key, DecisionRecord]:
        """The records of the decisions, as far as the folder still has them."""
        wanted = {(row["pair"], row["close_ns"]) for row in self.rows}
        found = {}
        for day in decision_log.days(self.folder.decisions_path):
            for entry in decision_log.whole_index(day):
                key = entry.pair, entry.close_ns
                if key in wanted:
                    try:
                        found[key] = decision_log.read(entry)
                    except RunError:
                        continue  # a damaged line: the page says how many have no record
        return found

    def _moves(self, row: Row) -> F64:
        """``f64[k]`` moves of the closes after a decision, in the pair's unit; none at the last."""
        pair = self.recorded[row["pair"]]
        bar = int(np.searchsorted(pair.market.open_time_ns, row["close_ns"] - MINUTE_NS))
        return moves_after(pair.market.close[bar:], pair.rules.pip_size)


def _columns(name: str, record: DecisionRecord | None, row: Row, actions: int) -> Sequence[float]:
    """What is known of each action; shares of the visits are in the store too."""
    if name == "share":
        visits = np.array(row["visits"], np.float64)
        return (visits / max(visits.sum(), 1.0)).tolist()
    if record is None:
        return [float("nan")] * actions
    if name == "prior":
        return record.prior
    tried = zip(record.q, record.visits, strict=True)
    return [q if q is not None and visits else float("nan") for q, visits in tried]


def _chances(record: DecisionRecord | None, order: Row) -> Sequence[float]:
    chances = None if record is None else record.outcomes[order["action"]]
    return [float("nan")] * len(OUTCOME_NAMES) if chances is None else chances


def _threshold(record: DecisionRecord | None) -> float:
    return float("nan") if record is None else record.threshold_pips


def _note(records: Sequence[DecisionRecord | None]) -> str:
    missing = sum(record is None for record in records)
    text = (
        f"As recorded while trading; a recorded tree has {decision_log.MOST_NODES} nodes at most."
    )
    if missing:
        text += (
            f" {missing:,} of {len(records):,} decisions have no record any more, or a damaged "
            "one: of these only visits and values are known."
        )
    return text
