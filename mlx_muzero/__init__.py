"""mlx_muzero: planning-based trading with Stochastic MuZero in MLX.

    import mlx_muzero as mm

provides the names in `mlx_muzero.__all__`: enough to import bars, train, evaluate, plan and export
from Python. They are the public API; changes to them are announced in the changelog. Everything
else, subpackages and modules included, is private by convention and may change in any version.

Importing the package loads neither MLX, DuckDB nor the search core, but has a fast BLAS loaded
before MLX is (`mlx_muzero.before_mlx`). Each public name is loaded on first use; `__init__.pyi`
tells type checkers where from.
"""

from importlib import import_module
from typing import Any

from mlx_muzero.before_mlx import load_blas_before_mlx

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
    """Load the public `name` on first use."""
    if name not in _HOMES:
        raise AttributeError(f"module 'mlx_muzero' has no attribute {name!r}")
    found = getattr(import_module(_HOMES[name]), name)
    globals()[name] = found
    return found


def __dir__() -> list[str]:
    """Names for completion: includes public names not loaded yet."""
    return sorted({*globals(), *_HOMES})


load_blas_before_mlx()
