"""Members of a factored model as one wide set of networks, for whatever computes only one."""

import mlx.core as mx
from mlx.utils import tree_flatten

from mlx_muzero.networks.factored import FactoredModel

Weights = dict[str, mx.array]


def as_one_set(model: FactoredModel) -> Weights:
    """The arrays, by name, of a model of one member that tells what all of `model` tell together.

    Its latent is as wide as theirs together: no member reads another's part, and the outputs of
    their heads are averaged in the last layer. Members have the same norm, as it was measured.
    """
    arrays: Weights = dict(tree_flatten(model.parameters()))
    sets: list[Weights] = [dict(tree_flatten(networks.parameters())) for networks in model.members]
    if len(sets) == 1:
        return arrays
    merged = {name: array for name, array in arrays.items() if not name.startswith("others.")}
    # Inputs that are no member's own, but the same for all.
    shared = {"dynamics_input": model.outcomes, "worth_head.meeting": model.known.columns}
    layers = {name.rpartition(".")[0] for name in sets[-1] if name.endswith(".weight")}
    for layer in layers:
        weights = [arrays_of[f"{layer}.weight"] for arrays_of in sets]
        bias = mx.concatenate([arrays_of[f"{layer}.bias"] for arrays_of in sets])
        if layer.endswith("_head.output"):
            merged[f"{layer}.weight"] = mx.concatenate(weights, axis=1) / len(sets)
            merged[f"{layer}.bias"] = bias.reshape(len(sets), -1).mean(axis=0)
            continue
        merged[f"{layer}.bias"] = bias
        if layer == "representation_network.first":
            merged[f"{layer}.weight"] = mx.concatenate(weights)
            continue
        width = weights[0].shape[1] - shared.get(layer, 0)
        conditions = mx.concatenate([weight[:, width:] for weight in weights])
        apart = _apart([weight[:, :width] for weight in weights])
        merged[f"{layer}.weight"] = mx.concatenate([apart, conditions], axis=1)
    return merged


def _apart(weights: list[mx.array]) -> mx.array:
    """``f32[k * out, k * in]`` weights ``f32[out, in]`` of layers side by side."""
    rows = []
    for place, weight in enumerate(weights):
        row = [weight if other == place else mx.zeros_like(weight) for other in range(len(weights))]
        rows.append(mx.concatenate(row, axis=1))
    return mx.concatenate(rows)
