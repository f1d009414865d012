"""The peer's side of the comparison: searches once for every line of its input.

The first line it writes says what it is; then it searches once for each line it reads.
"""

import json
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

F32 = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Task:
    """What to search: the networks' weights by name, the roots, the constants."""

    weights: dict[str, F32]
    latent: F32
    prior: F32
    value: F32
    simulations: int
    discount: float

    @classmethod
    def load(cls, path: str) -> "Task":
        """Read the task that `bench.versus` wrote."""
        with np.load(path) as arrays:
            return cls(
                {n.removeprefix("w."): arrays[n] for n in arrays.files if n.startswith("w.")},
                arrays["latent"],
                arrays["prior"],
                arrays["value"],
                int(arrays["simulations"]),
                float(arrays["discount"]),
            )


def serve(
    search: Callable[[], npt.NDArray[Any]], value: npt.NDArray[Any], versions: Mapping[str, str]
) -> None:
    """Search once for every line of the input.

    Args:
        search: all simulations of all roots -> visits of the root actions [B, A].
        value: of the roots, by the network as written here.
        versions: of the peer and what computes its network.
    """
    search()
    _say({"versions": versions, "value": value.tolist()})
    for _ in sys.stdin:
        start, busy = time.perf_counter(), time.process_time()
        visits = search()
        seconds = time.perf_counter() - start
        cores = (time.process_time() - busy) / seconds
        _say({"seconds": seconds, "cores": cores, "visits": visits.tolist()})


def _say(answer: Mapping[str, Any]) -> None:
    print(json.dumps(answer), flush=True)
