"""A market and a configuration small enough to run an example in seconds; results mean nothing."""

from pathlib import Path

import mlx_muzero as mm

SYMBOL = "WALK"

TINY = {
    "market.session_bars": 30,
    "market.window_bars": 8,
    "trading.round_trip_cost_pips": 1.0,
    "model.latent_width": 16,
    "model.tcn_channels": 8,
    "model.representation_blocks": 1,
    "model.outcome_blocks": 0,
    "model.dynamics_blocks": 1,
    "model.policy_blocks": 0,
    "model.value_blocks": 0,
    "model.afterstate_blocks": 0,
    "model.value_bins": 31,
    "search.num_simulations": 8,
    "search.num_simulations_collect": 4,
    "search.backend": "native",
    "collect.envs": 8,
    "replay.min_episodes": 8,
    "train.episodes": 16,
    "train.batch_size": 16,
    "train.steps_per_episode": 1.0,
    "train.validate_interval": 8,
    "train.validate_sessions": 4,
    "train.checkpoint_interval": 8,
}
"""Sizes that make a run take a second. Leave them out to use the preset's."""


def small_store(folder: Path) -> mm.Store:
    """A store with four days of a random walk, on which nobody can earn."""
    store = mm.open_store(folder / "market.duckdb")
    store.add_synthetic("random_walk", symbol=SYMBOL, days=4, cost_pips=1.0, session_bars=30)
    return store


def small_config(store: mm.Store, **overrides: object) -> mm.Config:
    """The preset `fx_small` with `TINY` sizes; `overrides` change keys of the section `train`."""
    changed = {f"train.{name}": value for name, value in overrides.items()}
    return mm.make_config("fx_small", symbol=SYMBOL, overrides=TINY | changed, store=store)
