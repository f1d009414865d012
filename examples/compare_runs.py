"""Compare two runs on the same sessions: which earned more, and could that be chance?"""

import sys
from pathlib import Path
from tempfile import mkdtemp

import mlx_muzero as mm
from small_market import small_config, small_store


def main(folder: Path) -> None:
    """Train two seeds, then compare them session by session."""
    store = small_store(folder)
    for seed in (0, 1):
        mm.train(small_config(store, seed=seed), folder / f"seed-{seed}", store=store)
    found = mm.compare_runs(folder / "seed-0", folder / "seed-1")
    print(f"{found.conditions.sessions} sessions of {found.conditions.part}")
    beyond = found.beyond_first["seed-1"]
    print(f"seed-1 beyond seed-0: {beyond.mean:+.2f} pips a session")
    if beyond.low is not None and beyond.high is not None:
        chance = beyond.low <= 0.0 <= beyond.high
        print(f"95 % interval {beyond.low:+.2f} to {beyond.high:+.2f}:",
              "could be chance" if chance else "unlikely to be chance")  # fmt: skip


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
