"""The typed configuration of a run: frozen sections, each key with its range and description.

`mlx_muzero.config.presets` has configurations to start from, `mlx_muzero.config.toml` reads and
writes TOML. FX and CRYPTO are the two specifications; docs/differences.md compares them with this.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, get_args

from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.config.choices import (
    Actions,
    Backend,
    BarFeatures,
    Behavior,
    BestBy,
    CollectBackend,
    ContextSeries,
    EncoderName,
    ExpansionMode,
    FillAt,
    FundingFrom,
    HigherTimeframe,
    LegalActions,
    ModelKind,
    Phases,
    Planner,
    PrecisionChoice,
    RewardScheme,
    Root,
    SpreadFrom,
    TrainDevice,
    ValueLoss,
)
from mlx_muzero.config.keys import setting
from mlx_muzero.config.local_times import (
    DAY_MINUTES,
    USUAL_EVENTS,
    DailyEvent,
    DailySpan,
    LocalTime,
)
from mlx_muzero.registry import Registry
from mlx_muzero.symbols.symbol import Symbol

REWARDS: Registry[Callable[[float], Callable[[Any], Any]]] = Registry(
    "reward", "register_reward", get_args(RewardScheme)
)
"""Reward schemes registered in addition to the built-in ones; see `trading.rewards`."""

STORED = "*"
"""In `market.macro`: all macro series that the store has when the run starts."""

AS_NEEDED = -1
"""In `market.embargo_bars`: as many as are needed when the run starts."""


@dataclass(frozen=True)
class MarketConfig:
    """The bars of a run and how they are split (FX "Data Pipeline Details", CRYPTO 3A)."""

    symbol: Symbol = setting(Symbol("USDJPY"), "symbol in the bar store")
    symbols: tuple[Symbol, ...] = setting((), "pairs of one model, in order; none: only symbol")
    pip_size: float = setting(
        0.01, "price of one pip; 0: pips are basis points of the price", 0.0, 1e6
    )
    features: BarFeatures = setting(
        "micro", "features of a bar; the next three keys are for crypto only, events for fx_context"
    )
    timeframes: tuple[HigherTimeframe, ...] = setting(
        (), "longer bars observed along with the minutes"
    )
    context: tuple[ContextSeries, ...] = setting((), "series observed along with the bars")
    macro: tuple[str, ...] = setting(
        (),
        "macro series observed, by the names they were imported under; *: all that the store has "
        "when the run starts",
    )
    events: tuple[str, ...] = setting(
        (), "daily events observed, as NAME HH:MM ZONE; none: fixes, New York close and roll"
    )
    first_utc: str = setting("", "start of the bars, such as 2015-01-01; none: no limit")
    end_utc: str = setting("", "end of the bars, exclusive; none: no limit")
    session_bars: int = setting(360, "steps of one session", 2, 100_000)
    session_start: str = setting(
        "", "local time at which sessions start, as 08:00 Asia/Tokyo; none: at any bar"
    )
    max_gap_minutes: float = setting(10.0, "longest gap within a session", 1.0, 1440.0)
    train_frac: float = setting(0.70, "share of the bars for training, from the start", 0.05, 0.9)
    validation_frac: float = setting(
        0.15, "share of the bars after that, for choosing a checkpoint", 0.01, 0.9
    )
    embargo_bars: int = setting(
        AS_NEEDED,
        "bars left out at the start of validation and test, before their warm-up; -1: what "
        "window, unroll and targets reach over, less the warm-up",
        AS_NEEDED,
        1_000_000,
    )
    window_bars: int = setting(32, "bars of one observation (W)", 1, 4096)

    @property
    def pairs(self) -> tuple[Symbol, ...]:
        """The symbols of the run; a symbol's index is its pair number."""
        return self.symbols or (self.symbol,)

    @property
    def daily_events(self) -> tuple[DailyEvent, ...]:
        """The events observed with "fx_context"."""
        return tuple(DailyEvent.parse(text) for text in self.events or USUAL_EVENTS)

    @property
    def closed_span(self) -> DailySpan | None:
        """The hours between one day's session and the next; None if sessions leave none out."""
        if not self.session_start or self.session_bars >= DAY_MINUTES:
            return None
        start = LocalTime.parse(self.session_start)
        ended = (start.minute + self.session_bars) % DAY_MINUTES
        return DailySpan(ended, start.minute or DAY_MINUTES, start.zone)

    @property
    def macro_names(self) -> tuple[str, ...]:
        """The macro series named, without `STORED`, which names take the place of in a run."""
        return tuple(name for name in self.macro if name != STORED)

    @property
    def label(self) -> str:
        """The pairs, comma-separated."""
        return ", ".join(self.pairs)


