"""The six networks as layers, read from weights by name (mirrors `mlx_muzero.networks`)."""

from collections.abc import Mapping
from dataclasses import dataclass

from mlx_muzero.exports.encoders import EncoderLayers, read_encoder
from mlx_muzero.exports.interface import ExportSizes
from mlx_muzero.exports.layers import LayerNorm, Linear, ObservationNorm, Reader
from mlx_muzero.exports.manifest import Precision
from mlx_muzero.types import F32


@dataclass(frozen=True)
class Block:
    """Linear, layer norm, ReLU, linear, layer norm, add, ReLU."""

    linear_1: Linear
    norm_1: LayerNorm
    linear_2: Linear
    norm_2: LayerNorm


Tower = tuple[Block, ...]


@dataclass(frozen=True)
class Representation:
    """Norm, encoder, attention over time, projection of its result and of the last bar, tower."""

    observation_norm: ObservationNorm
    encoder: EncoderLayers
    attention: Linear
    projection: Linear
    norm: LayerNorm
    tower: Tower


@dataclass(frozen=True)
class Conditioned:
    """A projection of a latent joined with one-hot conditions, then a tower."""

    projection: Linear
    tower: Tower


@dataclass(frozen=True)
class Dynamics:
    """A conditioned tower with heads for the next latent and the reward."""

    body: Conditioned
    next_latent: Linear
    norm: LayerNorm
    reward: Linear


@dataclass(frozen=True)
class Networks:
    """All six networks.

    Attributes:
        representation: h.
        dynamics: g.
        policy: tower and logits.
        value: tower and logits.
        outcome: conditioned tower and logits of the outcomes.
        afterstate: conditioned tower and its norm.
    """

    representation: Representation
    dynamics: Dynamics
    policy: tuple[Tower, Linear]
    value: tuple[Tower, Linear]
    outcome: tuple[Conditioned, Linear]
    afterstate: tuple[Conditioned, LayerNorm]


def read_networks(weights: Mapping[str, F32], sizes: ExportSizes, precision: Precision) -> Networks:
    """Read the networks from `weights`, float32 arrays named as in `StochasticMuZero`.

    Raises:
        ExportError: a parameter is missing, unknown, of another shape, or does not fit
            `precision`; the message names it.
    """
    reader = Reader(weights, precision)
    model, width = sizes.model, sizes.model.latent_width

    def tower(name: str, blocks: int) -> Tower:
        return tuple(_block(reader, f"{name}.blocks.{i}", width) for i in range(blocks))

    def conditioned(name: str, conditions: int, blocks: int) -> Conditioned:
        projection = reader.linear(f"{name}.projection", width + conditions, width)
        return Conditioned(projection, tower(f"{name}.tower", blocks))

    def head(name: str, blocks: int, outputs: int) -> tuple[Tower, Linear]:
        return tower(f"{name}.tower", blocks), reader.linear(f"{name}.logits", width, outputs)

    conditions = sizes.actions + sizes.outcomes
    networks = Networks(
        representation=_representation(
            reader,
            sizes,
            tower("representation_network.tower", model.representation_blocks),
        ),
        dynamics=Dynamics(
            conditioned("dynamics_network.body", conditions, model.dynamics_blocks),
            reader.linear("dynamics_network.next_latent", width, width),
            reader.layer_norm("dynamics_network.next_latent_norm", width),
            reader.linear("dynamics_network.reward", width, 1),
        ),
        policy=head("policy_network", model.policy_blocks, sizes.actions),
        value=head("value_network", model.value_blocks, model.value_bins),
        outcome=(
            conditioned("outcome_network.body", sizes.actions, model.outcome_blocks),
            reader.linear("outcome_network.logits", width, sizes.outcomes),
        ),
        afterstate=(
            conditioned("afterstate_network.body", sizes.actions, model.afterstate_blocks),
            reader.layer_norm("afterstate_network.norm", width),
        ),
    )
    reader.finish()
    return networks


def _block(reader: Reader, name: str, width: int) -> Block:
    return Block(
        reader.linear(f"{name}.linear_1", width, width),
        reader.layer_norm(f"{name}.norm_1", width),
        reader.linear(f"{name}.linear_2", width, width),
        reader.layer_norm(f"{name}.norm_2", width),
    )


def _representation(reader: Reader, sizes: ExportSizes, tower: Tower) -> Representation:
    name = "representation_network"
    channels, width = sizes.model.encoder_channels, sizes.model.latent_width
    return Representation(
        observation_norm=reader.observation_norm(f"{name}.observation_norm", sizes.features),
        encoder=read_encoder(reader, f"{name}.encoder", sizes),
        attention=reader.linear(f"{name}.attention", channels, 1),
        projection=reader.linear(f"{name}.projection", channels + sizes.features, width),
        norm=reader.layer_norm(f"{name}.projection_norm", width),
        tower=tower,
    )
