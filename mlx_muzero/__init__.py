"""mlx_muzero: planning-based trading with Stochastic MuZero in MLX.

    import mlx_muzero as mm

gives the names of `mlx_muzero.__all__`: enough to import bars, train, judge, plan and export from
Python. They are the public API and change with a notice in the changelog. All else, every
subpackage and module among it, is private by convention and may change with any version.

Importing the package loads a fast BLAS before MLX can be imported (`mlx_muzero.blas`) and
nothing else: neither MLX, DuckDB nor the search core. Each public name is loaded when it is first
used; `__init__.pyi` tells type checkers where from.
"""

from importlib import import_module
from typing import Any

from mlx_muzero import blas

__version__ = "0.2.0"

_HOMES = {
    "Config": "mlx_muzero.config.schema",
    "MuZeroError": "mlx_muzero.errors",
    "MuZeroWarning": "mlx_muzero.api.notes",
    "Round": "mlx_muzero.api.rounds",
    "SessionView": "mlx_muzero.evaluation.policy",
    "StepEffect": "mlx_muzero.trading.rewards",
    "Store": "mlx_muzero.api.store",
    "TrainedRun": "mlx_muzero.experiment.trained_run",
    "audit_reward": "mlx_muzero.api.checking",
    "check_leakage": "mlx_muzero.api.checking",
    "compare_fully": "mlx_muzero.api.judging",
    "compare_runs": "mlx_muzero.api.judging",
    "evaluate": "mlx_muzero.api.judging",
    "export_run": "mlx_muzero.api.exporting",
    "load_run": "mlx_muzero.api.running",
    "make_config": "mlx_muzero.api.configuration",
    "open_store": "mlx_muzero.api.store",
    "plan": "mlx_muzero.api.planning",
    "register_baseline": "mlx_muzero.api.extensions",
    "register_reward": "mlx_muzero.api.extensions",
    "replay_paper": "mlx_muzero.api.paper",
    "train": "mlx_muzero.api.running",
    "walk_forward": "mlx_muzero.api.running",
}
"""The module that defines each public name."""

__all__ = [*_HOMES]


def __getattr__(name: str) -> Any:
    """The public `name`, loaded now and kept."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlx_muzero' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """What completion offers: the public names, loaded or not."""
    return sorted({*globals(), *_HOMES})


blas.preload()
