"""`FactoredModel`: learns only the market, because the account is arithmetic (ADR 28)."""

from collections.abc import Callable, Sequence
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.networks.market_chain import MarketChain
from mlx_muzero.networks.market_networks import MarketNetworks
from mlx_muzero.networks.usual_market import UsualMarket

WORTH_DEVIATIONS = 5.0
"""Size of the worth of a position, in deviations of a bar's move."""


class FactoredModel(MarketNetworks):
    """A learned model of the market alone: no action, position or cost enters a latent.

    A price taker does not move the market, so chance outcomes alone lead from one latent to the
    next. What an account earns follows from the moves by arithmetic, which the search does
    (`mlx_muzero.search.expectimax`). One evaluation tells the worth of every account state. Where
    that depends on the rules' own time or cost, the worth head alone is told (`known`).

    With several `members`, each set of networks learns apart, from its own start and bars, and a
    latent has one part for each. What the model tells is the mean of what they tell: their noise
    differs, and what they agree on is there.

    Arrays are float32 with the batch first, n rows; outcomes are int32 indices. Rows agree across
    batch sizes to float32 rounding, not bit for bit.

    Args:
        config: sizes of the networks.
        features: leading market columns of an observation (M); the account's, after them, are not
            read.
        history: those of them that describe single bars, of which the whole window is read.
        exposures: signed exposure of each account state (S): of each position, unless entries are
            limited.
        outcomes: number of chance outcomes (C).
        window_bars: bars of one observation (W).
        known: what the worth head is told, next to the latent.
        seed: seed of the initial weights; it seeds MLX's generator in this thread.

    Attributes:
        longest: the first state with the largest exposure.
        shortest: the first state with the smallest exposure.
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
        known: KnownInputs = NOTHING_KNOWN,
        seed: int = 0,
    ) -> None:
        mx.random.seed(seed)
        sizes = config.latent_width, features, history, window_bars, outcomes, len(exposures)
        super().__init__(*sizes, known)
        self.config = config
        self.features = features
        self.window_bars = window_bars
        self.history = tuple(history)
        self.exposures = tuple(float(exposure) for exposure in exposures)
        self.account_states = len(exposures)
        self.longest, self.shortest = int(np.argmax(exposures)), int(np.argmin(exposures))
        if config.members > 1:
            self.others = [MarketNetworks(*sizes, known) for _ in range(config.members - 1)]
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

    @property
    def members(self) -> tuple[MarketNetworks, ...]:
        """The sets of networks; the first one is the model itself."""
        return (self, *getattr(self, "others", ()))

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
        market = observation[:, :, : self.features]
        parts = [networks.representation_network(market) for networks in self.members]
        return mx.concatenate(parts, axis=1)

    def representation_of_rows(self, rows: mx.array) -> mx.array:
        """What is read of observations, ``f32[n, R]`` -> latent ``f32[n, D]``.

        The same as `representation`, without windows of which most is not read: `rows` are
        `MarketDataset.read_rows` of the columns `history`.
        """
        parts = [networks.representation_network.of_rows(rows) for networks in self.members]
        return mx.concatenate(parts, axis=1)

    def outcome_logits(self, latent: mx.array, action: mx.array | None = None) -> mx.array:
        """Latent ``f32[n, D]`` -> logits of chance outcomes ``f32[n, C]``.

        `action` has no effect: the market does not answer. It may be given, as to other models.
        """
        return self._mean(latent, lambda networks, part: networks.outcome_head(part))

    def moves(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> pips from this fill to the next by outcome ``f32[n, C]``."""
        told = self._mean(latent, lambda networks, part: networks.move_head(part))
        return told * self.usual.move_pips

    def worth(self, latent: mx.array, known: mx.array | None = None) -> mx.array:
        """Latent ``f32[n, D]`` -> pips from each account state from now on ``f32[n, S]``.

        Those of the next bar, and of the best decisions after it under the rules of the training,
        and under what `known` ``f32[n, I]`` says; None: what is usual (`KnownInputs.usual_row`).
        """
        told = mx.array(self.known.usual_row()) if known is None else known
        worth = self._mean(latent, lambda networks, part: networks.worth_told(part, told))
        return worth * self.worth_pips

    def worth_apart(self, member: int, rows: mx.array, known: mx.array) -> mx.array:
        """``f32[n, S]`` the worth that one member tells, of rows ``f32[n, R]``."""
        networks = self.members[member]
        latent = networks.representation_network.of_rows(rows)
        return networks.worth_told(latent, known) * self.worth_pips

    @property
    def worth_pips(self) -> mx.array:
        """``f32[]`` unit of the worth head; that of the move head is `usual.move_pips`."""
        return WORTH_DEVIATIONS * self.usual.move_pips

    def dynamics(self, latent: mx.array, outcome: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, outcome ``i32[n]`` -> next latent ``f32[n, D]``."""
        pairs = zip(self.members, self._parts(latent), strict=True)
        return mx.concatenate([networks.after(part, outcome) for networks, part in pairs], axis=1)

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

    def _parts(self, latent: mx.array) -> list[mx.array]:
        parts: Any = mx.split(latent, len(self.members), axis=1)
        return list(parts)

    def _mean(
        self, latent: mx.array, told: Callable[[MarketNetworks, mx.array], mx.array]
    ) -> mx.array:
        pairs = zip(self.members, self._parts(latent), strict=True)
        parts = [told(networks, part) for networks, part in pairs]
        return mx.stack(parts).mean(axis=0) if len(parts) > 1 else parts[0]
