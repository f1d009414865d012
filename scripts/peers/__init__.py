"""Other libraries' searches, each in a process of its own; `scripts/bench/versus.py` starts them.

Nothing here imports mlx_muzero: a peer runs in an environment without it.
"""
