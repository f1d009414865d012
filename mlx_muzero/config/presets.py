"""Configurations to start from: two that train within minutes, and those of the specifications.

docs/differences.md lists where those depart from the specifications (FX and CRYPTO), and why.
"""

from dataclasses import replace

from mlx_muzero.config.schema import (
    STORED,
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

Values that FX gives consistently are FX's, except for its four workers: here 16 sessions are played
in lockstep. Where FX contradicts itself, is silent, or asks for something that does not learn, this
preset makes a choice: the value network has two blocks, actions are masked, the value is learned as
a distribution from returns, two losses of Stochastic MuZero are added, and MLX chooses the device.
`FX_MICRO_STRICT` follows FX in all of these; docs/differences.md lists what no setting can change.
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
"""`FX_MICRO` with FX's values to the letter, as far as settings allow."""

CRYPTO_MARKET = MarketConfig(
    symbol=Symbol("BTCUSDT"),
    symbols=Symbol.listed(
        "BTCUSDT,ETHUSDT,SOLUSDT,XRPUSDT,BNBUSDT,LTCUSDT,LINKUSDT,AVAXUSDT,BCHUSDT,ETCUSDT,SUIUSDT"
    ),
    pip_size=0.0,
    features="crypto",
    timeframes=("5m", "1h"),
    context=("book_imbalance", "taker_buy_share", "funding_rate", "open_interest"),
    macro=(STORED,),
)

CRYPTO = Config(
    market=CRYPTO_MARKET,
    # Binance's undiscounted fees for USD-M perpetuals, and what a small market order pays in the
    # order book of a large pair.
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
    # Every target is always legal, so FX's temperature of 10 would pay to resize at every bar.
    collect=CollectConfig(initial_temperature=1.0, final_temperature=0.5),
)
"""One model for many crypto pairs, on minute bars and their context (CRYPTO 3)."""

FX_SMALL = Config(
    # A fill at the very close that was decided on earns the bounce of the price step.
    trading=TradingConfig(fill="next_open", reward="mark_to_market"),
    model=ModelConfig(latent_width=64, dropout=0.0),
    search=SearchConfig(
        num_simulations=16,
        num_simulations_collect=8,
        discount=0.98,  # for trades of about ten bars
        root_exploration_fraction=0.25,
    ),
    collect=CollectConfig(
        envs=32,
        initial_temperature=1.0,
        final_temperature=0.5,
        temperature_decay_episodes=250,
    ),
    # Values in the buffer come from the search that collected them; old ones mislead.
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
        outcome_weight=5.0,  # the market's next move is the hardest thing to learn
        afterstate_weight=0.0,  # an all_outcomes search does not use it
        consistency_weight=0.0,
        validate_interval=96,
        validate_sessions=1000,
        best_by="net_pips",
        checkpoint_interval=96,
    ),
)
"""Trains on a currency pair within minutes on two CPU cores; the reward is net pips.

Its networks have a tenth of `FX_MICRO`'s parameters; scripts/planted_edge.toml has the same recipe.
"""

FX_FACTORED = replace(
    FX_SMALL,
    model=ModelConfig(kind="factored", latent_width=64, dropout=0.0),
    # Three outcomes to depth 2 are 12 market states.
    search=SearchConfig(num_simulations=12, depth_limit=2, discount=0.997),
    # An episode is a session's worth of progress: one step on more bars than it has.
    train=TrainConfig(
        episodes=3000,
        steps_per_episode=1.0,
        batch_size=1024,  # a factored market is learned to a pip, and noise is what is left
        num_unroll_steps=2,
        learning_rate=2e-3,
        learning_rate_decay_steps=3000,
        average_decay=0.995,
        mirrored=True,
        gradient_clip=10.0,
        policy_weight=0.0,
        value_weight=1.0,
        reward_weight=0.1,
        outcome_weight=0.1,
        afterstate_weight=0.0,
        consistency_weight=0.0,
        validate_interval=250,
        validate_sessions=1000,
        best_by="net_pips",
        checkpoint_interval=500,
    ),
)
"""Learns the market alone and computes the account: trains within a minute on one CPU core."""

CRYPTO_SMALL = replace(
    FX_SMALL,
    # Hourly bars would need 56 hours of history before the first decision of each split.
    market=replace(
        CRYPTO.market,
        symbols=(Symbol("BTCUSDT"),),
        timeframes=("5m",),
        context=("taker_buy_share", "funding_rate"),
        macro=(),
    ),
    # A coin moves about 5 bps a minute, so this scale makes rewards about 1.
    trading=replace(CRYPTO.trading, fill="next_open", reward="mark_to_market", reward_scale=0.2),
    search=replace(FX_SMALL.search, discount=0.99),
)
"""Trains on coins within minutes on two CPU cores: `CRYPTO`'s actions, `FX_SMALL`'s recipe."""

FX_INTRADAY = replace(
    FX_FACTORED,
    market=MarketConfig(
        features="fx_context",
        # From 8:00 in Tokyo to 5:00: New York's week ends later even on summer's Fridays.
        session_start="08:00 Asia/Tokyo",
        session_bars=1260,
        # What single minutes did before says nothing about the next half hour.
        window_bars=1,
    ),
    trading=replace(FX_SMALL.trading, round_trip_cost_pips=0.4),
    # What one set of networks says of minute bars is mostly noise, in which those that learn apart
    # differ.
    model=replace(FX_FACTORED.model, members=24),
    # One simulation reads no bar ahead: where the next decision may be a bar away, what two actions
    # are worth differs by less than the noise, which is why targets hold positions.
    search=SearchConfig(num_simulations=1, depth_limit=1, discount=0.99, cost_factor=2.0),
    train=replace(
        FX_FACTORED.train,
        # Few steps, and none chosen by a validation: a year of days cannot tell good from lucky.
        episodes=500,
        batch_size=49152,  # 2,048 bars for each set of networks
        num_unroll_steps=0,
        hold_bars=30,
        volatility_bars=480,
        learning_rate=1e-3,
        learning_rate_decay_steps=0,
        average_decay=0.98,
        mirrored=False,  # Tokyo's fix prefers a direction
        validate_interval=500,
    ),
)
"""A currency pair by trading days, at the cost of a large account; see docs/results.md."""

PRESETS: dict[str, Config] = {
    "fx_small": FX_SMALL,
    "crypto_small": CRYPTO_SMALL,
    "fx_intraday": FX_INTRADAY,
    "fx_factored": FX_FACTORED,
    "fx_micro": FX_MICRO,
    "fx_micro_strict": FX_MICRO_STRICT,
    "crypto": CRYPTO,
}

DEFAULT_PRESETS = {"fx": "fx_small", "crypto": "crypto_small"}
"""Default preset for each market."""
