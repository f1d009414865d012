"""Train a small agent, plan one decision, and read the tree behind it."""

import sys
from pathlib import Path
from tempfile import mkdtemp

import mlx_muzero as mm
from small_market import small_config, small_store


def show(done: mm.Round) -> None:
    """Print a line per round of episodes; returning False would stop training."""
    pips = done.validation.net_pips_per_session if done.validation else float("nan")
    print(f"{done.episodes:3} episodes  loss {done.loss or 0.0:6.3f}  validation {pips:+.2f} pips")


def main(folder: Path) -> None:
    """Train, then see what the agent considers at one bar."""
    store = small_store(folder)
    mm.train(small_config(store), folder / "run", store=store, callback=show)
    run = mm.load_run(folder / "run")
    bars = store.bars(run.config.market.symbol).bars
    at = f"{bars.open_time_ns[-600].astype('datetime64[ns]').astype('datetime64[m]')}"
    decision = mm.plan(run, at, simulations=32)
    print(f"at {decision.at} UTC: {decision.action}, value {decision.value:+.3f}")
    print("visits:", dict(decision.visits))
    print("expected line:", " > ".join(decision.principal_variation))
    tree = decision.to_frame("pandas")
    most_visited = tree.sort_values("visits", ascending=False, kind="stable")
    print(most_visited[["name", "depth", "visits", "value"]].head(8).to_string(index=False))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
