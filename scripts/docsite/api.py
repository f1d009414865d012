"""The reference of the Python API, for mkdocstrings."""

from typing import Any

import mlx_muzero
from docsite.markdown import page

MODULES = {
    "Configuration": ("mlx_muzero.config.presets", "mlx_muzero.config.toml"),
    "Market data": (
        "mlx_muzero.market.bars",
        "mlx_muzero.market.store.bar_store",
        "mlx_muzero.market.importers.pipeline",
        "mlx_muzero.market.dataset",
    ),
    "Trading": ("mlx_muzero.trading.core", "mlx_muzero.trading.rewards"),
    "Agent": ("mlx_muzero.agent.agent", "mlx_muzero.search.params", "mlx_muzero.search.result"),
    "Training": ("mlx_muzero.training.trainer", "mlx_muzero.training.run"),
    "Evaluation": (
        "mlx_muzero.evaluation.backtest",
        "mlx_muzero.evaluation.policy",
        "mlx_muzero.evaluation.baselines",
        "mlx_muzero.evaluation.metrics",
    ),
    "Watching": ("mlx_muzero.watch.run",),
    "Errors": ("mlx_muzero.errors",),
}
"""What a notebook needs, by subject."""


def api_page() -> str:
    """A page that asks mkdocstrings for the names of `mlx_muzero.__all__`, else for `MODULES`."""
    names = getattr(mlx_muzero, "__all__", ())
    if names:
        return page(
            "Python API",
            "What `import mlx_muzero as mm` gives. Everything else is private and may change.",
            *(f"::: {_definition(name)}" for name in names),
        )
    return page(
        "Python API",
        "Import `mlx_muzero` before `mlx`: on Linux it puts OpenBLAS behind MLX.",
        *(
            block
            for subject, modules in MODULES.items()
            for block in (f"## {subject}", *(f"::: {module}" for module in modules))
        ),
    )


def _definition(name: str) -> str:
    """Where the public `name` is defined: mkdocstrings reads source, and names are loaded late."""
    found: Any = getattr(mlx_muzero, name)
    if hasattr(found, "__qualname__"):
        return f"{found.__module__}.{found.__qualname__}"
    return getattr(found, "__name__", f"mlx_muzero.{name}")
