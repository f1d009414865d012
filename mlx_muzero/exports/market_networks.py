"""A factored model's networks as layers, read from weights by name (mirrors `FactoredModel`)."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.layers import Linear, ObservationNorm, Reader
from mlx_muzero.exports.manifest import Precision
from mlx_muzero.exports.weights import factored_of
from mlx_muzero.networks.merging import as_one_set
from mlx_muzero.types import F32

_ON_THE_HOST = ("usual.", "chain.")
"""Arrays beside the networks, whose arithmetic no program does."""


@dataclass(frozen=True)
class Window:
    """Norm, then two linear layers with ReLU; the first reads a window as one wide tap per bar."""

    observation_norm: ObservationNorm
    first: Linear
    second: Linear


@dataclass(frozen=True)
class Head:
    """A hidden layer with ReLU, then outputs.

    Attributes:
        meeting: the layer before them where a latent and known inputs meet, with ReLU.
    """

    hidden: Linear
    output: Linear
    meeting: Linear | None = None


@dataclass(frozen=True)
class MarketNetworks:
    """All networks of a factored model.

    Attributes:
        window: the representation.
        dynamics: of a latent joined with a one-hot outcome, and the layer after it, with ReLUs.
        outcome: logits of the outcomes.
        move: the move from one fill to the next for each outcome, in deviations.
        worth: the worth of each position, in the unit it is learned in.
    """

    window: Window
    dynamics: tuple[Linear, Linear]
    outcome: Head
    move: Head
    worth: Head


def read_market_networks(
    weights: Mapping[str, F32], sizes: ExportSizes, precision: Precision
) -> MarketNetworks:
    """Read the networks from `weights`, float32 arrays named as in `FactoredModel`.

    Several members become one set of networks with a latent as wide as theirs together.

    Raises:
        ExportError: a parameter is missing, unknown, of another shape, or does not fit
            `precision`; the message names it.
    """
    if sizes.model.members > 1:
        arrays = as_one_set(factored_of(weights, sizes))
        weights = {name: np.array(array) for name, array in arrays.items()}
    programs = {name: a for name, a in weights.items() if not name.startswith(_ON_THE_HOST)}
    reader = Reader(programs, precision)
    width, name = sizes.latent_width, "representation_network"

    def head(name: str, outputs: int, known: int = 0) -> Head:
        meeting = reader.linear(f"{name}.meeting", width + known, 2 * width) if known else None
        hidden = reader.linear(f"{name}.hidden", 2 * width if known else width, width)
        return Head(hidden, reader.linear(f"{name}.output", width, outputs), meeting)

    inputs = sizes.features + (sizes.window_bars - 1) * len(sizes.history)
    networks = MarketNetworks(
        window=Window(
            reader.observation_norm(f"{name}.observation_norm", sizes.features),
            _by_bar(reader.linear(f"{name}.first", inputs, width), sizes),
            reader.linear(f"{name}.second", width, width),
        ),
        dynamics=(
            reader.linear("dynamics_input", width + sizes.outcomes, width),
            reader.linear("dynamics_output", width, width),
        ),
        outcome=head("outcome_head", sizes.outcomes),
        move=head("move_head", sizes.outcomes),
        worth=head("worth_head", len(sizes.exposures), sizes.known.columns),
    )
    reader.finish()
    return networks


def _by_bar(layer: Linear, sizes: ExportSizes) -> Linear:
    """The first layer with a tap for every bar: all columns of the newest, `history` of others."""
    features, earlier = sizes.features, sizes.window_bars - 1
    weight = layer.weight[:, :, 0]
    taps = np.zeros((len(weight), features, sizes.window_bars), np.float32)
    taps[:, :, -1] = weight[:, :features]
    history = weight[:, features:].reshape(len(weight), earlier, len(sizes.history))
    taps[:, list(sizes.history), :-1] = history.transpose(0, 2, 1)
    return replace(layer, weight=taps)
