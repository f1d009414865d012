"""Layers as exports need them: NumPy arrays, with batch norm folded into the layer before."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

import numpy as np

from mlx_muzero.errors import ExportError
from mlx_muzero.exports.manifest import Precision
from mlx_muzero.networks.folding import fold_batch_norm
from mlx_muzero.types import F32


@dataclass(frozen=True, eq=False)
class Linear:
    """A linear layer or, with several taps, a causal convolution over time.

    Attributes:
        name: name of its parameters; a folded batch norm is appended after a plus.
        weight: ``f32[out, in, taps]``, oldest tap first.
        bias: ``f32[out]``.
        dilation: bars between two taps.
    """

    name: str
    weight: F32
    bias: F32
    dilation: int = 1


@dataclass(frozen=True, eq=False)
class LayerNorm:
    """Layer norm over the channels: `scale` ``f32[D]`` and `shift` ``f32[D]``."""

    name: str
    scale: F32
    shift: F32


@dataclass(frozen=True, eq=False)
class ObservationNorm:
    """Subtracts `mean` ``f32[F]`` from the columns, then multiplies by `scale` ``f32[F]``."""

    mean: F32
    scale: F32


class Reader:
    """Reads parameters by name, each once; any left over were not understood.

    Args:
        weights: float32 arrays by name.
        precision: precision of the export; every array read must fit it.
    """

    def __init__(self, weights: Mapping[str, F32], precision: Precision) -> None:
        self._left = dict(weights)
        self._limit = float(np.finfo(np.float16 if precision == "fp16" else np.float32).max)
        self._precision = precision

    def linear(self, name: str, inputs: int, outputs: int) -> Linear:
        """Read a linear layer."""
        return self._in_range(self._linear(name, inputs, outputs, taps=1))

    def causal(self, name: str, inputs: int, outputs: int, taps: int, dilation: int) -> Linear:
        """Read a causal convolution."""
        layer = self._linear(name, inputs, outputs, taps)
        return self._in_range(replace(layer, dilation=dilation))

    def array(self, name: str, *shape: int) -> F32:
        """Read a parameter that is not part of a layer."""
        array = self._take(name, *shape)
        self._require_range(name, array)
        return array

    def linear_batch_norm(self, name: str, norm: str, inputs: int, outputs: int) -> Linear:
        """Read a linear layer and the batch norm after it as one layer."""
        return self._in_range(self._folded(self._linear(name, inputs, outputs, taps=1), norm))

    def causal_batch_norm(
        self, name: str, norm: str, inputs: int, outputs: int, taps: int, dilation: int
    ) -> Linear:
        """Read a causal convolution and the batch norm after it as one layer."""
        layer = replace(self._linear(name, inputs, outputs, taps), dilation=dilation)
        return self._in_range(self._folded(layer, norm))

    def layer_norm(self, name: str, width: int) -> LayerNorm:
        """Read a layer norm."""
        layer = LayerNorm(
            name, self._take(f"{name}.weight", width), self._take(f"{name}.bias", width)
        )
        self._require_range(f"{name}.weight", layer.scale)
        self._require_range(f"{name}.bias", layer.shift)
        return layer

    def observation_norm(self, name: str, features: int) -> ObservationNorm:
        """Read the normalization of observations."""
        arrays = (self.array(f"{name}.{part}", features) for part in ("mean", "scale"))
        return ObservationNorm(*arrays)

    def finish(self) -> None:
        """Check that all parameters have been read.

        Raises:
            ExportError: a parameter is left over; the message names it.
        """
        if self._left:
            name = min(self._left)
            what = "encoder" if ".encoder." in name else "model"
            raise ExportError(
                f"the exporter does not understand this {what}: parameter {name} "
                f"{self._left[name].shape} is not part of any layer it knows"
            )

    def _take(self, name: str, *shape: int) -> F32:
        if name not in self._left:
            raise ExportError(f"the exporter cannot find parameter {name} {shape} in this model")
        array = self._left.pop(name)
        if array.shape != shape:
            raise ExportError(f"parameter {name} is {array.shape}, the exporter expected {shape}")
        return array

    def _linear(self, name: str, inputs: int, outputs: int, taps: int) -> Linear:
        # A causal convolution stores its columns tap by tap (`networks.layers.CausalConv1d`).
        weight = self._take(f"{name}.weight", outputs, taps * inputs)
        by_tap = weight.reshape(outputs, taps, inputs).transpose(0, 2, 1)
        return Linear(name, by_tap, self._take(f"{name}.bias", outputs))

    def _folded(self, layer: Linear, norm: str) -> Linear:
        """Fold the batch norm `norm`, with its running statistics, into the `layer` before it."""
        statistics = (
            self._take(f"{norm}.{name}", len(layer.bias))
            for name in ("weight", "bias", "running_mean", "running_var")
        )
        weight, bias = fold_batch_norm(layer.weight, layer.bias, *statistics)
        return replace(
            layer,
            name=f"{layer.name}+{norm.rpartition('.')[2]}",
            weight=weight,
            bias=bias,
        )

    def _in_range(self, layer: Linear) -> Linear:
        self._require_range(f"{layer.name}.weight", layer.weight)
        self._require_range(f"{layer.name}.bias", layer.bias)
        return layer

    def _require_range(self, name: str, array: F32) -> None:
        largest = float(np.abs(array).max(initial=0.0))
        if not largest <= self._limit:  # NaN compares as False
            raise ExportError(
                f"{name} reaches {largest:g}, beyond what {self._precision} holds "
                f"({self._limit:g}); such a model cannot be exported with --precision "
                f"{self._precision}"
            )
