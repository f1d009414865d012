"""Binance's order books on loopback: snapshots, and a stream of their changes."""

import hashlib

from mlx_muzero.timeunits import MILLISECOND_NS
from virtual_time import SECOND_NS

LEVELS = 12


def levels(symbol, step, side):
    """Quantity by price at a step of the book; some levels are empty."""
    found = {}
    for level in range(LEVELS):
        digest = hashlib.sha256(f"{symbol} {side} {level} {step // (1 + level % 3)}".encode())
        quantity = digest.digest()[0] % 40
        price = 100 - level if side == "bids" else 101 + level
        if quantity or level == 0:
            found[price] = 1 + quantity / 8
    return found


class Books:
    """The books of a venue, which change every `every_ns`.

    Attributes:
        every_ns: between two changes.
        lost: steps whose message is not sent.
        at_once: how many messages arrive together, as to a busy listener.
        told: every message and snapshot that was sent, as a recorder of Binance's streams has it.
    """

    def __init__(self, now_ns):
        self.now_ns = now_ns
        self.every_ns = SECOND_NS // 2
        self.lost, self.told, self.at_once = set(), [], 1

    def step(self):
        return self.now_ns() // self.every_ns

    def snapshot(self, symbol):
        """An answer to a request for the book."""
        now_ms = self.now_ns() // MILLISECOND_NS
        found = {"lastUpdateId": self.step(), "E": now_ms, "T": now_ms} | {
            side: [[str(p), str(q)] for p, q in levels(symbol, self.step(), side).items()]
            for side in ("bids", "asks")
        }
        self.told.append((symbol, found))
        return found

    def change(self, symbol, step):
        """The message of a step; None if it is lost."""
        if step in self.lost:
            return None
        sides = {}
        for key, side in (("b", "bids"), ("a", "asks")):
            before, after = levels(symbol, step - 1, side), levels(symbol, step, side)
            changed = {p: after.get(p, 0) for p in before | after if before.get(p) != after.get(p)}
            sides[key] = [[str(p), str(q)] for p, q in changed.items()]
        now_ms = self.now_ns() // MILLISECOND_NS
        data = {"e": "depthUpdate", "E": now_ms, "T": now_ms, "s": symbol} | sides
        data |= {"U": step, "u": step, "pu": step - 1}
        self.told.append((symbol, {"stream": f"{symbol.lower()}@depth@100ms", "data": data}))
        return data
