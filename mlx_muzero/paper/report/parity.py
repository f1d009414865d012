"""Replays a recorded session through the batch path and compares decisions, fills and money.

Features come from the vectorised dataset of the recorded bars, decisions from new searches, fills
from the paper rule, and accounts from the trading core, from the first bar to the last in one pass.
The record provides only what no replay can know: when orders were sent, how many simulations there
was time for, and how commands and limits changed what the agent wanted. It is read and compared a
few minutes at a time; only bars and features are in memory as a whole.

Each minute is played by the model that decided it, on the backend that did, where that plays here.
Where the same numerics computed the record, all of it is the same bit for bit. Decisions that
others or unknown ones computed are compared up to `rounding`; if one was decided otherwise, the
replay follows the record there, so that fills and money are still held to it.
"""

from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, get_args

import numpy as np

from mlx_muzero.config.choices import ConcreteBackend
from mlx_muzero.config.schema import Config, ModelConfig
from mlx_muzero.errors import MuZeroError
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.numerics import numerics
from mlx_muzero.paper.batched_search import moment_of, search_seed
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.differences import Differences, RowByRow
from mlx_muzero.paper.report.recorded_pair import ReplayedPair, recorded_pairs
from mlx_muzero.paper.report.rounding import Rounding, computed_by
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.retraining.recorded import models_of_minutes
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.env import observations


@dataclass
class Parity:
    """Differences between the two paths.

    Attributes:
        decisions: action, visits and values of every decision.
        orders: pair, action and exposures of every order.
        fills: time, price, units, costs and exposure of every fill.
        trades: every closed trade.
        equity: final equity in money.
        rounding: how decisions were compared that other numerics computed.
    """

    decisions: Differences = field(default_factory=Differences)
    orders: Differences = field(default_factory=Differences)
    fills: Differences = field(default_factory=Differences)
    trades: Differences = field(default_factory=Differences)
    equity: Differences = field(default_factory=Differences)
    rounding: Rounding = field(default_factory=Rounding)

    @property
    def parts(self) -> dict[str, Differences]:
        """What was compared, by name."""
        return {name: part for name, part in vars(self).items() if isinstance(part, Differences)}

    @property
    def agrees(self) -> bool:
        """Whether nothing differs by more than the rounding of other numerics."""
        return not any(part.differ for part in self.parts.values())

    @property
    def exact(self) -> bool:
        """Whether there are no differences at all."""
        return self.agrees and not self.rounding.rounded

    @property
    def turned(self) -> bool:
        """Whether all that differs are decisions that rounding may have turned."""
        differ = sum(part.differ for part in self.parts.values())
        return 0 < differ == self.rounding.turned

    def as_dict(self) -> dict[str, Any]:
        """The result for the journal and for JSON."""
        return {"exact": self.exact, "agrees": self.agrees} | asdict(self)


def check_parity(
    store: PaperStore,
    settings: PaperSettings,
    config: Config,
    planner: Planner,
    series: Mapping[str, SeriesByName] | None = None,
    doing: Callable[[str, int], None] = lambda _what, _total: None,
    tick: Callable[[int], None] = lambda _minutes: None,
    planner_of: Callable[[PlayedModel], Planner] | None = None,
) -> Parity:
    """Replay the session in `store`.

    Args:
        store: the session's store; other arguments as in `session_setup.make_session`.
        settings: the session's settings.
        config: the training run's configuration.
        planner: makes the new decisions, with the model that the session was started with.
        series: series in addition to the bars.
        doing: called with what begins, and its number of minutes.
        tick: called with the number of minutes played.
        planner_of: loads a candidate that took over; None if there can be none.
    """
    parity = Parity(rounding=Rounding(_computes(planner)))
    players = _Players(planner, planner_of)
    computed, models = computed_by(store), models_of_minutes(store)
    with store.checking_contents():
        pairs = {
            symbol: _Repeated(pair)
            for symbol, pair in recorded_pairs(store, settings, config, series).items()
        }
        fills, trades = RowByRow(parity.fills), RowByRow(parity.trades)

        def advance(symbol: str, close_ns: int | None) -> None:
            pair = pairs[symbol]
            pair.advance(close_ns)
            for made, compared in ((pair.fills, fills), (pair.trades, trades)):
                compared.replay(made)
                made.clear()

        canceled, equity = _canceled(store), None
        doing("minutes replayed", len(store.columns("equity", "close_ns")["close_ns"]))
        for step in store.steps("decisions", "orders", "fills", "trades", "equity"):
            minute, sent = step["decisions"], step["orders"]
            for row in (*minute, *sent):
                advance(row["pair"], row["close_ns"])
            wanted: dict[str, float] = {}
            if minute:
                close_ns = minute[0]["close_ns"]
                by = computed.get(close_ns, {})
                player = players.of(by, models.get(close_ns))
                wanted = _decide(minute, pairs, player, settings, config.model, by, parity)
            for order in sent:
                pairs[order["pair"]].send(order, order["id"] in canceled, wanted, parity.orders)
            for symbol, target in wanted.items():
                pairs[symbol].expect_no_order(close_ns, target, parity.orders)
            fills.record(step["fills"])
            trades.record(step["trades"])
            for row in step["equity"]:
                equity = row["equity"]
            tick(len(step["equity"]))
        for symbol in pairs:
            advance(symbol, None)
    fills.end()
    trades.end()
    if equity is not None:
        profit = sum(pair.account.profit for pair in pairs.values())
        parity.equity.recorded = parity.equity.replayed = 1
        parity.equity.check("equity", equity, settings.account.balance + profit)
    return parity


