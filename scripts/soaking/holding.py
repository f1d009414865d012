"""What a session of a soak holds at one moment: its account, pairs, positions and orders.

It can be asked of the session itself, or followed event by event in its journal.
"""

from dataclasses import dataclass, field, replace
from typing import Self

from mlx_muzero.paper.minute_facts import money_of
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.session import Session

_MONEY = ("equity", "realized", "unrealized", "cash", "exposure_total")


@dataclass(frozen=True)
class Holding:
    """What a session holds at one moment.

    Attributes:
        account: its money, its mode and the end of its last minute; empty before the first.
        pairs: those that it trades.
        positions: exposure and entry price of the open ones, by pair.
        orders: numbers of those that wait to be filled, by pair.
    """

    account: Row = field(default_factory=dict)
    pairs: tuple[str, ...] = ()
    positions: dict[str, tuple[float, float]] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)

    @classmethod
    def of(cls, session: Session) -> Self:
        """What `session` holds now."""
        accounts = {pair: trader.account for pair, trader in session.traders.items()}
        money = money_of([*accounts.values()], session.equity)
        return cls(
            money | {"mode": session.mode.name, "close_ns": session.last_close_ns},
            tuple(pair for pair in accounts if pair not in session.lost),
            {
                pair: (account.exposure, account.entry_price)
                for pair, account in accounts.items()
                if account.entry_price is not None
            },
            {pair: account.order.id for pair, account in accounts.items() if account.order},
        )

    @classmethod
    def parsed(cls, facts: Row) -> Self:
        """Inverse of `dataclasses.asdict`, after JSON."""
        positions = {pair: (size, price) for pair, (size, price) in facts["positions"].items()}
        return cls(**facts | {"pairs": tuple(facts["pairs"]), "positions": positions})

    def after(self, event: Row) -> Self:
        """What it holds after an event of the journal."""
        match event["event"]:
            case "minute":
                told = {name: event[name] for name in (*_MONEY, "mode", "close_ns")}
                return replace(self, account=told)
            case "fault" if "pair" in event:  # the venue no longer has it
                left = tuple(pair for pair in self.pairs if pair != event["pair"])
                return replace(self, pairs=left)
            case "fault":
                return replace(self, account=self.account | {"mode": event["mode"]})
            case "order":
                return replace(self, orders=self.orders | {event["pair"]: event["id"]})
            case "order_expired" | "order_canceled":
                return self._without_order(event["id"])
            case "fill":
                others = {p: held for p, held in self.positions.items() if p != event["pair"]}
                now = {event["pair"]: (event["exposure"], event["price"])}
                positions = others | (now if event["exposure"] else {})
                return replace(self, positions=positions)._without_order(event["order_id"])
        return self

    def _without_order(self, number: int) -> Self:
        left = {pair: waiting for pair, waiting in self.orders.items() if waiting != number}
        return replace(self, orders=left)
