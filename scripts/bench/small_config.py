"""A configuration whose networks, sessions and searches take milliseconds."""

from dataclasses import replace

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config
from mlx_muzero.symbols.symbol import Symbol

SMALL_CONFIG = Config(
    market=replace(FX_MICRO.market, symbol=Symbol("TEST"), session_bars=12, window_bars=8),
    trading=replace(FX_MICRO.trading, reward="mark_to_market"),
    model=replace(
        FX_MICRO.model,
        parameters=0,
        latent_width=16,
        tcn_channels=8,
        representation_blocks=1,
        outcome_blocks=0,
        dynamics_blocks=1,
        policy_blocks=0,
        value_blocks=0,
        afterstate_blocks=0,
        value_bins=31,
        value_min=-30.0,
        value_max=30.0,
    ),
    search=replace(
        FX_MICRO.search,
        num_simulations=4,
        num_simulations_collect=4,
        backend="native",
        threads=2,
    ),
    collect=replace(FX_MICRO.collect, envs=4),
    replay=replace(FX_MICRO.replay, min_episodes=4, max_episodes=10),
    train=replace(
        FX_MICRO.train,
        episodes=12,
        steps_per_episode=1.0,
        batch_size=8,
        num_unroll_steps=2,
        td_steps=3,
        average_decay=0.5,
        validate_interval=4,
        validate_sessions=3,
        checkpoint_interval=4,
    ),
)
