"""The processes that train together, and their communication.

Training is data parallel: each rank collects and samples its own share, gradients are averaged, and
every rank takes the same step. `mlx.launch` starts the ranks; a process started in any other way is
a group of one.
"""

import io
import json
import os
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import partial
from typing import Any, cast

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.errors import ConfigError, RankLost
from mlx_muzero.training.peer_watch import PeerWatch, opened_by

_FROM_CONNECTIONS = ("[ring]", "[jaccl]")
"""How MLX's errors about connections begin."""


class Ranks:
    """This process as one of those that train together; `group` is None for a single process.

    Attributes:
        rank: its number, from 0; only rank 0 writes.
        size: number of ranks.
        abandon: if set, called in another thread when a rank is gone and MLX would wait for it
            forever; should save what there is and end this process.

    Methods that communicate must be called by all ranks in the same order, and raise RankLost if
    one of them is gone.
    """

    def __init__(
        self,
        group: mx.distributed.Group | None = None,
        connections: list[socket.socket] | None = None,
    ) -> None:
        self._group = group
        self.abandon: Callable[[RankLost], None] | None = None
        self._watch = PeerWatch(connections, self._hung_up) if connections else None
        self.rank = 0 if group is None else group.rank()
        self.size = 1 if group is None else group.size()
        self._average = _averaging(group, self.size)

    @classmethod
    def join(cls) -> "Ranks":
        """Join the ranks this process was launched with.

        Raises:
            RankLost: they are to talk by RDMA, and cannot.
        """
        rdma = "MLX_JACCL_COORDINATOR" in os.environ
        init = partial(mx.distributed.init, strict=rdma, backend="jaccl" if rdma else "any")
        try:
            group, connections = opened_by(init)
        except RuntimeError as error:
            if not rdma:
                raise
            raise RankLost(
                f"this process cannot reach the others by RDMA ({error}): check the cables and the "
                "hostfile, or leave out --backend"
            ) from error
        return cls(group, connections) if group.size() > 1 else cls()

    @property
    def first(self) -> bool:
        """Whether this is the rank that writes."""
        return self.rank == 0

    def share(self, count: int, what: str) -> int:
        """This rank's share of `count`.

        Raises:
            ConfigError: `count` cannot be divided evenly.
        """
        if count % self.size:
            raise ConfigError(f"{what}: {count} cannot be shared evenly by {self.size} processes")
        return count // self.size

    def mean(self, array: mx.array) -> mx.array:
        """Mean over the ranks of an array with the same shape on each; averages gradients too."""
        return self._average(array)

    def any(self, mine: bool) -> bool:
        """Whether `mine` is true on any rank."""
        if self.size == 1:
            return mine
        with self.together():
            return bool(self._sum(mx.array(int(mine))).item())

    def from_first(self, arrays: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        """The first rank's `arrays`, by name; those of other ranks are ignored."""
        if self.size == 1:
            return arrays
        buffer = io.BytesIO()
        if self.first:
            np.savez(buffer, allow_pickle=False, **arrays)
        with self.together():
            length = int(np.array(self._sum(mx.array(buffer.tell()))))
            sent = np.zeros(length, np.uint8)
            sent[: buffer.tell()] = np.frombuffer(buffer.getbuffer(), np.uint8)
            received = np.array(self._sum(mx.array(sent)))
        with np.load(io.BytesIO(received.tobytes())) as loaded:
            return {name: loaded[name] for name in loaded.files}

    def facts_of_first(self, facts: dict[str, Any]) -> dict[str, Any]:
        """The first rank's `facts`, which must fit JSON; those of other ranks are ignored."""
        if self.size == 1:
            return facts
        text = np.frombuffer(json.dumps(facts).encode(), np.uint8)
        received: dict[str, Any] = json.loads(self.from_first({"facts": text})["facts"].tobytes())
        return received

    def share_statistics(self, model: nn.Module) -> None:
        """Make the batch norms of `model` compute their statistics over the rows of all ranks."""
        if self.size == 1:
            return
        for module in model.modules():
            if isinstance(module, nn.BatchNorm):
                # An instance attribute, which shadows the method.
                vars(module)["_calc_stats"] = partial(_statistics, self)

    @contextmanager
    def together(self) -> Iterator[None]:
        """Turn a lost connection into RankLost."""
        try:
            with self._watch.waiting() if self._watch else nullcontext():
                yield
        except RuntimeError as error:
            if self.size == 1 or not str(error).startswith(_FROM_CONNECTIONS):
                raise
            raise self._lost(error) from error

    def _hung_up(self) -> None:
        if self.abandon is not None:
            self.abandon(self._lost("it hung up"))

    def _lost(self, reason: object) -> RankLost:
        return RankLost(
            f"one of the {self.size} processes that train together has died ({reason}); see "
            "its last output. The run is saved; resume with --resume."
        )

    def _sum(self, array: mx.array) -> mx.array:
        return mx.distributed.all_sum(array, group=self._group)


def _averaging(group: mx.distributed.Group | None, size: int) -> Callable[[mx.array], mx.array]:
    """The mean over `group`; the gradient of MLX's own sum covers only this rank's part."""

    def mean(array: mx.array) -> mx.array:
        return array if size == 1 else mx.distributed.all_sum(array, group=group) / size

    averaging = mx.custom_function(mean)

    @averaging.vjp
    def _(_primals: mx.array, cotangent: mx.array, _output: mx.array) -> mx.array:
        return mean(cotangent)

    return cast(Callable[[mx.array], mx.array], averaging)


def _statistics(ranks: Ranks, x: mx.array, ddof: int = 0) -> tuple[mx.array, mx.array]:
    """Mean and variance of each channel over the rows of all ranks, equally many on each."""
    axes = tuple(range(x.ndim - 1))
    rows = x.size // x.shape[-1] * ranks.size
    mean = ranks.mean(x.mean(axis=axes))
    variance = ranks.mean(mx.square(x - mean).mean(axis=axes))
    return mean, variance * (rows / (rows - ddof))
