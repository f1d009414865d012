"""Small markets and configurations shared by the tests."""

import dataclasses
import os
from collections.abc import Iterator
from pathlib import Path

import hypothesis
import pytest

from markets import walk_bars
from mlx_muzero.config import FX_MICRO, Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.store import BarStore

# A busy machine is slow, not wrong.
hypothesis.settings.register_profile("patient", deadline=None)
hypothesis.settings.load_profile("patient")


@pytest.fixture(scope="session")
def real_data() -> Path:
    """Folder of real market data, named by MLX_MUZERO_TEST_DATA."""
    folder = os.environ.get("MLX_MUZERO_TEST_DATA")
    if not folder:
        pytest.skip("needs real market data: set MLX_MUZERO_TEST_DATA to its folder")
    return Path(folder)


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BarStore]:
    """An empty bar store."""
    with BarStore(tmp_path / "market.duckdb") as opened:
        yield opened


@pytest.fixture
def small_config() -> Config:
    """A configuration whose networks, sessions and searches take milliseconds."""
    return Config(
        market=dataclasses.replace(FX_MICRO.market, symbol="TEST", session_bars=12, window_bars=8),
        trading=dataclasses.replace(FX_MICRO.trading, reward="mark_to_market"),
        model=dataclasses.replace(
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
        search=dataclasses.replace(
            FX_MICRO.search,
            num_simulations=4,
            num_simulations_collect=4,
            backend="native",
            threads=2,
        ),
        collect=dataclasses.replace(FX_MICRO.collect, envs=4),
        replay=dataclasses.replace(FX_MICRO.replay, min_episodes=4, max_episodes=10),
        train=dataclasses.replace(
            FX_MICRO.train,
            episodes=12,
            steps_per_episode=1.0,
            batch_size=8,
            num_unroll_steps=2,
            td_steps=3,
            validate_interval=4,
            validate_sessions=3,
            checkpoint_interval=4,
        ),
    )


@pytest.fixture
def small_dataset(small_config: Config) -> MarketDataset:
    """Fifteen hundred bars of a random walk, cut as `small_config` says."""
    return MarketDataset.from_bars(walk_bars(1500), small_config.market)
