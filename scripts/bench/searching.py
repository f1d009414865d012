"""Searches with fx_micro's networks when told to, in its own process, on one thread.

    cd scripts && PYTHON -m bench.searching EXPANSION ROOTS SIMULATIONS PRECISION

PYTHON may be another checkout's, of a build that knows the precision. A line on standard input is
how many searches to run; the answer is a line of JSON with their mean seconds of processor time,
which others on the machine hardly change, and a digest of what they found.
"""

import hashlib
import json
import sys
import time
from typing import Any

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
import mlx.core as mx
import numpy as np

from bench.networks import OUTCOMES, Roots, fx_micro
from mlx_muzero.backends.native import NativeEvaluator
from mlx_muzero.search import Search, SearchParams
from mlx_muzero.trading.positions import FX_ACTIONS


def main() -> None:
    count, simulations, precision = sys.argv[2:]
    expansion: Any = sys.argv[1]
    model = fx_micro()
    # Builds before there was a choice take no precision.
    chosen: dict[str, Any] = {} if precision == "float32" else {"precision": precision}
    evaluator = NativeEvaluator(model, **chosen)
    params = SearchParams(num_simulations=int(simulations), depth_limit=1000, expansion=expansion)
    search = Search(params, FX_ACTIONS.next_position, OUTCOMES, 1)
    roots = Roots.of(model, int(count))
    latents, zeros = mx.array(roots.latent), np.zeros(int(count), np.int32)
    seeds = np.arange(int(count), dtype=np.uint64)
    for line in sys.stdin:
        start = time.process_time()
        for _ in range(int(line)):
            found = search.run(
                evaluator, latents, roots.prior, roots.value, zeros, seeds, noise=False
            )
        seconds = (time.process_time() - start) / int(line)
        result = hashlib.sha256(found.visits.tobytes() + found.q.tobytes()).hexdigest()
        print(json.dumps({"seconds": seconds, "found": result}), flush=True)


if __name__ == "__main__":
    main()
