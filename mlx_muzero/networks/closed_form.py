"""Layers' functions with their gradients in closed form, for training on a CPU (ADR 29).

On a GPU, MLX has kernels for these and fuses the rest. Its CPU backend runs their definitions
operation by operation and derives the gradients from those, which takes several times as long. Row
and column sums here are products with ones, because BLAS has vector instructions for them.
"""

import math
from collections.abc import Callable, Sequence
from functools import lru_cache, wraps
from typing import Any, TypeVar, cast

import mlx.core as mx

from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.networks.second_stream import Place, aside, leading_aside, place
from mlx_muzero.networks.turns import for_weights, note, note_weights

_LOG2_E = math.log2(math.e)

Arrays = tuple[mx.array, ...]
Products = list[tuple[mx.array, mx.array]]
"""Matrices that give the gradients of parameters when they are multiplied."""

FunctionT = TypeVar("FunctionT", bound=Callable[..., Any])


def on_cpu() -> bool:
    """Whether MLX computes on the CPU."""
    return bool(mx.default_device() == mx.cpu)


def relu(x: mx.array) -> mx.array:
    """The larger of `x` and 0."""
    return _relu(x)


def layer_norm(x: mx.array, weight: mx.array, bias: mx.array) -> mx.array:
    """`x` ``f32[..., D]`` with mean 0 and deviation 1 along the last axis, scaled and shifted."""
    rows = x.reshape(-1, x.shape[-1])
    return _layer_norm(rows, weight, bias)[0].reshape(x.shape)


def batch_norm(
    x: mx.array, weight: mx.array, bias: mx.array
) -> tuple[mx.array, mx.array, mx.array]:
    """`x` ``f32[..., C]`` with mean 0 and deviation 1 along all other axes, scaled and shifted.

    Returns:
        That, and the means and variances ``f32[C]`` that it took out, which carry no gradient.
    """
    rows = x.reshape(-1, x.shape[-1])
    y, _, mean, variance = _batch_norm(rows, weight, bias)
    return y.reshape(x.shape), mx.stop_gradient(mean), mx.stop_gradient(variance)


def residual_block(
    x: mx.array,
    linear_1: tuple[mx.array, mx.array],
    norm_1: tuple[mx.array, mx.array],
    kept: mx.array,
    gain: float,
    linear_2: tuple[mx.array, mx.array],
    norm_2: tuple[mx.array, mx.array],
) -> mx.array:
    """What `MLPResidualBlock` computes of `x` ``f32[n, D]``.

    Each layer is given by its weight and bias; `kept` ``f32[n, D]`` is what dropout multiplies by,
    0 or `gain`.
    """
    return _residual_block(gain)(x, kept, *linear_1, *norm_1, *linear_2, *norm_2)[0]


def two_hot_cross_entropy(logits: mx.array, place: mx.array) -> mx.array:
    """Cross-entropy ``f32[n]`` of `logits` ``f32[n, S]`` with a target that lies at `place`.

    Args:
        logits: of S bins.
        place: ``f32[n]`` in [0, S - 1]; between two bins, the target is shared by both.
    """
    return _two_hot_cross_entropy(logits, place)[0]


def with_gradient(function: FunctionT, gradient: Callable[..., Any]) -> FunctionT:
    """`function` with the gradients of its arguments given by `gradient`.

    `gradient` receives the arguments, the gradients of the outputs, and the outputs, of which the
    first is the result and the others are what the gradient needs again. It is computed where the
    function was (`mlx_muzero.networks.second_stream`).
    """
    gradients = {
        Place.CHAIN: gradient,
        Place.ASIDE: aside()(gradient),
        Place.LEADING: leading_aside()(gradient),
    }
    made_at = {there: mx.custom_function(function) for there in gradients}
    for there, gradient_there in gradients.items():
        made_at[there].vjp(gradient_there)

    @wraps(function)
    def made(*arrays: mx.array) -> Any:
        return made_at[place()](*arrays)

    return cast(FunctionT, made)


def _to_relu(x: mx.array) -> mx.array:
    return mx.maximum(x, 0.0)


def _from_relu(_x: mx.array, flow: mx.array, y: mx.array) -> mx.array:
    return flow * mx.sign(y)


_relu = with_gradient(_to_relu, _from_relu)


def _to_layer_norm(x: mx.array, weight: mx.array, bias: mx.array) -> Arrays:
    normal, scale = standardized(x)
    return normal * weight + bias, normal, scale


