"""The parts of `scripts/bench_search.py` and `scripts/bench_bindings.py`, one measurement each."""

import mlx_muzero  # noqa: F401 - before mlx, to put its BLAS behind it
