"""The host's side of the exported programs: from the search's rows to their tensors and back."""

from collections.abc import Iterator, Mapping

import numpy as np
import numpy.typing as npt

from mlx_muzero.coreml.interface import (
    ProgramName,
    Sizes,
    input_shapes,
    output_shapes,
)
from mlx_muzero.coreml.program import ProgramSet
from mlx_muzero.networks.support import Support
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.search.latent_pool import LatentPool
from mlx_muzero.types import F32, F64, I32

Rows = Mapping[str, F32]
"""Tensors by name with the rows first."""


class ProgramEvaluator:
    """Evaluates leaves by calling programs; an `Evaluator` of the search.

    Rows are padded with zeros to a program's fixed number, or spread over several calls; logits
    become probabilities and values here, in float64.
    """

    def __init__(self, programs: ProgramSet, sizes: Sizes) -> None:
        """Takes the programs.

        Args:
            programs: `initial` for `infer`, and those of the searches' mode (`PROGRAMS_FOR`).
            sizes: what they were exported with.
        """
        self._programs = programs
        self._sizes = sizes
        model = sizes.model
        support = Support(model.value_min, model.value_max, model.value_bins)
        self._centers = np.asarray(support.centers, np.float64)
        self._actions = np.eye(sizes.actions, dtype=np.float32)
        self._outcomes = np.eye(sizes.outcomes, dtype=np.float32)
        self._pool = LatentPool()

    def infer(self, observation: F32) -> tuple[F32, F32, F32]:
        """Latent [n, D], policy [n, A] and value [n] of observations [n, W, F]."""
        out = self._call("initial", {"observation": observation})
        prior, value = self._prediction(out)
        return out["latent"][:, 0], prior[:, 0], value[:, 0]

    def reset(self, root_latents: npt.ArrayLike, root_slots: I32, capacity: int) -> None:
        """Starts a search (see `Evaluator.reset`)."""
        self._pool.reset(root_latents, root_slots, capacity)

    def expand(self, leaves: Leaves) -> Expansion:
        """Outcome probabilities of every leaf and all its successors (see `Evaluator.expand`)."""
        out = self._call("recurrent", self._taken(leaves.parent, leaves.action))
        self._pool[leaves.slot] = out["next_latent"]
        prior, value = self._prediction(out)
        return Expansion(
            _probabilities(out["outcome_logits"])[:, 0], out["reward"][..., 0], value, prior
        )

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Single chance and decision nodes (see `Evaluator.expand_single`)."""
        chance = self._call("afterstate", self._taken(leaves.chance_parent, leaves.chance_action))
        taken = self._taken(leaves.parent, leaves.action)
        out = self._call("dynamics", {**taken, "outcome": self._outcomes[leaves.outcome]})
        self._pool[leaves.slot] = out["next_latent"][:, 0]
        prior, value = self._prediction(out)
        return SingleExpansion(
            outcome_probs=_probabilities(chance["outcome_logits"])[:, 0],
            afterstate_value=self._value(chance["value_logits"])[:, 0],
            reward=out["reward"][:, 0, 0],
            value=value[:, 0],
            prior=prior[:, 0],
        )

    def _taken(self, parent: I32, action: I32) -> dict[str, F32]:
        return {"latent": self._pool[parent], "action": self._actions[action]}

    def _prediction(self, out: Rows) -> tuple[F32, F32]:
        """Policy [n, k, A] and value [n, k]."""
        return _probabilities(out["policy_logits"]), self._value(out["value_logits"])

    def _value(self, logits: F32) -> F32:
        return (_softmax(logits) @ self._centers).astype(np.float32)

    def _call(self, name: ProgramName, inputs: Rows) -> dict[str, F32]:
        """Outputs [n, k, channels] of a program for n rows, k successors of each (1 but for C)."""
        programs = self._programs[name]
        (count,) = {len(tensor) for tensor in inputs.values()}
        shapes = output_shapes(name, self._sizes, 1)
        out = {
            output: np.empty((count, columns, channels), np.float32)
            for output, (_, channels, _, columns) in shapes.items()
        }
        for chunk, rows in _chunks(count, sorted(programs)):
            shapes = input_shapes(name, self._sizes, rows)
            packed = {key: _packed(inputs[key][chunk], shape) for key, shape in shapes.items()}
            for output, image in programs[rows](packed).items():
                columns = image.reshape(image.shape[1], -1, rows)
                out[output][chunk] = columns.transpose(2, 1, 0)[: chunk.stop - chunk.start]
        return out


def _chunks(count: int, available: list[int]) -> Iterator[tuple[slice, int]]:
    """Consecutive rows and the program's rows to evaluate them with: full ones, then one padded."""
    first = 0
    while first < count:
        left = count - first
        rows = next((rows for rows in available if rows >= left), available[-1])
        yield slice(first, min(first + rows, count)), rows
        first += rows


def _packed(rows: F32, shape: tuple[int, ...]) -> F32:
    """[n, channels] or [n, W, channels] as the image of `shape`, zeros after the n-th row."""
    image = np.zeros(shape, np.float32)
    if rows.ndim == 2:
        image[0, :, 0, : len(rows)] = rows.T
    else:
        image[0, :, : len(rows)] = rows.transpose(2, 0, 1)
    return image


def _softmax(logits: F32) -> F64:
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def _probabilities(logits: F32) -> F32:
    return _softmax(logits).astype(np.float32)
