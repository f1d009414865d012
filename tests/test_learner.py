"""One training step: every loss by its definition, masking, learning, divergence."""

import dataclasses

import mlx.core as mx
import mlx.nn as nn
import numpy as np
import pytest
from mlx.utils import tree_flatten

from mlx_muzero.errors import TrainingDiverged
from mlx_muzero.market.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import OBSERVATION_FEATURES
from mlx_muzero.training.learner import Learner
from mlx_muzero.training.losses import LOSS_TERMS, DeviceBatch, losses
from mlx_muzero.training.models import build_model
from mlx_muzero.training.targets import Batch

ROWS, STEPS = 6, 3
VALID = np.ones((ROWS, STEPS + 1), np.float32)
VALID[1, 2:] = VALID[4, 1:] = 0.0


@pytest.fixture
def config(small_config):
    """Without dropout, so that a loss can be computed twice."""
    return dataclasses.replace(
        small_config, model=dataclasses.replace(small_config.model, dropout=0.0)
    )


@pytest.fixture
def model(config):
    return build_model(config, TradingRules.from_config(config).table)


def random_batch(config, seed=0, valid=VALID):
    rng = np.random.default_rng(seed)
    policy = rng.random((ROWS, STEPS + 1, 4)) + 0.1
    shape = (ROWS, STEPS + 1, config.market.window_bars, len(OBSERVATION_FEATURES))
    return Batch(
        observation=rng.normal(size=shape).astype(np.float32),
        action=rng.integers(0, 4, (ROWS, STEPS)).astype(np.int32),
        outcome=rng.integers(0, len(OUTCOME_NAMES), (ROWS, STEPS)).astype(np.int32),
        reward=rng.normal(size=(ROWS, STEPS)).astype(np.float32),
        policy=(policy / policy.sum(axis=-1, keepdims=True)).astype(np.float32),
        value=rng.uniform(-35, 35, (ROWS, STEPS + 1)).astype(np.float32),
        valid=valid,
    )


def losses_of(model, batch, config):
    model.train()
    found = np.array(losses(model, DeviceBatch.of(batch), config.train))
    model.eval()
    return dict(zip(LOSS_TERMS, found.tolist(), strict=True))


def cross_entropy(target, logits):
    logits = logits - logits.max()
    return -(target * (logits - np.log(np.exp(logits).sum()))).sum()


def two_hot(value, config):
    """Linear interpolation between the two bins around `value`."""
    bins = config.model.value_bins
    spacing = (config.model.value_max - config.model.value_min) / (bins - 1)
    place = np.clip((value - config.model.value_min) / spacing, 0, bins - 1)
    low = min(int(place), bins - 2)
    weights = np.zeros(bins)
    weights[low : low + 2] = [1 - (place - low), place - low]
    return weights


def expected_losses(model, batch, config):
    """The definitions, one row and one step at a time, in float64."""
    terms = {term: [] for term in LOSS_TERMS}

    def heads(head, latent, *inputs):
        out = head(latent[None], *(mx.array([one]) for one in inputs))
        return [np.array(o[0], np.float64) for o in (out if isinstance(out, tuple) else (out,))]

    model.eval()
    real = [model.representation(mx.array(batch.observation[:, k])) for k in range(STEPS + 1)]
    model.train()  # batch norm uses the statistics of the first windows
    first = model.representation(mx.array(batch.observation[:, 0]))
    model.eval()
    for row in range(ROWS):
        latent = first[row]
        for k in range(STEPS + 1):
            if not batch.valid[row, k]:
                break
            if k > 0:
                ours, theirs = (np.array(z, np.float64) for z in (latent, real[k][row]))
                cosine = ours @ theirs / np.linalg.norm(ours) / np.linalg.norm(theirs)
                terms["consistency"].append(1 - cosine)
            terms["policy"].append(
                cross_entropy(batch.policy[row, k], *heads(model.policy_logits, latent))
            )
            target = two_hot(batch.value[row, k], config)
            terms["value"].append(cross_entropy(target, *heads(model.value_logits, latent)))
            if k == STEPS:
                break
            action, outcome = batch.action[row, k], batch.outcome[row, k]
            (logits,) = heads(model.outcome_logits, latent, action)
            terms["outcome"].append(cross_entropy(np.eye(len(OUTCOME_NAMES))[outcome], logits))
            afterstate = model.afterstate(latent[None], mx.array([action]))[0]
            terms["afterstate"].append(cross_entropy(target, *heads(model.value_logits, afterstate)))
            moved, reward = heads(model.dynamics, latent, action, outcome)
            terms["reward"].append((reward - batch.reward[row, k]) ** 2)
            latent = mx.array(moved.astype(np.float32))
    return {term: np.mean(values) for term, values in terms.items()}


def test_every_loss_is_what_its_definition_says(config, model):
    """The reward of the last valid step counts too: it is booked at the session's end."""
    batch = random_batch(config)
    # An invalid step follows one whose action, outcome and reward are real.
    expected = expected_losses(model, batch, config)
    found = losses_of(model, batch, config)
    for term in LOSS_TERMS:
        assert found[term] == pytest.approx(expected[term], rel=2e-4, abs=1e-5), term


def test_mean_squared_error_is_an_option_for_the_value(config, model):
    mse = dataclasses.replace(config, train=dataclasses.replace(config.train, value_loss="mse"))
    batch = dataclasses.replace(random_batch(config), valid=np.ones((ROWS, STEPS + 1), np.float32))
    one_step = dataclasses.replace(
        batch,
        **{name: getattr(batch, name)[:, :1] for name in ("action", "outcome", "reward")},
        **{name: getattr(batch, name)[:, :2] for name in ("observation", "policy", "value", "valid")},
    )
    one_step.valid[:, 1] = 0.0
    model.train()
    predicted = np.array(model.value(model.representation(mx.array(batch.observation[:, 0]))))
    found = losses_of(model, one_step, mse)["value"]
    assert found == pytest.approx(((predicted - batch.value[:, 0]) ** 2).mean(), rel=1e-4)


def gradients(model, batch, config):
    model.train()
    device = DeviceBatch.of(batch)
    value, tree = nn.value_and_grad(model, lambda: losses(model, device, config.train).sum())()
    model.eval()
    return {"loss": np.array(value), **{n: np.array(g) for n, g in tree_flatten(tree)}}


def with_other_invalid_steps(batch, seed=1):
    """`batch` with everything that lies outside the sessions replaced."""
    other = random_batch(None or batch_config(batch), seed)
    changed = {}
    for field in dataclasses.fields(Batch):
        mine, theirs = getattr(batch, field.name).copy(), getattr(other, field.name)
        steps = mine.shape[1]
        invalid = batch.valid[:, :steps] == 0
        if field.name != "valid":
            mine[invalid] = theirs[invalid]
        changed[field.name] = mine
    return Batch(**changed)
