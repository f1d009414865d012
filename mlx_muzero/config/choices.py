"""The values of configuration keys that take one of a few words.

Separate from `mlx_muzero.config.schema` because command-line options share them, and building the
schema's sections takes longer than most commands do.
"""

from typing import Literal

Actions = Literal["fx", "targets"]
FillAt = Literal["close", "next_open"]
SpreadFrom = Literal["fixed", "quotes"]
FundingFrom = Literal["settled", "fixed"]
RewardScheme = Literal["amddp1", "mark_to_market", "differential_sharpe"]
ModelKind = Literal["muzero", "factored"]
EncoderName = Literal["tcn", "resnet", "transformer"]
LegalActions = Literal["tree", "root", "off"]
Planner = Literal["expectimax", "sampling"]
Root = Literal["puct", "gumbel"]
ExpansionMode = Literal["all_outcomes", "single_outcome"]
Precision = Literal["float32", "bfloat16", "float16", "int8"]
PrecisionChoice = Literal[Precision, "auto"]
"""A precision, or the fastest that was verified where a run is played and float32 in training."""
ModelBackend = Literal["native", "mlx"]
"""Backends that compute the model itself; each is a module of `mlx_muzero.backends`."""
ExportFormat = Literal["coreml", "coreai"]
"""What a model is exported to; each is a package of `mlx_muzero`."""
ExportBackend = Literal["coreml", "coreml-sim", "coreai", "coreai-cpu"]
"""Backends that run an export of the model."""
ConcreteBackend = Literal[ModelBackend, ExportBackend]
Backend = Literal[ConcreteBackend, "auto"]
CollectBackend = Literal["same", ExportBackend]
ValueLoss = Literal["cross_entropy", "mse"]
TrainDevice = Literal["default", "cpu", "gpu"]
BestBy = Literal["expectancy", "net_pips"]
PhaseName = Literal["world-model", "value", "search"]
Phases = Literal["world-model", "value", "search", "all"]
Behavior = Literal[
    "random",
    "buy_and_hold",
    "momentum_5",
    "momentum_30",
    "mean_reversion_5",
    "mean_reversion_30",
]
BarFeatures = Literal["micro", "crypto", "fx_context"]
HigherTimeframe = Literal["5m", "1h"]
ContextSeries = Literal[
    "book_imbalance", "taker_buy_share", "funding_rate", "open_interest", "trade_count"
]
AlertChannel = Literal[
    "webhook", "ntfy", "slack", "discord", "telegram", "program", "mail", "macos"
]
AlertKind = Literal["fill", "stop", "limit", "fault", "feed", "validation", "end"]
