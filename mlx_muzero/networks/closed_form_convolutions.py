"""Causal convolutions of windows, with their gradients in closed form (ADR 29)."""

from collections.abc import Callable
from functools import lru_cache

import mlx.core as mx
import numpy as np

from mlx_muzero.networks.closed_form import (
    Arrays,
    at_hand,
    column_sums,
    to_batch_norm,
    with_gradient,
)
from mlx_muzero.networks.folding import NORM_EPSILON
from mlx_muzero.networks.second_stream import aside
from mlx_muzero.networks.turns import note_weights


def causal_conv(
    x: mx.array, weight: mx.array, bias: mx.array, kernel: int, dilation: int
) -> mx.array:
    """What `CausalConv1d` computes of `x` ``f32[n, W, in]``: ``f32[n, W, out]``."""
    n, window_bars, channels = x.shape
    y, _ = _causal_conv(kernel, dilation, window_bars)(x.reshape(-1, channels), weight, bias)
    return y.reshape(n, window_bars, -1)


def temporal_layer(
    x: mx.array,
    kept: mx.array,
    gain: float,
    taps: tuple[mx.array, mx.array],
    norm: tuple[mx.array, mx.array],
    kernel: int,
    dilation: int,
) -> tuple[mx.array, mx.array, mx.array]:
    """Causal convolution, batch norm, ReLU and dropout of `x` ``f32[n, W, in]``.

    The norm takes out the convolution's bias again, whose gradient is therefore 0.

    Args:
        x: the layer's input.
        kept: ``f32[n, W, out]`` that dropout multiplies by, 0 or `gain`.
        gain: what `kept` is where nothing is dropped.
        taps: weight and bias of the convolution.
        norm: weight and bias of the norm.
        kernel: bars of the convolution.
        dilation: bars from one to the next.

    Returns:
        ``f32[n, W, out]``, and the means and variances ``f32[out]`` that the norm took out, which
        carry no gradient.
    """
    n, window_bars, channels = x.shape
    weight, bias = taps
    made = _temporal_layer(kernel, dilation, window_bars, gain)
    rows, kept = x.reshape(-1, channels), kept.reshape(-1, len(bias))
    y, _, _, mean, variance = made(rows, kept, weight, *norm)
    mean = mx.stop_gradient(mean + bias)
    return y.reshape(n, window_bars, -1), mean, mx.stop_gradient(variance)


@lru_cache(maxsize=64)
def _temporal_layer(
    kernel: int, dilation: int, window_bars: int, kept_gain: float
) -> Callable[..., Arrays]:
    """`temporal_layer` of windows of `window_bars` that lie end to end, without the bias."""

    def to_layer(
        x: mx.array, kept: mx.array, weight: mx.array, gain: mx.array, shift: mx.array
    ) -> Arrays:
        taps = _shifted(x, -dilation, kernel, window_bars)
        normal, centred, mean, variance = to_batch_norm(taps @ weight.T, gain, shift)
        return mx.maximum(normal, 0.0) * kept, taps, centred, mean, variance

    def from_layer(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
        _, kept, weight, gain, _ = arguments
        y, taps, centred, _, variance = outputs
        # 0, too, where it was dropped; times `kept_gain` at the end, in vectors.
        flow = flows[0] * mx.sign(y)
        scale = mx.rsqrt(variance + NORM_EPSILON)
        to_shift, to_gain = column_sums(flow), column_sums(flow * centred)
        into = flow - centred * (to_gain * mx.square(scale) / len(y)) - to_shift / len(y)
        kept_scale = scale * kept_gain
        by_channel = (gain * kept_scale)[:, None]
        to_x = _through_conv(into, weight * by_channel, kernel, dilation, window_bars)
        with aside():
            to_weight = (into.T @ taps) * by_channel
        note_weights([to_weight])
        return to_x, mx.zeros_like(kept), to_weight, to_gain * kept_scale, to_shift * kept_gain

    return with_gradient(to_layer, from_layer)


@lru_cache(maxsize=64)
def _causal_conv(kernel: int, dilation: int, window_bars: int) -> Callable[..., Arrays]:
    """The convolution of windows of `window_bars` that lie end to end, ``f32[n * W, in]``."""

    def to_conv(x: mx.array, weight: mx.array, bias: mx.array) -> Arrays:
        taps = _shifted(x, -dilation, kernel, window_bars)
        return taps @ weight.T + bias, taps

    def from_conv(arguments: Arrays, flows: Arrays, outputs: Arrays) -> Arrays:
        _, weight, _ = arguments
        flow, taps = flows[0], outputs[1]
        into = _through_conv(flow, weight, kernel, dilation, window_bars)
        with aside():
            to_weight, to_bias = flow.T @ taps, column_sums(flow)
        return into, to_weight, to_bias

    return with_gradient(to_conv, from_conv)


def _through_conv(
    flow: mx.array, weight: mx.array, kernel: int, dilation: int, window_bars: int
) -> mx.array:
    """Gradient of a convolution's input from that of its output, `flow`."""
    by_tap = weight.reshape(len(weight), kernel, -1).transpose(1, 0, 2)
    taps = _shifted(flow, dilation, kernel, window_bars)
    return taps @ by_tap.reshape(-1, by_tap.shape[2])


def _shifted(x: mx.array, step: int, kernel: int, window_bars: int) -> mx.array:
    """Rows of `x` ``f32[n * W, C]`` at `kernel` bars, ``f32[n * W, kernel * C]``.

    The last of them is the row itself and the one before it is `step` bars away. Bars beyond the
    window count as zeros.
    """
    with_zeros = mx.concatenate([x, mx.zeros((1, x.shape[1]))])
    at = _bars_at(len(x), step, kernel, window_bars)
    return mx.take(with_zeros, at, axis=0).reshape(len(x), -1)


@lru_cache(maxsize=64)
def _bars_at(rows: int, step: int, kernel: int, window_bars: int) -> mx.array:
    """Rows ``i32[rows, kernel]`` for `_shifted`; `rows` is that of zeros."""
    row = np.arange(rows)[:, None]
    bar = row % window_bars + step * np.arange(kernel - 1, -1, -1)
    inside = (bar >= 0) & (bar < window_bars)
    at = np.where(inside, row - row % window_bars + bar, rows)
    return at_hand(mx.array(at.astype(np.int32)))
