"""The networks: the agent's encoder of the market, with a policy and a value on top."""

from dataclasses import replace

import mlx.core as mx
import mlx.nn as nn
import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.frames import history_columns, market_feature_names
from mlx_muzero.market.sessions import spread_evenly
from mlx_muzero.networks.layers import zero_linear
from mlx_muzero.networks.representation import RepresentationNetwork
from mlx_muzero.networks.window_mlp import WindowMLP
from mlx_muzero.trading.rules import TradingRules

_MEASURED_WINDOWS = 4096
"""Windows by which the observations are normalised."""

ILLEGAL_LOGIT = -1e9


class ActorCritic(nn.Module):
    """An encoder of the market with a policy and a value for each account state.

    The encoder is that of the run's own model: for a factored one a member's, otherwise the
    representation network's, without dropout, under which a policy's ratio to itself would not be
    1. What the account feels (its features) enters beside what the encoder says.

    Args:
        config: the run's.
        rules: actions and account states.
    """

    def __init__(self, config: Config, rules: TradingRules) -> None:
        super().__init__()
        model, window = config.model, config.market.window_bars
        features = len(market_feature_names(config.market))
        width = model.latent_width
        if model.kind == "factored":
            history = history_columns(config.market)
            self.encoder: nn.Module = WindowMLP(features, history, window, width)
        else:
            self.encoder = RepresentationNetwork(replace(model, dropout=0.0), features, window)
        states = rules.states
        inputs = width + len(rules.position_features)
        self.actor = nn.Linear(inputs, width)
        self.critic = nn.Linear(inputs, width)
        self.logits = zero_linear(width, states.legal.size)
        self.worths = zero_linear(width, states.count)
        self._shape = states.legal.shape
        self._illegal = mx.array(np.where(states.legal, 0.0, ILLEGAL_LOGIT).astype(np.float32))

    def __call__(
        self, market: mx.array, account: mx.array, state: mx.array
    ) -> tuple[mx.array, mx.array]:
        """What to do and what that is worth.

        Args:
            market: ``f32[n, W, F]`` windows of market columns, or ``f32[n, R]`` what is read of
                them (`MarketDataset.read_rows`).
            account: ``f32[n, P]`` the account's features.
            state: ``i32[n]`` its state.

        Returns:
            Log probabilities of the actions ``f32[n, A]`` and the value ``f32[n]``.
        """
        latent = self._encoded(market)
        joined = mx.concatenate([latent, account], axis=1)
        logits = self.logits(nn.relu(self.actor(joined))).reshape(-1, *self._shape)
        worths = self.worths(nn.relu(self.critic(joined)))
        row = mx.arange(len(state))
        own = logits[row, state] + self._illegal[state]
        return own - mx.logsumexp(own, axis=1, keepdims=True), worths[row, state]

    def _encoded(self, market: mx.array) -> mx.array:
        if market.ndim == 2 and isinstance(self.encoder, WindowMLP):
            return self.encoder.of_rows(market)
        return self.encoder(market)


def actor_critic(
    config: Config, rules: TradingRules, dataset: MarketDataset, seed: int
) -> ActorCritic:
    """New networks; observations are normalised by those of the training split.

    `seed` seeds MLX's generator in this thread.
    """
    mx.random.seed(seed)
    network = ActorCritic(config, rules)
    windows = dataset.windows(spread_evenly(dataset.training_decisions(), _MEASURED_WINDOWS))
    network.encoder.observation_norm.measure(windows)
    mx.eval(network.parameters())
    return network
