"""The order in which two streams of the CPU are given the parts of a training step.

MLX gives streams the operations of an evaluation one by one, in an order of its own that puts off
what only the results need, and never many before they are computed. So one stream would wait for
its next operation while the other has a queue of them, and most gradients of weights would come
when the chain of latents is through. A stream also computes in the order in which it was given
things: what waits for the other one holds up all that comes after it. Parts are therefore noted as
they are made, and evaluated in turns, which changes nothing of what is computed.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from operator import itemgetter

import mlx.core as mx

from mlx_muzero.networks.second_stream import Place, aside, place

Part = list[mx.array]


class Turns:
    """The parts of a step, noted as they are made: forward, through the heads, and back again."""

    def __init__(self) -> None:
        # Forward, and back through the heads, by stream.
        self._heads: tuple[list[Part], list[Part]] = [], []
        # Gradients of weights of the first stream's heads.
        self._weights: list[Part] = []
        # What the second stream's heads are computed from.
        self._leading: list[Part] = []
        # Gradients of weights of the second's heads and of what they are computed from.
        self._put_off: list[Part] = []
        # From where the way back through the chain begins.
        self._flows: Part = []
        self._back: list[Part] = []

    @property
    def on_the_way_back(self) -> bool:
        """Whether the gradient of the chain itself is being made."""
        return bool(self._flows)

    def note(self, arrays: Sequence[mx.array]) -> None:
        """Note a part of what the chain of latents waits for, on either stream, or is."""
        here = place()
        if self.on_the_way_back:
            parts = self._back
        elif here is Place.LEADING:
            parts = self._leading
        else:
            parts = self._heads[here is Place.ASIDE]
        parts.append(list(arrays))

    def note_flows(self, arrays: Sequence[mx.array]) -> None:
        """Note what the way back through the chain begins with."""
        self._flows = list(arrays)

    def note_weights(self, arrays: Sequence[mx.array]) -> None:
        """Note gradients of weights, for which nothing waits."""
        if self.on_the_way_back:
            parts = self._back
        else:
            parts = self._weights if place() is Place.CHAIN else self._put_off
        parts.append(list(arrays))

    def legs(self) -> tuple[list[Part], list[Part]]:
        """What to evaluate in order: all that the way back waits for, and the way back.

        Until the second stream's heads are through, the first has its own, and their gradients of
        weights. What the second's are computed from comes last: its gradient waits for theirs. What
        was put off comes from then on, while the second stream has little else to do.
        """
        forth = in_turns([*self._heads[0], *self._weights], self._heads[1])
        rest = in_turns([*self._leading, self._flows, *self._back], self._put_off, within=0.4)
        turn = next(at for at, part in enumerate(rest) if part is self._flows)
        return forth + rest[:turn], rest[turn:] if self._flows else rest[turn + 1 :]


def evaluate(parts: list[Part]) -> None:
    """Begin to evaluate `parts` in order, emptying it; returns when most of it is computed."""
    parts.reverse()
    while parts:  # memory of a part may be used again as soon as nobody else holds it
        mx.async_eval(parts.pop())


def in_turns(one: list[Part], other: list[Part], within: float = 1.0) -> list[Part]:
    """Both lists in one, each in its order, `other` spread evenly over that share of `one`."""
    placed = [
        ((at + 0.5) / len(parts) * share, part)
        for parts, share in ((one, 1.0), (other, within))
        for at, part in enumerate(parts)
    ]
    return [part for _, part in sorted(placed, key=itemgetter(0))]


class _OfThread(threading.local):
    turns: Turns | None = None


_mine = _OfThread()


@contextmanager
def taking_turns(wanted: bool) -> Iterator[Turns]:
    """If `wanted`, parts that this thread makes meanwhile are noted in what is returned."""
    turns = Turns()
    before, _mine.turns = _mine.turns, turns if wanted else None
    try:
        yield turns
    finally:
        _mine.turns = before


def note(arrays: Sequence[mx.array]) -> None:
    """`Turns.note`, if parts are noted."""
    if _mine.turns is not None:
        _mine.turns.note(arrays)


def note_flows(arrays: Sequence[mx.array]) -> None:
    """`Turns.note_flows`, if parts are noted."""
    if _mine.turns is not None:
        _mine.turns.note_flows(arrays)


def note_weights(arrays: Sequence[mx.array]) -> None:
    """`Turns.note_weights`, if parts are noted."""
    if _mine.turns is not None:
        _mine.turns.note_weights(arrays)


def for_weights() -> AbstractContextManager[None]:
    """Gradients of weights made within are computed aside, unless the first stream has the time."""
    forth = _mine.turns is not None and not _mine.turns.on_the_way_back
    return aside(not forth or place() is not Place.CHAIN)
