"""The reactive rival: a Transformer taught by supervision which action to take (CRYPTO 1).

It reads the window of bars and names an action for every position the account may be in. Its
labels are the actions of perfect foresight after costs on training sessions, each weighing what
the worst other action would have cost. It plans nothing and models nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass

import mlx.core as mx
import mlx.nn as nn
import mlx.optimizers as optimizers
import numpy as np
from mlx.utils import tree_flatten, tree_unflatten

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import PerfectForesight
from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.layers import zero_linear
from mlx_muzero.networks.transformer import TransformerEncoder
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.positions import ActionTable
from mlx_muzero.types import F32, I32, I64

Progress = Callable[[int], None]


@dataclass(frozen=True)
class Recipe:
    """Sizes of the network and of its training: a minute or two.

    Attributes:
        width: of the encoder.
        heads: of its attention.
        layers: its layers.
        sessions: training sessions, spread evenly.
        validation_sessions: sessions that choose among the checks, spread evenly.
        steps: training steps.
        check_every: steps between checks.
        batch_size: windows of a step.
        learning_rate: of AdamW at the start; it falls to 0 along a cosine.
        weight_decay: of AdamW.
    """

    width: int = 32
    heads: int = 4
    layers: int = 2
    sessions: int = 512
    validation_sessions: int = 32
    steps: int = 600
    check_every: int = 100
    batch_size: int = 256
    learning_rate: float = 2e-3
    weight_decay: float = 1e-3


RECIPE = Recipe()


@dataclass(frozen=True, eq=False)
class LabeledBars:
    """n decisions with hindsight.

    Attributes:
        bar: ``i64[n]``, where they were made.
        action: ``i32[n, P]``, the best action of each position.
        weight: ``f32[n, P]``, pips that the worst legal action loses against it, over their mean.
    """

    bar: I64
    action: I32
    weight: F32


def label(dataset: MarketDataset, rules: TradingRules, starts: I64) -> LabeledBars:
    """What perfect foresight does in every position at every bar of the sessions at `starts`."""
    foresight = PerfectForesight()
    foresight.reset(SessionEnv(dataset, rules, starts))
    worth = foresight.worth_pips
    best = worth.max(axis=3)
    worst = np.where(rules.table.legal, worth, np.inf).min(axis=3)
    lost = (best - worst).reshape(-1, worth.shape[2])
    return LabeledBars(
        bar=(starts + np.arange(len(worth))[:, None]).reshape(-1),
        action=worth.argmax(axis=3).reshape(lost.shape).astype(np.int32),
        weight=(lost / max(lost.mean(), np.finfo(np.float32).tiny)).astype(np.float32),
    )


class ReactiveTransformer(nn.Module):
    """Window [n, W, F] -> logits [n, P, A] of the actions in each position."""

    def __init__(self, recipe: Recipe, window: F32, table: ActionTable) -> None:
        super().__init__()
        window_bars, features = window.shape
        self.encoder = TransformerEncoder(
            features, window_bars, recipe.width, recipe.heads, recipe.layers, dropout=0.0
        )
        self.head = zero_linear(recipe.width, table.legal.size)
        self._table_shape = table.legal.shape

    def __call__(self, window: mx.array) -> mx.array:
        """The last row has attended to all of them."""
        return self.head(self.encoder(window)[:, -1]).reshape(-1, *self._table_shape)


class TransformerPolicy:
    """Plays the likeliest legal action of the position held."""

    def __init__(self, network: ReactiveTransformer, mean: F32, deviation: F32) -> None:
        self.name = "transformer"
        self.network = network
        self._mean, self._deviation = mean, deviation

    def reset(self, env: SessionView) -> None:
        """Nothing is carried from step to step."""

    def act(self, env: SessionView) -> I32:
        """Actions ``i32[B]``."""
        accounts = np.arange(len(env.bar))
        market = env.observe()[:, :, : len(self._mean)]
        logits = np.array(self.network(self.scaled(market)))[accounts, env.position]
        legal = env.table.legal_mask(env.position)
        return np.where(legal, logits, -np.inf).argmax(axis=1).astype(np.int32)

    def scaled(self, windows: F32) -> mx.array:
        """Windows [n, W, F] by the training split's mean and deviation of each column."""
        return mx.array((windows - self._mean) / self._deviation)


@dataclass(frozen=True, eq=False)
class TaughtTransformer:
    """A trained policy and how it was chosen.

    Attributes:
        policy: with the weights of the best check.
        seed: of weights and batches.
        recipe: sizes.
        checked_net_pips: net pips a session on the validation split, by training steps.
        chosen_steps: after which the weights were kept.
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
    """Train on the training split, choose by net pips on the validation split.

    The first check is of the untaught network, which takes the first action always (stays flat).

    Args:
        dataset: the market.
        rules: actions and costs.
        seed: of the first weights and of the batches; seeds MLX's generator of this thread.
        recipe: sizes.
        progress: hears of every training step.
    """
    labeled = label(dataset, rules, dataset.evaluation_starts("train", recipe.sessions))
    validation = dataset.evaluation_starts("validation", recipe.validation_sessions)
    generator = np.random.default_rng(seed)
    sample = dataset.windows(generator.choice(labeled.bar, min(len(labeled.bar), 4096)))
    rows = sample.reshape(-1, sample.shape[2])
    mx.random.seed(seed)
    network = ReactiveTransformer(recipe, sample[0], rules.table)
    policy = TransformerPolicy(network, rows.mean(axis=0), np.maximum(rows.std(axis=0), 1e-3))
    optimizer = optimizers.AdamW(
        optimizers.cosine_decay(recipe.learning_rate, recipe.steps),
        weight_decay=recipe.weight_decay,
    )
    illegal = mx.array(np.where(rules.table.legal, 0.0, -1e9).astype(np.float32))

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
