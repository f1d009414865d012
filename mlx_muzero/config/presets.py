"""Configurations to begin from: two that end within minutes, and those of the specifications.

docs/differences.md says where those depart from the specifications, FX and CRYPTO, and why.
"""

from dataclasses import replace

from mlx_muzero.config.schema import (
    CollectConfig,
    Config,
    MarketConfig,
    ModelConfig,
    ReplayConfig,
    SearchConfig,
    TradingConfig,
    TrainConfig,
)
from mlx_muzero.symbols.symbol import Symbol

FX_MICRO = Config(model=ModelConfig(parameters=2_338_802))
"""Micro Stochastic MuZero on one-minute FX bars: FX's networks, rewards, costs and schedule.

Numbers that FX prints without contradicting itself are FX's, but for its four workers: here 16
sessions are played in lockstep. Where FX contradicts itself, is silent, or asks for what does not
learn, this preset takes a side: the value network has two blocks, actions are masked, the value is
learned as a distribution from returns, two losses of Stochastic MuZero are added, and MLX chooses
the device. `FX_MICRO_STRICT` has FX's own of all these; what no setting gives is in
docs/differences.md.
"""

FX_MICRO_STRICT = replace(
    FX_MICRO,
    # Three blocks, as FX lists them; the 2,338,802 parameters it prints have two.
    model=replace(FX_MICRO.model, value_blocks=3, parameters=0),
    search=replace(FX_MICRO.search, legal_actions="off"),
    collect=replace(FX_MICRO.collect, envs=4),
    train=replace(
        FX_MICRO.train,
        device="cpu",
        td_steps=0,
        value_loss="mse",
        afterstate_weight=0.0,
        consistency_weight=0.0,
    ),
)
"""`FX_MICRO` to the letter, as far as settings go."""

CRYPTO_MARKET = MarketConfig(
    symbol=Symbol("BTCUSDT"),
    symbols=Symbol.listed(
        "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,BNBUSDT,LTCUSDT,LINKUSDT,AVAXUSDT,BCHUSDT,ETCUSDT,SUIUSDT"
    ),
    pip_size=0.0,
    features="crypto",
    timeframes=("5m", "1h"),
    context=("book_imbalance", "taker_buy_share", "funding_rate", "open_interest"),
)

CRYPTO = Config(
    market=CRYPTO_MARKET,
    # What Binance charges for USD-M perpetuals without a discount, and what a small market order
    # meets in the book of a large pair.
    trading=TradingConfig(
        actions="targets",
        round_trip_cost_pips=0.0,
        taker_fee_bps=5.0,
        maker_fee_bps=2.0,
        spread_bps=1.0,
        slippage_bps=0.5,
        reward="differential_sharpe",
        sharpe_deviation_pips=5.0,
    ),
    model=ModelConfig(encoder="transformer", value_min=-100.0, value_max=100.0, value_bins=401),
    search=SearchConfig(num_simulations=50, num_simulations_collect=16, depth_limit=5),
    # Every target is always legal: FX's temperature of 10 would resize at every bar, for its costs.
    collect=CollectConfig(initial_temperature=1.0, final_temperature=0.5),
)
"""One model over many crypto pairs on minute bars and what surrounds them (CRYPTO 3)."""

FX_SMALL = Config(
    trading=TradingConfig(reward="mark_to_market"),
    model=ModelConfig(latent_width=64, dropout=0.0),
    search=SearchConfig(
        num_simulations=16,
        num_simulations_collect=8,
        discount=0.98,  # a trade of some ten bars
        root_exploration_fraction=0.25,
    ),
    collect=CollectConfig(
        envs=32,
        initial_temperature=1.0,
        final_temperature=0.5,
        temperature_decay_episodes=250,
    ),
    # Values in the buffer are those of the search that played; old ones mislead.
    replay=ReplayConfig(min_episodes=32, max_episodes=96),
    train=TrainConfig(
        episodes=384,
        steps_per_episode=3.0,
        batch_size=128,
        num_unroll_steps=3,
        learning_rate=1e-3,
        learning_rate_decay_steps=1056,
        average_decay=0.99,
        value_weight=0.5,
        outcome_weight=5.0,  # what the market does next is the hardest thing to learn
        afterstate_weight=0.0,  # an all_outcomes search asks for none
        consistency_weight=0.0,
        validate_interval=96,
        validate_sessions=32,
        best_by="net_pips",
        checkpoint_interval=96,
    ),
)
"""A currency pair in minutes on two CPU cores, rewarded by net pips.

Its networks have a tenth of `FX_MICRO`'s parameters; the recipe is that of scripts/demo.toml.
"""

CRYPTO_SMALL = replace(
    FX_SMALL,
    # An hour's bars would need 56 hours of history before each split's first decision.
    market=replace(
        CRYPTO.market,
        symbols=(Symbol("BTCUSDT"),),
        timeframes=("5m",),
        context=("taker_buy_share", "funding_rate"),
    ),
    # A minute moves a coin by some 5 bps: with this its rewards are about 1.
    trading=replace(CRYPTO.trading, reward="mark_to_market", reward_scale=0.2),
    search=replace(FX_SMALL.search, discount=0.99),
)
"""Coins in minutes on two CPU cores: `CRYPTO`'s actions and costs, `FX_SMALL`'s recipe."""

PRESETS: dict[str, Config] = {
    "fx_small": FX_SMALL,
    "crypto_small": CRYPTO_SMALL,
    "fx_micro": FX_MICRO,
    "fx_micro_strict": FX_MICRO_STRICT,
    "crypto": CRYPTO,
}

DEFAULT_PRESETS = {"fx": "fx_small", "crypto": "crypto_small"}
"""By market, what a run begins from where nobody names a preset."""
