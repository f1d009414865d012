"""The host's side of exported programs: converts between the search's rows and tensors."""

from collections.abc import Mapping

import numpy as np
import numpy.typing as npt

from mlx_muzero.exports.interface import ExportSizes, ProgramName
from mlx_muzero.exports.program import ProgramSet
from mlx_muzero.exports.rows import call
from mlx_muzero.networks.support import Support
from mlx_muzero.search.evaluator import Expansion, Leaves, SingleExpansion, SingleLeaves
from mlx_muzero.search.latent_pool import LatentPool
from mlx_muzero.types import F32, F64, I32


class ProgramEvaluator:
    """An `Evaluator` of the search that evaluates leaves by calling programs.

    Rows are padded with zeros to a program's fixed number, or spread over several calls; logits are
    converted to probabilities and values here, in float64.
    """

    def __init__(self, programs: ProgramSet, sizes: ExportSizes) -> None:
        """Make an evaluator of programs.

        Args:
            programs: `initial` for `infer`, and those of the search mode (`PROGRAMS_FOR`).
            sizes: sizes they were exported with.
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
        """Map ``f32[n, W, F]`` to latent ``f32[n, D]``, policy ``f32[n, A]``, value ``f32[n]``."""
        out = self._call("initial", observation=observation)
        prior, value = self._prediction(out)
        return out["latent"][:, 0], prior[:, 0], value[:, 0]

    def reset(self, root_latents: npt.ArrayLike, root_slots: I32, capacity: int) -> None:
        """Start a search (see `Evaluator.reset`)."""
        self._pool.reset(root_latents, root_slots, capacity)

    def expand(self, leaves: Leaves) -> Expansion:
        """Outcome probabilities of every leaf, and all its successors (see `Evaluator.expand`)."""
        out = self._call("recurrent", **self._taken(leaves.parent, leaves.action))
        self._pool[leaves.slot] = out["next_latent"]
        prior, value = self._prediction(out)
        return Expansion(
            probabilities(out["outcome_logits"])[:, 0], out["reward"][..., 0], value, prior
        )

    def expand_single(self, leaves: SingleLeaves) -> SingleExpansion:
        """Single chance and decision nodes (see `Evaluator.expand_single`)."""
        chance = self._call("afterstate", **self._taken(leaves.chance_parent, leaves.chance_action))
        taken = self._taken(leaves.parent, leaves.action)
        out = self._call("dynamics", **taken, outcome=self._outcomes[leaves.outcome])
        self._pool[leaves.slot] = out["next_latent"][:, 0]
        prior, value = self._prediction(out)
        return SingleExpansion(
            outcome_probs=probabilities(chance["outcome_logits"])[:, 0],
            afterstate_value=self._value(chance["value_logits"])[:, 0],
            reward=out["reward"][:, 0, 0],
            value=value[:, 0],
            prior=prior[:, 0],
        )

    def _taken(self, parent: I32, action: I32) -> dict[str, F32]:
        return {"latent": self._pool[parent], "action": self._actions[action]}

    def _prediction(self, out: Mapping[str, F32]) -> tuple[F32, F32]:
        """Policy ``f32[n, k, A]`` and value ``f32[n, k]``."""
        return probabilities(out["policy_logits"]), self._value(out["value_logits"])

    def _value(self, logits: F32) -> F32:
        return (_softmax(logits) @ self._centers).astype(np.float32)

    def _call(self, name: ProgramName, **inputs: F32) -> dict[str, F32]:
        return call(self._programs[name], name, self._sizes, inputs)


def _softmax(logits: F32) -> F64:
    weights = np.exp(logits.astype(np.float64) - logits.max(axis=-1, keepdims=True))
    return weights / weights.sum(axis=-1, keepdims=True)


def probabilities(logits: F32) -> F32:
    """Softmax of ``f32[..., n]`` over the last axis."""
    return _softmax(logits).astype(np.float32)
