"""Stochastic tree search over arrays: the Python interface of the C++ core, and its evaluators.

Nothing here imports MLX; `mlx_muzero.backends` computes a model for the search.
"""

from mlx_muzero.search.actions import sample_actions
from mlx_muzero.search.evaluator import (
    Evaluator,
    Expansion,
    Leaves,
    SingleExpansion,
    SingleLeaves,
)
from mlx_muzero.search.params import SearchParams
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.search.search import Search
from mlx_muzero.search.table_evaluator import TableEvaluator

__all__ = [
    "Evaluator",
    "Expansion",
    "Leaves",
    "Search",
    "SearchParams",
    "SearchResult",
    "SearchStatistics",
    "SingleExpansion",
    "SingleLeaves",
    "TableEvaluator",
    "TreeTable",
    "sample_actions",
]
