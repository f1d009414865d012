"""The six networks of Stochastic MuZero and the model that joins them, in MLX."""