def _canceled(store: PaperStore) -> set[int]:
    """Orders that were canceled before a bar came for them."""
    ends = store.columns("order_ends", "order_id", "end")
    return set(ends["order_id"][ends["end"] == "order_canceled"].tolist())


def _computes(planner: Planner) -> dict[str, str]:
    """What computes with `planner`, as `computed_by` names it."""
    return numerics(planner.precision) | {
        "backend": planner.backend,
        "root_backend": planner.root_backend,
    }


class _Players:
    """Planners of the models that decided, on the backends that computed the record.

    Both may have changed in a session.

    Args:
        planner: of the model that the session was started with.
        planner_of: loads a candidate that took over.
    """

    def __init__(
        self, planner: Planner, planner_of: Callable[[PlayedModel], Planner] | None
    ) -> None:
        self._planner_of = planner_of
        self._models = {0: planner}
        self._by: dict[tuple[int, str, str], Planner] = {}

    def of(self, by: Mapping[str, str], model: PlayedModel | None) -> Planner:
        """The planner for what `by` computed with `model`; None: with that of the beginning."""
        number = 0 if model is None else model.number
        if model is not None and number not in self._models:
            assert self._planner_of is not None, "no candidate takes over in such a session"
            self._models[number] = self._planner_of(model)
        key = number, by.get("backend", ""), by.get("root_backend", "")
        if key not in self._by:
            self._by[key] = _on(self._models[number], *key[1:])
        return self._by[key]


def _on(planner: Planner, backend: str, root_backend: str) -> Planner:
    """`planner` on these backends, or as it is where they do not play here."""
    if (backend, root_backend) == (planner.backend, planner.root_backend):
        return planner
    if backend not in get_args(ConcreteBackend):
        return planner
    try:
        return planner.on(backend, root_backend)
    except MuZeroError:
        return planner


class _Repeated(ReplayedPair):
    """A replayed pair whose orders are sent when the record says they were."""

    def send(
        self, order: Row, canceled: bool, wanted: dict[str, float], found: Differences
    ) -> None:
        """Send the order the agent now wants, at the recorded time."""
        account, target = self.account, wanted.pop(order["pair"], order["to_exposure"])
        states, state = account.core.rules.states, account.core.account_state
        found.recorded += 1
        found.replayed += 1
        replayed = Order(
            order["id"],
            order["pair"],
            order["close_ns"],
            order["sent_ns"],
            int(states.actions_toward(state, target)[0]),
            account.exposure,
            target,
        )
        found.check(f"order {order['id']} of {order['pair']}", Order(**order), replayed)
        # An order canceled before a bar came for it has no effect.
        account.order = None if canceled else replayed

    def expect_no_order(self, close_ns: int, target: float, found: Differences) -> None:
        """Check that the agent wants what it holds, since nothing was sent."""
        name = f"{self.account.pair} at {close_ns}, no order"
        found.check(name, self.account.exposure, target)


def _decide(
    minute: list[Row],
    pairs: Mapping[str, _Repeated],
    planner: Planner,
    settings: PaperSettings,
    model: ModelConfig,
    by: Mapping[str, str],
    parity: Parity,
) -> dict[str, float]:
    """Search for the recorded pairs and compare; return the exposures wanted by pair.

    `by` is what computed the record, with `model`; empty if unknown.
    """
    close_ns, found = minute[0]["close_ns"], parity.decisions
    batch = [pairs[row["pair"]] for row in minute]
    windows = []
    for pair in batch:
        features = pair.account.position_features()[None]
        windows.append(observations(pair.recorded.dataset, np.array([pair.row]), features)[0])
    position = np.array([pair.account.position for pair in batch], np.int32)
    state = np.array([pair.account.account_state for pair in batch], np.int32)
    seed = search_seed(settings.session.seed, close_ns, len(batch))
    moment = moment_of([pair.account for pair in batch], close_ns)
    result = planner.plan(np.stack(windows), state, seed, minute[0]["simulations"], moment)
    here = _computes(planner)
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
        recorded = {name: row[name] for name in replayed}
        where, action = f"{row['pair']} at {close_ns}", replayed["action"]
        if by == here:
            found.check(where, recorded, replayed)
        elif not parity.rounding.within(row, model, by, replayed):
            found.check(where, recorded, replayed)
            action = row["action"] if row["action"] in range(len(table.action_names)) else action
        if row["limited_by"] is None:
            after = int(table.next_position[position[i], action])
            wanted[row["pair"]] = float(table.exposures[after if after >= 0 else position[i]])
    return wanted