@dataclass(frozen=True)
class TradingConfig:
    """Actions, costs and reward (FX "Reward System"; CRYPTO 3B; ADR 8, ADR 9)."""

    actions: Actions = setting("fx", "FX's four actions, or CRYPTO's seven target exposures")
    fill: FillAt = setting(
        "close", "price of a fill: the close decided at, or the open of the bar after it"
    )
    cost: SpreadFrom = setting(
        "fixed",
        "the spread paid: by round_trip_cost_pips and spread_bps, or instead by each bar's quotes",
    )
    round_trip_cost_pips: float = setting(
        4.0, "spread and commission of one trade, paid on entry", 0.0, 1e6
    )
    cost_clock_minutes: int = setting(
        0,
        "every so many minutes (of UTC) a round trip costs cost_clock_pips; 0: never",
        0,
        1440,
    )
    cost_clock_pips: float = setting(0.0, "what it costs then", 0.0, 1e6)
    taker_fee_bps: float = setting(0.0, "fee of a fill that takes liquidity", 0.0, 1e4)
    maker_fee_bps: float = setting(0.0, "fee of a fill that rests in the book", 0.0, 1e4)
    maker_frac: float = setting(0.0, "share of fills that rest in the book", 0.0, 1.0)
    spread_bps: float = setting(0.0, "bid to ask; a taker's fill pays half", 0.0, 1e4)
    slippage_bps: float = setting(0.0, "what a taker's fill pays beyond the spread", 0.0, 1e4)
    swap_long_pips: float = setting(
        0.0, "what holding a currency pair over 17:00 New York costs; negative: earns", -1e4, 1e4
    )
    swap_short_pips: float = setting(0.0, "the same of a short position", -1e4, 1e4)
    funding: FundingFrom = setting(
        "settled",
        "what positions pay at funding times: the settlements that the store has, or funding_bps",
    )
    funding_at: str = setting(
        "",
        "when funding is due, for plans and funding_bps: 08:00 UTC, 00:00 12:00 UTC or every 8 h; "
        "none: no plan expects any",
    )
    funding_bps: float = setting(
        0.0, "of its value, what a long position pays then and a short one gets", -1e3, 1e3
    )
    max_entries: int = setting(
        0, "entries allowed in a session; an entry adds exposure; 0: no limit", 0, 100
    )
    max_total_exposure: float = setting(
        0.0,
        "largest sum of the absolute exposures of all pairs, where they are played; 0: no limit",
        0.0,
        1e6,
    )
    flat_by: str = setting(
        "",
        "from when positions must be closed: 16:00 Europe/London (to midnight there), "
        "16:55-17:05 America/New_York, or bar 240 (of each session); none: never",
    )
    no_entries: str = setting("", "from when none may be opened or grow, written likewise")
    max_exposure: float = setting(1.0, "largest exposure on either side", 0.0, 1.0)
    reward: str = setting(
        "amddp1", "reward scheme", choices=get_args(RewardScheme), registry=REWARDS
    )
    reward_scale: float = setting(
        1.0, "reward per pip of mark_to_market, or per unit of differential_sharpe", 1e-6, 1e6
    )
    sharpe_rate: float = setting(
        0.01, "weight of a bar in the moving averages of differential_sharpe (eta)", 1e-6, 1.0
    )
    sharpe_deviation_pips: float = setting(
        1.0,
        "initial deviation of differential_sharpe, and its lower bound",
        1e-6,
        1e6,
    )


