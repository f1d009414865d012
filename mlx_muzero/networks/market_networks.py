"""The networks of a factored model, of which it may have several sets that learn apart."""

from collections.abc import Sequence
from itertools import pairwise

import mlx.core as mx
import mlx.nn as nn

from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.networks.layers import one_hot, scaled_conditions, zero_linear
from mlx_muzero.networks.window_mlp import WindowMLP

_FADING_BARS = 10.0


class Head(nn.Module):
    """One hidden layer, then outputs that are 0 until trained."""

    def __init__(self, width: int, outputs: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width, width)
        self.output = zero_linear(width, outputs)

    def __call__(self, latent: mx.array) -> mx.array:
        """Latent ``f32[n, D]`` -> ``f32[n, outputs]``."""
        return self.output(nn.relu(self.hidden(latent)))


class ToldHead(nn.Module):
    """A head that is told known inputs: one more layer, where they meet the market."""

    def __init__(self, width: int, known: int, outputs: int) -> None:
        super().__init__()
        self.meeting = nn.Linear(width + known, 2 * width)
        self.hidden = nn.Linear(2 * width, width)
        self.output = zero_linear(width, outputs)

    def __call__(self, told: mx.array) -> mx.array:
        """Latent and known inputs ``f32[n, D + I]`` -> ``f32[n, outputs]``."""
        return self.output(nn.relu(self.hidden(nn.relu(self.meeting(told)))))


class MarketNetworks(nn.Module):
    """What reads a market, moves it by outcomes, and tells of it, in the units of learning.

    Args:
        width: of the latent (D).
        features: market columns of an observation.
        history: those of them of which all bars are read.
        window_bars: bars of an observation.
        outcomes: number of chance outcomes (C).
        states: number of account states (S).
        known: what the worth head is told, next to the latent.
    """

    def __init__(
        self,
        width: int,
        features: int,
        history: Sequence[int],
        window_bars: int,
        outcomes: int,
        states: int,
        known: KnownInputs = NOTHING_KNOWN,
    ) -> None:
        super().__init__()
        self.outcomes = outcomes
        self.representation_network = WindowMLP(features, history, window_bars, width)
        self.dynamics_input = nn.Linear(width + outcomes, width)
        self.dynamics_input.weight = scaled_conditions(self.dynamics_input.weight, width)
        self.dynamics_output = nn.Linear(width, width)
        self.outcome_head = Head(width, outcomes)
        self.move_head = Head(width, outcomes)
        self.known = known
        self.worth_head = (
            ToldHead(width, known.columns, states) if known.columns else Head(width, states)
        )

    def after(self, latent: mx.array, outcome: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, outcome ``i32[n]`` -> next latent ``f32[n, D]``."""
        joined = mx.concatenate([latent, one_hot(outcome, self.outcomes)], axis=-1)
        return nn.relu(self.dynamics_output(nn.relu(self.dynamics_input(joined))))

    def worth_told(self, latent: mx.array, known: mx.array) -> mx.array:
        """Latent ``f32[n, D]``, known inputs ``f32[n, I]`` or ``f32[1, I]`` -> ``f32[n, S]``."""
        if not self.known.columns:
            return self.worth_head(latent)
        told = mx.broadcast_to(known, (latent.shape[0], self.known.columns))
        return self.worth_head(mx.concatenate([latent, told], axis=-1)) * fade(self.known, told)


def fade(known: KnownInputs, told: mx.array) -> mx.array:
    """``f32[n, 1]`` by which worth shrinks as its session ends, of known inputs ``f32[n, I]``.

    Few bars move little, so the end need not be learned.
    """
    if not known.session_bars:
        return mx.ones((told.shape[0], 1))
    left = told[:, :1] * known.session_bars
    return left / (left + _FADING_BARS)


def shares(rows: int, members: int) -> list[slice]:
    """The rows of a batch that each of the members learns from, as nearly equal as can be."""
    cuts = [rows * member // members for member in range(members + 1)]
    return [slice(first, end) for first, end in pairwise(cuts)]
