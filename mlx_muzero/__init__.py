"""mlx_muzero: planning-based trading with Stochastic MuZero in MLX.

Importing the package loads a fast BLAS before MLX can be imported (`mlx_muzero.blas`) and
nothing else: neither MLX, DuckDB nor the search core.
"""

from mlx_muzero import blas

__version__ = "0.2.0"

blas.preload()
