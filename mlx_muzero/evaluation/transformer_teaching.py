"""Trains the supervised rival of planning: a Transformer that imitates hindsight.

Its labels are the actions of perfect foresight after costs on training sessions, weighted by what
the worst other action would have cost. Sessions of the validation split select among checkpoints.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.foresight_labels import label
from mlx_muzero.evaluation.transformer_policy import ReactiveTransformer, Sizes, TransformerPolicy
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules

Progress = Callable[[int], None]

_SCALED_BY = 4096
"""Number of windows from which the columns' means and deviations are taken."""


@dataclass(frozen=True)
class Recipe:
    """Sizes of the network and of its training, which takes a minute or two.

    Attributes:
        sizes: layers and width of the network.
        sessions: training sessions, spread evenly.
        validation_sessions: sessions that select among the checks, spread evenly.
        steps: total training steps.
        check_every: steps between checks.
        batch_size: windows per training step.
        learning_rate: AdamW's initial learning rate; it falls to 0 along a cosine.
        weight_decay: AdamW's decay of all weights.
    """

    sizes: Sizes = Sizes()
    sessions: int = 512
    validation_sessions: int = 32
    steps: int = 600
    check_every: int = 100
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3


RECIPE = Recipe()


@dataclass(frozen=True, eq=False)
class TaughtTransformer:
    """A trained policy and how it was selected.

    Attributes:
        policy: uses the weights of the best check.
        seed: seed of the initial weights and the batches.
        recipe: sizes of network and training.
        checked_net_pips: net pips per session on the validation split, by training steps.
        chosen_steps: training steps of the weights that were kept.
    """

    policy: TransformerPolicy
    seed: int
    recipe: Recipe
    checked_net_pips: dict[int, float]
    chosen_steps: int


def teach_transformer(
    dataset: MarketDataset,
    rules: TradingRules,
    seed: int,
    recipe: Recipe = RECIPE,
    progress: Progress = lambda _steps: None,
) -> TaughtTransformer:
    """Train on the training split, and select by net pips on the validation split.

    The first check uses the untrained network, which always takes the first action (stays flat).

    Args:
        dataset: the market.
        rules: actions and costs.
        seed: seeds the initial weights and the batches, and MLX's generator in this thread.
        recipe: sizes of network and training.
        progress: called with the number of training steps taken.
    """
    labeled = label(dataset, rules, dataset.evaluation_starts("train", recipe.sessions))
    validation = dataset.evaluation_starts("validation", recipe.validation_sessions)
    generator = np.random.default_rng(seed)
    sample = dataset.windows(generator.choice(labeled.bar, min(len(labeled.bar), _SCALED_BY)))
    rows = sample.reshape(-1, sample.shape[2])
    mx.random.seed(seed)
    network = ReactiveTransformer(recipe.sizes, sample[0], rules.states)
    policy = TransformerPolicy(network, rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3))
    optimizer = optimizers.AdamW(
        optimizers.cosine_decay(recipe.learning_rate, recipe.steps),
        weight_decay=recipe.weight_decay,
    )
    illegal = mx.array(np.where(rules.states.legal, 0.0, -1e9).astype(np.float32))

    def loss(window: mx.array, action: mx.array, weight: mx.array) -> mx.array:
        logits = network(window) + illegal
        return (nn.losses.cross_entropy(logits, action) * weight).mean()

    step_loss = nn.value_and_grad(network, loss)
    checked: dict[int, float] = {}
    kept: dict[str, mx.array] = {}
    chosen = 0
    for step in range(recipe.steps + 1):
        if step % recipe.check_every == 0 or step == recipe.steps:
            played = backtest(policy, dataset, rules, validation).metrics
            checked[step] = played.net_pips_per_session
            if checked[step] > checked[chosen] or not kept:
                chosen, kept = step, dict(tree_flatten(network.parameters()))
        if step < recipe.steps:
            drawn = generator.integers(len(labeled.bar), size=recipe.batch_size)
            window = policy.scaled(dataset.windows(labeled.bar[drawn]))
            targets = mx.array(labeled.action[drawn]), mx.array(labeled.weight[drawn])
            _, gradients = step_loss(window, *targets)
            optimizer.update(network, gradients)
            mx.eval(network.parameters(), optimizer.state)
            progress(1)
    network.update(tree_unflatten(list(kept.items())))
    return TaughtTransformer(policy, seed, recipe, checked, chosen)