def _from_layer_norm(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
    flow, (_, normal, scale) = flows[0], outputs
    weight = arguments[1]
    into, along = through_norm(flow, weight, to_mean(weight), normal, scale)
    with aside():
        return into, column_sums(along), column_sums(flow)


_layer_norm = with_gradient(_to_layer_norm, _from_layer_norm)


def standardized(x: mx.array) -> tuple[mx.array, mx.array]:
    """Rows of `x` ``f32[n, D]`` with mean 0 and deviation 1, and their scales ``f32[n, 1]``."""
    mean = _mean_of(x.shape[1])
    centred = x - x @ mean
    scale = mx.rsqrt(mx.addmm(_epsilon(), mx.square(centred), mean))
    return centred * scale, scale


def to_mean(weight: mx.array) -> mx.array:
    """What a norm's `weight` ``f32[D]`` is to `through_norm`: ``f32[D, 1]``."""
    return weight.reshape(-1, 1) * (1.0 / weight.size)


def through_norm(
    flow: mx.array, weight: mx.array, to_mean: mx.array, normal: mx.array, scale: mx.array
) -> tuple[mx.array, mx.array]:
    """Gradient of a layer norm's input from that of its output, `flow`, and `flow * normal`.

    Their column sums are the gradients of the norm's weight, from the latter, and bias, of `flow`.
    """
    along = flow * normal
    into = flow * weight - normal * (along @ to_mean) - flow @ to_mean
    return into * scale, along


def to_batch_norm(x: mx.array, weight: mx.array, bias: mx.array) -> Arrays:
    """`batch_norm` of `x` ``f32[n, C]``; after its result, `x` less its means, and these two."""
    mean = column_sums(x) / len(x)
    centred = x - mean
    variance = column_sums(mx.square(centred)) / len(x)
    return centred * (weight * mx.rsqrt(variance + NORM_EPSILON)) + bias, centred, mean, variance


def _from_batch_norm(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
    x, weight, _ = arguments
    flow, (_, centred, _, variance) = flows[0], outputs
    scale = mx.rsqrt(variance + NORM_EPSILON)
    to_bias, to_scale = column_sums(flow), column_sums(flow * centred)
    gain = weight * scale
    along = centred * (to_scale * mx.square(scale) / len(x))
    return (flow - along) * gain - to_bias * gain / len(x), to_scale * scale, to_bias


_batch_norm = with_gradient(to_batch_norm, _from_batch_norm)


def to_residual_block(x: mx.array, kept: mx.array, *parameters: mx.array) -> Arrays:
    """What `residual_block` computes, and what `through_residual_block` needs of it."""
    weight_1, bias_1, gain_1, shift_1, weight_2, bias_2, gain_2, shift_2 = parameters
    normal_1, scale_1 = standardized(x @ weight_1.T + bias_1)
    hidden = mx.maximum(normal_1 * gain_1 + shift_1, 0.0) * kept
    normal_2, scale_2 = standardized(hidden @ weight_2.T + bias_2)
    y = mx.maximum(normal_2 * gain_2 + shift_2 + x, 0.0)
    return y, normal_1, scale_1, hidden, normal_2, scale_2


@lru_cache(maxsize=64)
def _residual_block(kept_gain: float) -> Callable[..., Arrays]:
    """`residual_block` as a function of arrays alone; after its result, what it saves."""

    def from_residual_block(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
        x, kept, *parameters = arguments
        to_means = to_mean(parameters[2]), to_mean(parameters[6])
        into, products = through_residual_block(
            x, parameters, to_means, kept_gain, flows[0], outputs
        )
        with for_weights():
            of_parameters = as_gradients(added(None, products), parameters)
        note([into])
        note_weights(of_parameters)
        return into, mx.zeros_like(kept), *of_parameters

    def to_block(x: mx.array, kept: mx.array, *parameters: mx.array) -> Arrays:
        outputs = to_residual_block(x, kept, *parameters)
        note(outputs[:1])
        return outputs

    return with_gradient(to_block, from_residual_block)


def through_residual_block(
    x: mx.array,
    parameters: Sequence[mx.array],
    to_means: tuple[mx.array, mx.array],
    kept_gain: float,
    flow: mx.array,
    outputs: Arrays,
) -> tuple[mx.array, Products]:
    """Gradient of a residual block's input, and of its parameters in order as products.

    `to_means` are those of the norms' weights, made once for several calls.
    """
    weight_1, _, gain_1, _, weight_2, _, gain_2, _ = parameters
    y, normal_1, scale_1, hidden, normal_2, scale_2 = outputs
    skipped = flow * mx.sign(y)
    into_2, along_2 = through_norm(skipped, gain_2, to_means[1], normal_2, scale_2)
    # 0, too, where it was dropped; times `kept_gain` only where it goes on.
    activated = (into_2 @ weight_2) * mx.sign(hidden)
    into_1, along_1 = through_norm(activated, gain_1, to_means[0], normal_1, scale_1 * kept_gain)
    with for_weights():
        of_linear_1 = [(into_1.T, x), column_sum(into_1)]
        of_norm_1 = [column_sum(along_1, kept_gain), column_sum(activated, kept_gain)]
        of_linear_2 = [(into_2.T, hidden), column_sum(into_2)]
        of_norm_2 = [column_sum(along_2), column_sum(skipped)]
    into = mx.addmm(skipped, into_1, weight_1)
    return into, [*of_linear_1, *of_norm_1, *of_linear_2, *of_norm_2]


def added(totals: list[mx.array] | None, products: Products) -> list[mx.array]:
    """`products`, each added to what those of earlier steps came to, if there were any.

    BLAS adds a product to what is there, so the sums cost nothing.
    """
    if totals is None:
        return [left @ right for left, right in products]
    pairs = zip(totals, products, strict=True)
    return [mx.addmm(total, left, right) for total, (left, right) in pairs]


def as_gradients(totals: list[mx.array], parameters: Sequence[mx.array]) -> list[mx.array]:
    """What `added` came to as gradients of `parameters`, in the same order."""
    pairs = zip(totals, parameters, strict=True)
    return [total.reshape(parameter.shape) for total, parameter in pairs]


def _to_two_hot_cross_entropy(logits: mx.array, place: mx.array) -> Arrays:
    bins, share = _two_hot(place, logits.shape[1])
    top = logits.max(axis=-1, keepdims=True)
    # MLX's exp takes three times as long on a CPU as the C library's power.
    weights = mx.power(2.0, (logits - top) * _LOG2_E)
    total = weights @ _ones(logits.shape[1]).T
    expected = (mx.take_along_axis(logits, bins, axis=1) * share).sum(axis=1)
    return (mx.log(total) + top)[:, 0] - expected, weights, total


def _from_two_hot_cross_entropy(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
    logits, place = arguments
    flow, (_, weights, total) = flows[0][:, None], outputs
    bins, share = _two_hot(place, logits.shape[1])
    row = mx.arange(len(place))[:, None]
    into = (weights * (flow / total)).at[row, bins].subtract(share * flow)
    return into, mx.zeros_like(place)


_two_hot_cross_entropy = with_gradient(_to_two_hot_cross_entropy, _from_two_hot_cross_entropy)


def _two_hot(place: mx.array, bins: int) -> tuple[mx.array, mx.array]:
    """The two bins around `place` ``f32[n]``, ``i32[n, 2]``, and their shares ``f32[n, 2]``."""
    # Clipped as an integer: a target that is not a number must not become an index out of bounds.
    low = mx.clip(mx.floor(place).astype(mx.int32), 0, bins - 2)
    return mx.stack([low, low + 1], axis=1), mx.stack([low + 1 - place, place - low], axis=1)


def column_sums(x: mx.array) -> mx.array:
    """Sums ``f32[D]`` of the columns of `x` ``f32[n, D]``."""
    ones, _ = column_sum(x)
    return (ones @ x).reshape(-1)


def column_sum(x: mx.array, gain: float = 1.0) -> tuple[mx.array, mx.array]:
    """`column_sums` times `gain`, as a product."""
    return _row_of(gain, len(x)), x


def _ones(size: int) -> mx.array:
    return _row_of(1.0, size)


@lru_cache(maxsize=256)
def _row_of(number: float, size: int) -> mx.array:
    return at_hand(mx.full((1, size), number))


@lru_cache(maxsize=1)
def _epsilon() -> mx.array:
    return at_hand(mx.array(NORM_EPSILON))


@lru_cache(maxsize=256)
def _mean_of(size: int) -> mx.array:
    """The mean of rows ``f32[n, size]`` is their product with this."""
    return at_hand(mx.full((size, 1), 1.0 / size))


def at_hand(constant: mx.array) -> mx.array:
    """`constant`, evaluated: a thread cannot evaluate what another one began."""
    mx.eval(constant)
    return constant