@dataclass(frozen=True)
class ModelConfig:
    """Sizes of the six networks (FX "Neural Network Architecture"; ADR 3)."""

    kind: ModelKind = setting(
        "muzero",
        "what is learned: market and account (FX); or the market alone (factored), whose sizes are "
        "latent_width, members and chain_states",
    )
    latent_width: int = setting(256, "width of the latent state (D)", 2, 8192)
    encoder: EncoderName = setting("tcn", "encoder of the window of bars")
    tcn_channels: int = setting(48, "channels of the temporal encoder", 1, 4096)
    tcn_kernel: int = setting(3, "kernel of its causal convolutions", 1, 31)
    resnet_channels: int = setting(64, "channels of the residual encoder", 1, 4096)
    resnet_kernel: int = setting(3, "kernel of its causal convolutions", 1, 31)
    resnet_blocks: int = setting(4, "its blocks; each doubles the dilation", 1, 12)
    transformer_width: int = setting(64, "width of the transformer", 1, 4096)
    transformer_heads: int = setting(4, "its attention heads; they must divide the width", 1, 64)
    transformer_layers: int = setting(2, "its layers", 1, 64)
    dropout: float = setting(0.1, "dropout in encoder and residual blocks", 0.0, 0.9)
    representation_blocks: int = setting(3, "residual blocks", 0, 64)
    outcome_blocks: int = setting(2, "residual blocks", 0, 64)
    dynamics_blocks: int = setting(3, "residual blocks", 0, 64)
    policy_blocks: int = setting(2, "residual blocks", 0, 64)
    value_blocks: int = setting(2, "residual blocks", 0, 64)
    afterstate_blocks: int = setting(2, "residual blocks", 0, 64)
    value_bins: int = setting(601, "bins of the value support (S)", 3, 100_001)
    value_min: float = setting(-300.0, "lowest value of the support")
    value_max: float = setting(300.0, "highest value of the support")
    chain_states: int = setting(
        128, "clusters in a factored model's chain, which plans under other rules", 2, 4096
    )
    members: int = setting(
        1, "sets of networks in a factored model that learn apart and are played as one", 1, 64
    )
    parameters: int = setting(0, "required number of trainable parameters; 0 for any", 0)

    @property
    def encoder_channels(self) -> int:
        """Output channels of the configured encoder."""
        channels: dict[EncoderName, int] = {
            "tcn": self.tcn_channels,
            "resnet": self.resnet_channels,
            "transformer": self.transformer_width,
        }
        return channels[self.encoder]


@dataclass(frozen=True)
class SearchConfig:
    """Stochastic MCTS (FX "MCTS Parameters"; ADR 18)."""

    planner: Planner = setting(
        "expectimax",
        "how a factored model plans: exactly, to a depth; or by sampling, as all others do",
    )
    num_simulations: int = setting(25, "simulations per decision", 1, 100_000)
    num_simulations_collect: int = setting(10, "simulations while collecting episodes", 1, 100_000)
    depth_limit: int = setting(3, "maximum depth in environment steps", 1, 1000)
    discount: float = setting(0.997, "discount per bar", 0.0, 1.0)
    cost_factor: float = setting(
        1.0,
        "costs as a factored model's agent counts them, over what accounts pay: forecasts promise "
        "more than they keep",
        1.0,
        100.0,
    )
    pb_c_init: float = setting(1.25, "pUCT exploration constant", 0.0, 1e6)
    pb_c_base: float = setting(19652.0, "pUCT visits at which exploration grows", 1.0, 1e12)
    root_dirichlet_alpha: float = setting(1.0, "concentration of the root noise", 1e-3, 1e3)
    root_exploration_fraction: float = setting(0.5, "share of noise in the root prior", 0.0, 1.0)
    root: Root = setting("puct", "how actions are chosen")
    max_num_considered_actions: int = setting(16, "actions a Gumbel root starts with", 1, 100_000)
    legal_actions: LegalActions = setting("tree", "where illegal actions are masked")
    leaves_per_step: int = setting(1, "leaves of one tree evaluated together", 1, 100_000)
    expansion: ExpansionMode = setting("all_outcomes", "what one simulation evaluates")
    backend: Backend = setting("auto", "what evaluates leaves; auto: the fastest, measured once")
    root_backend: Backend = setting(
        "auto", "what evaluates roots; auto: the fastest a profile found, or what suits the leaves"
    )
    threads: int = setting(0, "threads of the native backend; 0: one per fast core", 0, 1024)
    precision: PrecisionChoice = setting(
        "float32",
        "number format of the native backend's large products; norms, sums and heads are float32; "
        "auto: float32 in training, elsewhere the fastest that was verified",
    )


@dataclass(frozen=True)
class CollectConfig:
    """Self-play on training sessions."""

    envs: int = setting(16, "sessions played in lockstep (B)", 1, 4096)
    backend: CollectBackend = setting(
        "same", "what plays: the same as search.backend, or exports made during training"
    )
    ahead: bool = setting(
        False,
        "whether the next round is played during learning, on another core, with the weights from "
        "before it",
    )
    refresh_steps: int = setting(500, "training steps between renewals of such an export", 1)
    initial_temperature: float = setting(10.0, "action temperature of the first episode", 1e-3, 1e3)
    final_temperature: float = setting(1.0, "action temperature after the decay", 1e-3, 1e3)
    temperature_decay_episodes: int = setting(50_000, "episodes of the linear decay", 1)


