"""`StochasticMuZero`: the six networks combined in one module."""

import mlx.core as mx
import mlx.nn as nn
from mlx.utils import tree_flatten

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.layers import one_hot
from mlx_muzero.networks.next_bar import NextBarDecoder
from mlx_muzero.networks.predictions import PolicyNetwork, ValueNetwork
from mlx_muzero.networks.representation import RepresentationNetwork
from mlx_muzero.networks.support import Support
from mlx_muzero.networks.transitions import (
    AfterstateNetwork,
    DynamicsNetwork,
    OutcomeProbabilityNetwork,
)

DECODER = "next_bar_decoder."
"""Prefix of the names of the decoder's parameters."""


class StochasticMuZero(nn.Module):
    """A learned model of the market and of an agent in it (Antonoglou et al. 2022; FX; ADR 3).

    Arrays are float32 with the batch first, n rows; actions and outcomes are int32 indices. Rows
    are independent of each other only in eval mode, and then agree across batch sizes to float32
    rounding, not bit for bit, because the BLAS picks its kernel by the number of rows.

    Args:
        config: sizes of the networks.
        features: features of each bar of an observation (F).
        actions: number of actions (A).
        outcomes: number of chance outcomes (C).
        window_bars: bars of one observation (W); only a transformer has parameters per bar.
        decoded: leading market columns of an observation that a next-bar decoder predicts (M);
            0 builds the model without a decoder.
        seed: seed of the initial weights; it seeds MLX's generator in this thread.

    Raises:
        ConfigError: `config.parameters` is neither 0 nor the number of trainable parameters.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        features: int,
        actions: int,
        outcomes: int,
        window_bars: int,
        decoded: int = 0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        mx.random.seed(seed)
        self.config = config
        self.features = features
        self.actions = actions
        self.outcomes = outcomes
        self.window_bars = window_bars
        self.support = Support(config.value_min, config.value_max, config.value_bins)
        self.representation_network = RepresentationNetwork(config, features, window_bars)
        self.outcome_network = OutcomeProbabilityNetwork(config, actions, outcomes)
        self.dynamics_network = DynamicsNetwork(config, actions, outcomes)
        self.policy_network = PolicyNetwork(config, actions)
        self.value_network = ValueNetwork(config)
        self.afterstate_network = AfterstateNetwork(config, actions)
        self.decoded = decoded
        if decoded:
            self.next_bar_decoder = NextBarDecoder(config, decoded)
        parameters = self.num_parameters()
        if config.parameters not in (0, parameters):
            raise ConfigError(
                f"model.parameters: {config.parameters:,} trainable parameters required, but the "
                f"model's sizes give {parameters:,}; restore the sizes, or set "
                f"model.parameters = 0 to allow any number"
            )

    def num_parameters(self) -> int:
        """Number of trainable parameters in the six networks.

        Excludes the running statistics of batch norm and the decoder, which only serves training.
        """
        arrays = dict(tree_flatten(self.trainable_parameters()))
        return sum(a.size for name, a in arrays.items() if not name.startswith(DECODER))

    def representation(self, observation: mx.array) -> mx.array:
        """Observation ``f32[n, W, F]`` -> latent ``f32[n, D]``.

        Raises:
            ValueError: the observation has a different window or number of features.
        """
        window, features = self.window_bars, self.features
        if observation.ndim != 3 or observation.shape[1:] != (window, features):
            raise ValueError(f"observation {observation.shape} is not (n, {window}, {features})")
        return self.representation_network(observation)

    def afterstate(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, action ``i32[n]`` -> afterstate ``f32[n, D]``."""
        return self.afterstate_network(latent, one_hot(action, self.actions))

    def outcome_logits(self, latent: mx.array, action: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, action ``i32[n]`` -> logits of chance outcomes ``f32[n, C]``."""
        return self.outcome_network(latent, one_hot(action, self.actions))

    def dynamics(
        self, latent: mx.array, action: mx.array, outcome: mx.array
    ) -> tuple[mx.array, mx.array]:
        """Latent ``f32[n, D]``, action and outcome ``i32[n]`` -> next latent, reward ``f32[n]``."""
        return self.dynamics_network(
            latent, one_hot(action, self.actions), one_hot(outcome, self.outcomes)
        )

    def unrolled(
        self, latent: mx.array, action: mx.array, outcome: mx.array, gradient_scale: float
    ) -> tuple[mx.array, mx.array]:
        """`dynamics` K times, from latent ``f32[n, D]``, with actions and outcomes ``i32[K, n]``.

        Returns:
            As `DynamicsNetwork.unrolled`: latents ``f32[K * n, D]`` and rewards ``f32[K, n]``.
        """
        conditions = one_hot(action, self.actions), one_hot(outcome, self.outcomes)
        return self.dynamics_network.unrolled(latent, *conditions, gradient_scale)

    def next_bar(self, latent: mx.array, last_bar: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, last bar's columns ``f32[n, M]`` -> next bar's ``f32[n, M]``."""
        return last_bar + self.next_bar_decoder(latent)

    def policy_logits(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> action logits ``f32[n, A]``."""
        return self.policy_network(latent)

    def value_logits(self, latent: mx.array) -> mx.array:
        """Latent or afterstate ``f32[n, D]`` -> logits over the value support ``f32[n, S]``."""
        return self.value_network(latent)

    def value(self, latent: mx.array) -> mx.array:
        """Latent or afterstate ``f32[n, D]`` -> expected value ``f32[n]``."""
        return self.support.decode(self.value_logits(latent))
