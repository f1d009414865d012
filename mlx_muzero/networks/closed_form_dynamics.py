"""The dynamics network unrolled over K steps, with its gradient in closed form (ADR 29).

Step by step, MLX would derive K gradients of each weight and then add them.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import mlx.core as mx

from mlx_muzero.networks.closed_form import (
    Arrays,
    Products,
    added,
    as_gradients,
    column_sum,
    column_sums,
    standardized,
    through_norm,
    through_residual_block,
    to_mean,
    to_residual_block,
    with_gradient,
)
from mlx_muzero.networks.second_stream import aside
from mlx_muzero.networks.turns import note_flows, note_weights

_OF_BLOCK, _SAVED_OF_BLOCK = 8, 6
"""Parameters of a residual block, and arrays that its gradient needs again."""


def unrolled_dynamics(
    latent: mx.array,
    condition: mx.array,
    kept: Sequence[mx.array],
    gains: tuple[float, ...],
    parameters: Sequence[mx.array],
    gradient_scale: float,
) -> tuple[mx.array, mx.array]:
    """What `DynamicsNetwork.unrolled` computes.

    Args:
        latent: ``f32[n, D]``, where the unroll starts.
        condition: ``f32[K, n, A + C]``, one-hot actions and outcomes.
        kept: by residual block, ``f32[K * n, D]`` that dropout multiplies by.
        gains: by residual block, what `kept` is where nothing is dropped.
        parameters: weight and bias of the projection; of both linear layers and norms of each
            block, in order; of the layer of the next latent and its norm; of the reward.
        gradient_scale: share of a predicted latent's gradient that reaches the step before it.
    """
    made = _unrolled(len(condition), gains, gradient_scale)
    latents, reward, *_ = made(latent, condition, *kept, *parameters)
    return latents, reward


@lru_cache(maxsize=64)
def _unrolled(steps: int, gains: tuple[float, ...], gradient_scale: float) -> Callable[..., Arrays]:
    """`unrolled_dynamics` as a function of arrays alone; after its two results, what it saves."""
    blocks = len(gains)

    def to_unrolled(latent: mx.array, condition: mx.array, *others: mx.array) -> Arrays:
        kept_by_step = [mx.split(array, steps) for array in others[:blocks]]
        parameters = others[blocks:]
        weight, bias, *of_blocks = parameters[:-6]
        next_weight, next_bias, gain, shift, reward_weight, reward_bias = parameters[-6:]
        width = latent.shape[1]
        beside = _end_to_end(condition) @ weight[:, width:].T + bias
        # A part of a matrix is copied by each product that it is in, unless it is one already.
        of_latent = mx.contiguous(weight[:, :width])
        latents, towers, saved = list[mx.array](), list[mx.array](), list[mx.array]()
        for step, conditioned in enumerate(mx.split(beside, steps)):
            x = mx.addmm(conditioned, latent, of_latent.T)
            saved += [latent, x]
            for block, own in enumerate(_chunks(of_blocks, _OF_BLOCK)):
                needed = to_residual_block(x, kept_by_step[block][step], *own)
                x = needed[0]
                saved += needed
            normal, scale = standardized(x @ next_weight.T + next_bias)
            saved += [normal, scale]
            latent = normal * gain + shift
            latents.append(latent)
            towers.append(x)
        tower = mx.concatenate(towers)
        reward = (tower @ reward_weight.T + reward_bias).reshape(steps, -1)
        return mx.concatenate(latents), reward, tower, *saved

    def from_unrolled(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
        latent, condition, *others = arguments
        kept, parameters = others[:blocks], others[blocks:]
        weight, _, *of_blocks = parameters[:-6]
        next_weight, _, gain, _, reward_weight, _ = parameters[-6:]
        width = latent.shape[1]
        note_flows(flows[:2])
        to_latents = mx.split(flows[0], steps)
        to_rewards = mx.split(flows[1].reshape(-1, 1), steps)
        _, _, tower, *saved = outputs
        saved_by_step = _chunks(saved, len(saved) // steps)
        onto_projection = list[mx.array]()
        totals: list[mx.array] | None = None
        gain_to_mean = to_mean(gain)
        own_of_blocks = _chunks(of_blocks, _OF_BLOCK)
        to_means = [(to_mean(own[2]), to_mean(own[6])) for own in own_of_blocks]
        carried, through_projection = mx.zeros_like(latent), mx.contiguous(weight[:, :width])
        for step in reversed(range(steps)):
            before, x, *of_step, normal, scale = saved_by_step[step]
            by_block = _chunks(of_step, _SAVED_OF_BLOCK)
            inputs = [x, *(block[0] for block in by_block)]
            flow = to_latents[step] + gradient_scale * carried
            into, along = through_norm(flow, gain, gain_to_mean, normal, scale)
            with aside():
                of_next = [(into.T, inputs[-1]), column_sum(into)]
                of_next += [column_sum(along), column_sum(flow)]
            flow = mx.addmm(into @ next_weight, to_rewards[step], reward_weight)
            found = list[Products]()
            for block in reversed(range(blocks)):
                flow, of_block = through_residual_block(
                    inputs[block],
                    own_of_blocks[block],
                    to_means[block],
                    gains[block],
                    flow,
                    tuple(by_block[block]),
                )
                found.append(of_block)
            with aside():
                of_step_blocks = [pair for of_block in reversed(found) for pair in of_block]
                totals = added(totals, [(flow.T, before), *of_step_blocks, *of_next])
            note_weights(totals)
            onto_projection.append(flow)
            carried = flow @ through_projection
        with aside():
            flow = mx.concatenate(onto_projection[::-1])
            of_conditions = flow.T @ _end_to_end(condition)
            several = [weight[:, :width], *of_blocks, *parameters[-6:-2]]
            assert totals is not None
            of_latent, *of_several = as_gradients(totals, several)
            of_weight = mx.concatenate([of_latent, of_conditions], axis=1)
            to_reward = flows[1].reshape(1, -1)
            of_reward = to_reward @ tower, to_reward.sum(axis=1)
            of_parameters = of_weight, column_sums(flow), *of_several, *of_reward
        unlearned = map(mx.zeros_like, (condition, *kept))
        return carried, *unlearned, *of_parameters

    return with_gradient(to_unrolled, from_unrolled)


def _end_to_end(x: mx.array) -> mx.array:
    """`x` ``f32[K, n, C]`` as ``f32[K * n, C]``."""
    return mx.flatten(x, 0, 1)


def _chunks(arrays: Sequence[mx.array], size: int) -> list[Sequence[mx.array]]:
    return [arrays[start : start + size] for start in range(0, len(arrays), size)]
