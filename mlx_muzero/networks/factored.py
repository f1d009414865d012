"""`FactoredModel`: learns only the market, because the account is arithmetic (ADR 28)."""

from collections.abc import Sequence

import mlx.core as mx
import mlx.nn as nn
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.layers import one_hot, scaled_conditions, zero_linear
from mlx_muzero.networks.market_chain import MarketChain
from mlx_muzero.networks.usual_market import UsualMarket
from mlx_muzero.networks.window_mlp import WindowMLP

WORTH_DEVIATIONS = 5.0
"""Size of the worth of a position, in deviations of a bar's move."""


class Head(nn.Module):
    """One hidden layer, then outputs that are 0 until trained."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.output = zero_linear(width, outputs)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> ``f32[n, outputs]``."""
        return self.output(nn.relu(self.hidden(latent)))


class FactoredModel(nn.Module):
    """A learned model of the market alone: no action, position or cost enters it.

    A price taker does not move the market, so chance outcomes alone lead from one latent to the
    next. What an account earns follows from the moves by arithmetic, which the search does
    (`mlx_muzero.search.expectimax`). One evaluation tells the worth of every position.

    Arrays are float32 with the batch first, n rows; outcomes are int32 indices. Rows agree across
    batch sizes to float32 rounding, not bit for bit.

    Args:
        config: sizes of the networks.
        features: leading market columns of an observation (M); the account's, after them, are not
            read.
        history: those of them that describe single bars, of which the whole window is read.
        exposures: signed exposure of each position (P).
        outcomes: number of chance outcomes (C).
        window_bars: bars of one observation (W).
        seed: seed of the initial weights; it seeds MLX's generator in this thread.

    Attributes:
        longest: the position with the largest exposure.
        shortest: the position with the smallest exposure.
        usual: sizes of moves and prices in the training data.
        chain: a coarse copy of the market, for reading far ahead under other rules.

    Raises:
        ConfigError: `config.parameters` is neither 0 nor the number of trainable parameters.
    """

    def __init__(
        self,
        config: ModelConfig,
        *,
        features: int,
        history: Sequence[int],
        exposures: Sequence[float],
        outcomes: int,
        window_bars: int,
        seed: int = 0,
    ) -> None:
        super().__init__()
        mx.random.seed(seed)
        width = config.latent_width
        self.config = config
        self.features = features
        self.outcomes = outcomes
        self.window_bars = window_bars
        self.history = tuple(history)
        self.exposures = tuple(float(exposure) for exposure in exposures)
        self.positions = len(exposures)
        self.longest, self.shortest = int(np.argmax(exposures)), int(np.argmin(exposures))
        self.representation_network = WindowMLP(features, history, window_bars, width)
        self.dynamics_input = nn.Linear(width + outcomes, width)
        self.dynamics_input.weight = scaled_conditions(self.dynamics_input.weight, width)
        self.dynamics_output = nn.Linear(width, width)
        self.outcome_head = Head(width, outcomes)
        self.move_head = Head(width, outcomes)
        self.worth_head = Head(width, self.positions)
        self.usual = UsualMarket()
        self.chain = MarketChain(config.chain_states)
        parameters = self.num_parameters()
        if config.parameters not in (0, parameters):
            raise ConfigError(
                f"model.parameters: {config.parameters:,} trainable parameters required, but the "
                f"model's sizes give {parameters:,}; restore the sizes, or set "
                f"model.parameters = 0 to allow any number"
            )

    def num_parameters(self) -> int:
        """Number of trainable parameters."""
        arrays: dict[str, mx.array] = dict(tree_flatten(self.trainable_parameters()))
        return sum(array.size for array in arrays.values())

    def representation(self, observation: mx.array) -> mx.array:
        """Observation ``f32[n, W, F]``, market columns first -> latent ``f32[n, D]``.

        Raises:
            ValueError: the observation has a different window or too few columns.
        """
        shape = observation.shape
        if len(shape) != 3 or shape[1] != self.window_bars or shape[2] < self.features:
            raise ValueError(
                f"observation {shape} is not (n, {self.window_bars}, at least {self.features})"
            )
        return self.representation_network(observation[:, :, : self.features])

    def representation_of_rows(self, rows: mx.array) -> mx.array:
        """What is read of observations, ``f32[n, R]`` -> latent ``f32[n, D]``.

        The same as `representation`, without windows of which most is not read: `rows` are
        `MarketDataset.read_rows` of the columns `history`.
        """
        return self.representation_network.of_rows(rows)

    def outcome_logits(self, latent: mx.array, action: mx.array | None = None) -> mx.array:
        """Latent ``f32[n, D]`` -> logits of chance outcomes ``f32[n, C]``.

        `action` has no effect: the market does not answer. It may be given, as to other models.
        """
        return self.outcome_head(latent)

    def moves(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> pips from this fill to the next by outcome ``f32[n, C]``."""
        return self.move_head(latent) * self.usual.move_pips

    def worth(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> pips from holding each position from now on ``f32[n, P]``.

        Those of the next bar, and of the best decisions after it under the rules of the training.
        """
        return self.worth_head(latent) * self.worth_pips

    @property
    def worth_pips(self) -> mx.array:
        """``f32[]`` unit of the worth head; that of the move head is `usual.move_pips`."""
        return WORTH_DEVIATIONS * self.usual.move_pips

    def dynamics(self, latent: mx.array, outcome: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, outcome ``i32[n]`` -> next latent ``f32[n, D]``."""
        joined = mx.concatenate([latent, one_hot(outcome, self.outcomes)], axis=-1)
        return nn.relu(self.dynamics_output(nn.relu(self.dynamics_input(joined))))

    def summary(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> ``f32[n, 3]`` what the chain tells latents apart by."""
        probs = mx.softmax(self.outcome_logits(latent), axis=-1)
        return self.summarized(probs, self.moves(latent), self.worth(latent))

    def summarized(self, probs: mx.array, moves: mx.array, worth: mx.array) -> mx.array:
        """What the networks say of latents -> their summary ``f32[n, 3]``.

        The worth of the longest and of the shortest position beyond being flat, and the expected
        next move, all in pips.

        Args:
            probs: ``f32[n, C]`` probabilities of the outcomes.
            moves: ``f32[n, C]``.
            worth: ``f32[n, P]``.
        """
        expected = (probs * moves).sum(-1)
        longest, shortest = worth[:, self.longest], worth[:, self.shortest]
        return mx.stack([longest - worth[:, 0], shortest - worth[:, 0], expected], axis=1)
