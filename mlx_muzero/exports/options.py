"""How a model is exported."""

from dataclasses import dataclass

from mlx_muzero.exports.manifest import LayerNorm, Precision, Weights


@dataclass(frozen=True)
class ExportOptions:
    """How a model is exported.

    Attributes:
        batches: rows of the programs; every program is made once for each.
        precision: number format inside the programs; the Neural Engine computes only in "fp16".
        layer_norm: "op" for a single operation, or "decomposed" into simpler ones.
        multifunction: all programs become functions of one Core ML package, which shares their
            weights; of a Core AI asset they always are.
        weights: "int8" stores the weights of layers in a byte each, with a scale for each output of
            a layer; Core AI only.
    """

    batches: tuple[int, ...] = (1, 32, 64)
    precision: Precision = "fp16"
    layer_norm: LayerNorm = "op"
    multifunction: bool = False
    weights: Weights = "float"


USUAL_OPTIONS = ExportOptions()