@dataclass(frozen=True)
class ReplayConfig:
    """Trajectory replay with a quota of trading episodes (FX "BalancedReplayBuffer")."""

    min_episodes: int = setting(100, "episodes before the first training step", 1)
    max_episodes: int = setting(10_000, "episodes kept", 1)
    min_trade_frac: float = setting(
        0.3, "share of episodes with trades below which others are evicted first", 0, 1
    )


@dataclass(frozen=True)
class TrainConfig:
    """Learning (FX "Training Configuration"; ADR 10)."""

    seed: int = setting(0, "seed of all random numbers of the run", 0, 2**63 - 1)
    device: TrainDevice = setting(
        "default", "what MLX trains on; by default the GPU on Apple silicon, elsewhere the CPU"
    )
    phase: Phases = setting("search", "what to train; all: every phase in turn, the search last")
    supervised_episodes: int = setting(2000, "episodes of each phase before the search", 1)
    value_policy: Behavior = setting("momentum_5", "policy whose returns the value phase predicts")
    episodes: int = setting(100_000, "episodes of the search phase", 1)
    steps_per_episode: float = setting(8.0, "training steps per collected episode", 0.0, 1e4)
    batch_size: int = setting(64, "positions per training step", 1, 65536)
    learning_rate: float = setting(0.002, "Adam step size of the first step", 1e-9, 10.0)
    final_learning_rate: float = setting(1e-4, "Adam step size after the decay", 0.0, 10.0)
    learning_rate_decay_steps: int = setting(
        0, "steps of its cosine decay to the final step size; 0: no decay", 0
    )
    weight_decay: float = setting(1e-5, "decoupled weight decay", 0.0, 1.0)
    average_decay: float = setting(
        0.0, "decay per step of the weight average that plays; 0: the latest weights play", 0, 1
    )
    gradient_clip: float = setting(1.0, "maximum norm of the gradient", 1e-9, 1e9)
    num_unroll_steps: int = setting(
        5, "steps the model is unrolled (K); 0: a factored model learns worth alone", 0, 100
    )
    td_steps: int = setting(
        10, "maximum rewards before the search's value; 0: that value alone", 0, 100_000
    )
    policy_weight: float = setting(0.25, "weight of the policy loss", 0.0, 1e3)
    value_weight: float = setting(0.25, "weight of the value loss", 0.0, 1e3)
    reward_weight: float = setting(0.5, "weight of the reward loss", 0.0, 1e3)
    outcome_weight: float = setting(1.0, "weight of the outcome loss (FX lambda)", 0.0, 1e3)
    afterstate_weight: float = setting(0.25, "weight of the afterstate value loss", 0.0, 1e3)
    consistency_weight: float = setting(0.5, "weight of the latent consistency loss", 0.0, 1e3)
    next_bar_weight: float = setting(
        0.5, "weight of the next-bar loss, in the phases before the search", 0.0, 1e3
    )
    cost_low_pips: float = setting(
        0.0, "least round trip that a factored model learns for, see cost_high_pips", 0.0, 1e6
    )
    cost_high_pips: float = setting(
        0.0,
        "greatest; each bar's is drawn in between, and the model is told it; 0: "
        "trading.round_trip_cost_pips alone",
        0.0,
        1e6,
    )
    mirrored: bool = setting(
        False,
        "whether a factored model sees half of its bars upside down, with BUY and SELL exchanged",
    )
    hold_bars: int = setting(
        1, "bars that a factored model's targets hold a position before the next decision", 1, 1000
    )
    volatility_bars: int = setting(
        0,
        "bars whose volatility a factored model measures its errors in; 0: in pips",
        0,
        100_000,
    )
    value_loss: ValueLoss = setting("cross_entropy", "two-hot cross-entropy or mean squared error")
    validate_interval: int = setting(100, "episodes between validations", 1)
    validate_sessions: int = setting(100, "sessions per validation", 1)
    best_by: BestBy = setting(
        "expectancy", "criterion of the best checkpoint: net pips per trade, or per session"
    )
    checkpoint_interval: int = setting(100, "episodes between checkpoints", 1)


@dataclass(frozen=True)
class Config:
    """Everything that defines a run; stored with its checkpoints as config.toml."""

    market: MarketConfig = MarketConfig()
    trading: TradingConfig = TradingConfig()
    model: ModelConfig = ModelConfig()
    search: SearchConfig = SearchConfig()
    collect: CollectConfig = CollectConfig()
    replay: ReplayConfig = ReplayConfig()
    train: TrainConfig = TrainConfig()
    alerts: AlertSettings = AlertSettings()
