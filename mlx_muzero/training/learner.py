"""The training step, and the state that makes it resumable.

The step is compiled on a GPU. On a CPU the operations of its gradient are recorded and repeated
(`mlx_muzero.training.recorded`), but not fused.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

import mlx.core as mx
import numpy as np
from mlx.optimizers import cosine_decay
from mlx.utils import tree_flatten, tree_unflatten

from mlx_muzero import rng
from mlx_muzero.config.schema import TrainConfig
from mlx_muzero.errors import ConfigError, RankLost, TrainingDiverged
from mlx_muzero.networks import closed_form
from mlx_muzero.networks.dropout import seed_dropout
from mlx_muzero.networks.kinds import Model
from mlx_muzero.networks.second_stream import aside, two_streams
from mlx_muzero.networks.turns import evaluate, taking_turns
from mlx_muzero.training.heap import keep_freed_memory
from mlx_muzero.training.losses import loss_weight
from mlx_muzero.training.model_parts import ModelParts
from mlx_muzero.training.objectives import AnyBatch, objective_of
from mlx_muzero.training.optimizer import AdamW, Halves
from mlx_muzero.training.ranks import Ranks
from mlx_muzero.training.recorded import Recorded

_PART = 1 << 14
"""Length of the parts of a sum of squares: exacter than one sum, and BLAS makes each on a CPU."""

_NAMED = 6
"""Maximum number of non-finite terms named in an error; there are fewer losses than that."""


@dataclass(frozen=True)
class StepReport:
    """Figures of one training step.

    Attributes:
        losses: unweighted mean loss of each term with a nonzero weight.
        total: their weighted sum.
        gradient_norm: norm before clipping.
        overflow_frac: share of value targets outside the support.
    """

    losses: dict[str, float]
    total: float
    gradient_norm: float
    overflow_frac: float


class Learner:
    """Trains `model` in place with Adam, gradient clipping and decoupled weight decay.

    With several `ranks`, all take each step together. With `two_cores`, a CPU computes a step on
    two of them, with the same result, which only pays where a core stands idle.

    Raises:
        ConfigError: every loss has weight 0.
    """

    def __init__(
        self,
        model: Model,
        config: TrainConfig,
        ranks: Ranks | None = None,
        *,
        two_cores: bool = False,
    ) -> None:
        self._two_cores = two_cores and closed_form.on_cpu()
        if closed_form.on_cpu():
            keep_freed_memory()
        self.model = model
        self.config = config
        self.ranks = ranks or Ranks()
        self.ranks.share_statistics(model)
        self.optimizer = AdamW(
            model,
            learning_rate(config),
            config.weight_decay,
            config.average_decay,
            two_cores=self._two_cores,
        )
        self.steps = 0
        self._parts = ModelParts(model)
        self._before: tuple[dict[str, mx.array], dict[str, Any]] | None = None
        self._objective = objective_of(model, config)
        self._terms = self._objective.terms
        if not self._terms:
            raise ConfigError("train: every loss has weight 0; nothing would be learned")
        # Batch-norm statistics and the dropout key change inside the step, so they are its state.
        self._state = [self.model.state, self.optimizer.state, mx.random.state]
        self._step: Callable[..., dict[str, Any]] = self._eager_step
        self._gradient: Callable[..., dict[str, Any]] = self._eager_gradient
        # A compiled step may send its messages to other ranks in an order they do not expect.
        if mx.default_device() == mx.gpu and self.ranks.size == 1:
            self._step = mx.compile(self._eager_step, inputs=self._state, outputs=self._state)
        elif self.ranks.size == 1:
            state = [self.model.state, mx.random.state]
            self._gradient = Recorded(self._eager_gradient, state)

    def step(self, batch: AnyBatch, meanwhile: Callable[[], None] | None = None) -> StepReport:
        """Update the weights once.

        Args:
            batch: what to learn from.
            meanwhile: is called while the last of the step is computed, with two cores.

        Raises:
            TrainingDiverged: a loss or gradient is NaN or infinite; the message names it.
            RankLost: another rank is gone; the weights are those before the step.
        """
        seed_dropout(self._dropout_key(self.steps))
        self._parts.train(True)
        if self.ranks.size > 1:
            self._before = dict(tree_flatten(self.model.parameters())), dict(self.optimizer.state)
        try:
            two = self._two_cores
            with self.ranks.together(), two_streams(two):
                figures = self._step(*self._objective.arrays(batch, self.ranks))
                if two:
                    # The update goes on while the caller does, up to where it needs the weights.
                    mx.async_eval(figures)
                    mx.async_eval(self.optimizer.state, self._parts.statistics())
                    if isinstance(self._gradient, Recorded):
                        self._gradient.draw_ahead(self._dropout_key(self.steps + 1))
                    if meanwhile is not None:
                        meanwhile()
                else:
                    mx.eval(self._state, figures)
            self._before = None
        except RankLost:
            self.step_back()
            raise
        finally:
            self._parts.train(False)
        self.steps += 1
        self._require_finite(figures)
        return StepReport(
            losses=dict(zip(self._terms, np.array(figures["losses"]).tolist(), strict=True)),
            total=float(np.array(figures["total"])),
            gradient_norm=float(np.array(figures["gradient_norm"])),
            overflow_frac=float(np.array(figures["overflow_frac"])),
        )

    def _dropout_key(self, step: int) -> int:
        # Rank 0 keeps the dropout of a single process; other ranks drop other units.
        others = (self.ranks.rank,) if self.ranks.rank else ()
        return int(rng.key(self.config.seed, rng.Stream.DROPOUT, step, *others))

    def step_back(self) -> None:
        """Undo a step that was started but could not be finished, if there is one."""
        if self._before is None:
            return
        parameters, optimizer = self._before
        self._before = None
        self.model.update(tree_unflatten(list(parameters.items())))
        self.optimizer.state.update(optimizer)

    def _eager_step(self, *arrays: mx.array) -> dict[str, Any]:
        parameters = self._parts.parameters()
        figures = self._gradient(*arrays)
        self._parts.put(parameters)  # instead of those that were traced
        forth, back = figures.pop("legs")
        evaluate(forth[:1])
        self._objective.begin()
        evaluate(forth[1:])
        self._objective.wait()
        evaluate(back)
        gradient = [self.ranks.mean(half) for half in figures["gradient"]]
        norm = mx.sqrt(_sum_of_squares(gradient))
        scale = mx.minimum(self.config.gradient_clip / (norm + 1e-6), 1.0)
        self.optimizer.update(gradient, scale)
        return figures | {"gradient_norm": norm, "gradient": gradient}

    def _eager_gradient(self, *arrays: mx.array) -> dict[str, Any]:
        """Losses and gradient at the weights of the model, which holds others afterwards."""
        weights = mx.array([loss_weight(self.config, term) for term in self._terms])

        def weighted_losses(parameters: list[mx.array]) -> tuple[mx.array, mx.array]:
            self._parts.put(parameters)
            parts = mx.stack(self._objective.losses(arrays))
            return (parts * weights).sum(), parts

        parameters = self._parts.parameters()
        with taking_turns(self._two_cores) as turns:
            (total, parts), gradients = mx.value_and_grad(weighted_losses)(parameters)
        by_name = dict(zip(self._parts.names, gradients, strict=True))
        return {
            "losses": parts,
            "total": total,
            "gradient": self.optimizer.end_to_end(by_name),
            "overflow_frac": self._objective.overflow_frac(arrays),
            "legs": turns.legs(),
        }

    def _require_finite(self, figures: dict[str, Any]) -> None:
        # Check losses first: a bad loss spoils the gradients, not the reverse.
        self._require("loss", self._terms, figures["losses"])
        if not np.isfinite(np.array(figures["gradient_norm"])):
            by_name = self.optimizer.by_name(figures["gradient"])
            self._require("gradient", by_name, _squares(by_name))

    def _require(self, kind: str, terms: Iterable[str], values: mx.array) -> None:
        """Raise TrainingDiverged unless all `values` (one per term) are finite."""
        finite = np.isfinite(np.array(values))
        if finite.all():
            return
        lost = [term for term, good in zip(terms, finite, strict=True) if not good]
        more = f" and {len(lost) - _NAMED} more" if len(lost) > _NAMED else ""
        raise TrainingDiverged(
            f"training step {self.steps}: {kind} NaN or infinite: "
            f"{', '.join(lost[:_NAMED])}{more}. The last checkpoint is kept; lower "
            "train.learning_rate or the weight of a loss in the run's config.toml and resume."
        )

    def playing_weights(self) -> dict[str, mx.array]:
        """Averaged parameters and batch-norm statistics by name, which agents play with."""
        return dict(tree_flatten(self.model.parameters())) | self.optimizer.average()

    def arrays(self) -> tuple[dict[str, mx.array], dict[str, mx.array]]:
        """`playing_weights` and optimizer state, flat by name.

        Raises:
            TrainingDiverged: a weight is NaN or infinite; the message names it.
        """
        weights = self.playing_weights()
        self._require("weight", weights, _squares(weights))
        return weights, self.optimizer.arrays()

    def restore(self, weights: dict[str, mx.array], optimizer: dict[str, mx.array]) -> None:
        """Inverse of `arrays`."""
        self.model.load_weights(list(weights.items()), strict=True)
        self.optimizer.restore(optimizer, average=weights)


def learning_rate(config: TrainConfig) -> Callable[[mx.array], mx.array]:
    """The learning rate as a function of the number of steps taken."""
    initial, final, steps = (
        config.learning_rate,
        config.final_learning_rate,
        config.learning_rate_decay_steps,
    )
    return cosine_decay(initial, steps, final) if steps else lambda _step: mx.array(initial)


def _sum_of_squares(halves: Halves) -> mx.array:
    """Sum over all of `halves`, as a scalar; in parts of the vector that they make end to end."""
    if len(halves) == 1:
        sums, rest = _squares_in_parts(halves[0])
        return sums.sum() + rest
    first, second = halves
    end, begin = len(first) // _PART * _PART, min(-len(first) % _PART, len(second))
    with aside():
        of_second = _squares_in_parts(second[begin:])
    border = mx.concatenate([first[end:], second[:begin]])
    found = [_squares_in_parts(first[:end]), _squares_in_parts(border), of_second]
    sums = mx.concatenate([of_parts for of_parts, _ in found])
    return sums.sum() + sum(rest for _, rest in found)  # all but one of them 0


def _squares_in_parts(vector: mx.array) -> tuple[mx.array, mx.array]:
    """Sum of squares of each whole part of `vector` ``f32[n]``, and of what remains."""
    whole = len(vector) // _PART * _PART
    rows = vector[:whole].reshape(-1, 1, _PART)
    return (rows @ rows.transpose(0, 2, 1)).reshape(-1), mx.square(vector[whole:]).sum()


def _squares(arrays: dict[str, mx.array]) -> mx.array:
    """Sum of squares of each array, ``f32[arrays]``; finite only if the whole array is."""
    return mx.stack([mx.square(array).sum() for array in arrays.values()])
