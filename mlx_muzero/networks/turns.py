"""The order in which two streams of the CPU are given the parts of a training step.

MLX gives streams the operations of an evaluation one by one, in an order of its own that puts off
what only the results need, and never many before they are computed. So one stream would wait for
its next operation while the other has a queue of them, and most gradients of weights would come
when the chain of latents is through. Parts are therefore noted as they are made, and evaluated in
turns, which changes nothing of what is computed.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from operator import itemgetter

import mlx.core as mx

from mlx_muzero.networks.second_stream import is_aside

Part = list[mx.array]


class Turns:
    """The parts of a step, in the order in which they are made: forward, heads, and back again."""

    def __init__(self) -> None:
        self._forget()

    def _forget(self) -> None:
        self._heads: tuple[list[Part], list[Part]] = [], []
        self._flows: Part = []
        self._back: list[Part] = []
        self._put_off: list[Part] = []

    def note(self, arrays: Sequence[mx.array]) -> None:
        """Note a part of what the chain of latents waits for, on either stream, or is."""
        parts = self._back if self._flows else self._heads[is_aside()]
        parts.append(list(arrays))

    def note_flows(self, arrays: Sequence[mx.array]) -> None:
        """Note what the way back through the chain begins with."""
        self._flows = list(arrays)

    def note_weights(self, arrays: Sequence[mx.array]) -> None:
        """Note gradients of weights: those of heads may come during the way back."""
        parts = self._back if self._flows else self._put_off
        parts.append(list(arrays))

    def evaluate(self) -> None:
        """Begin to evaluate all that was noted; returns when most of it is computed."""
        parts = [*in_turns(*self._heads), self._flows, *in_turns(self._back, self._put_off)]
        parts.reverse()
        self._forget()
        while parts:  # memory of a part may be used again as soon as nobody else holds it
            mx.async_eval(parts.pop())


def in_turns(one: list[Part], other: list[Part]) -> list[Part]:
    """Both lists in one, each in its order and spread evenly."""
    placed = [
        ((at + 0.5) / len(parts), part) for parts in (one, other) for at, part in enumerate(parts)
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
