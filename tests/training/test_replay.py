import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero import rng
from mlx_muzero.config.schema import ReplayConfig
from mlx_muzero.training.replay import Episodes, ReplayBuffer
from mlx_muzero.training.targets import greedy_returns, make_batch

STEPS, ACTIONS, FEATURES = 6, 4, 6
CONFIG = ReplayConfig(min_episodes=1, max_episodes=5)


def episodes(trading, first_start=0):
    made = Episodes.empty(len(trading), STEPS, ACTIONS, FEATURES)
    made.start[:] = first_start + np.arange(len(trading))
    made.position[np.array(trading, bool), 3] = 1
    return made


def buffer_with(trading):
    buffer = ReplayBuffer(CONFIG, 7, STEPS, ACTIONS, FEATURES)
    buffer.add(episodes(trading))
    return buffer


def held_starts(buffer):
    return set(buffer.episodes.start[: len(buffer)].tolist())


def test_with_enough_trading_episodes_the_oldest_goes():
    buffer = buffer_with([1, 1, 0, 0, 0])
    buffer.add(episodes([0], first_start=100))
    assert held_starts(buffer) == {1, 2, 3, 4, 100}


def test_with_few_trading_episodes_a_hold_goes():
    buffer = buffer_with([1, 0, 0, 0, 0])
    for extra in range(3):
        buffer.add(episodes([0], first_start=100 + extra))
    assert 0 in held_starts(buffer)
    assert buffer.trade_frac == pytest.approx(0.2)


def test_without_holds_the_oldest_goes():
    config = dataclasses.replace(CONFIG, min_trade_frac=1.0)
    buffer = ReplayBuffer(config, 7, STEPS, ACTIONS, FEATURES)
    buffer.add(episodes([1, 1, 1, 1, 1]))
    buffer.add(episodes([1], first_start=100))
    assert held_starts(buffer) == {1, 2, 3, 4, 100}


@examples(50)
@given(trading=st.lists(st.booleans(), min_size=1, max_size=40))
def test_the_quota_holds_whenever_it_can(trading):
    buffer = ReplayBuffer(CONFIG, 7, STEPS, ACTIONS, FEATURES)
    for index, one in enumerate(trading):
        buffer.add(episodes([one], first_start=index))
    assert len(buffer) == min(len(trading), CONFIG.max_episodes)
    seen = sum(trading)
    if len(trading) > CONFIG.max_episodes and seen >= 2:
        assert buffer.trade_frac >= CONFIG.min_trade_frac - 1 / CONFIG.max_episodes


def test_a_restored_buffer_is_the_same_buffer():
    buffer = buffer_with([1, 0, 0, 0, 0])
    buffer.add(episodes([0, 0], first_start=50))
    copy = ReplayBuffer(CONFIG, 7, STEPS, ACTIONS, FEATURES)
    copy.restore(buffer.state(), buffer.episodes.start)
    for one in (buffer, copy):
        one.add(episodes([1, 0, 0], first_start=90))
    np.testing.assert_array_equal(buffer.episodes.start, copy.episodes.start)
    keys = rng.key(1, rng.Stream.BATCH, np.arange(50))
    np.testing.assert_array_equal(buffer.sample(keys), copy.sample(keys))


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("start", 2**63 - 1, "starts at a bar where none can"),
        ("start", -1, "starts at a bar where none can"),
        ("action", ACTIONS, "an action is not one of"),
        ("action", -1, "an action is not one of"),
    ],
)
def test_episodes_of_no_market_or_action_are_refused(name, value, reason):
    buffer = buffer_with([1, 0])
    starts, state = buffer.episodes.start.copy(), buffer.state()
    state[name] = np.full_like(state[name], value)
    copy = ReplayBuffer(CONFIG, 7, STEPS, ACTIONS, FEATURES)
    with pytest.raises(ValueError, match=reason):
        copy.restore(state, starts)


def test_samples_cover_held_steps_only():
    buffer = ReplayBuffer(CONFIG, 7, STEPS, ACTIONS, FEATURES)
    buffer.add(episodes([1, 0]))
    slot, step = buffer.sample(rng.key(0, rng.Stream.BATCH, np.arange(2000)))
    assert set(zip(slot.tolist(), step.tolist(), strict=True)) == {
        (e, s) for e in range(2) for s in range(STEPS)
    }


def test_ten_thousand_fx_episodes_fit_in_500_megabytes():
    buffer = ReplayBuffer(ReplayConfig(), 0, 360, 4, 6)
    assert len(buffer.episodes.start) == 10_000
    assert buffer.nbytes < 500e6


@examples(50)
@given(
    seed=st.integers(0, 1000),
    step=st.integers(0, STEPS - 1),
    td_steps=st.integers(0, 9),
    discount=st.floats(0.0, 1.0),
)
def test_greedy_returns_against_the_definition(seed, step, td_steps, discount):
    random = np.random.default_rng(seed)
    played = Episodes.empty(1, STEPS, ACTIONS, FEATURES)
    played.reward[:] = random.normal(size=(1, STEPS))
    played.value[:] = random.normal(size=(1, STEPS))
    played.policy[:] = random.integers(0, 3, (1, STEPS, ACTIONS)) / 8
    played.action[:] = random.integers(0, ACTIONS, (1, STEPS))
    expected, weight = 0.0, 1.0
    for at in range(step, STEPS):
        explored = played.policy[0, at, played.action[0, at]] < played.policy[0, at].max()
        if at == step + td_steps or explored:
            expected += weight * played.value[0, at]
            break
        expected += weight * played.reward[0, at]
        weight *= discount
    got = greedy_returns(played, np.array([0]), np.array([step]), td_steps, discount)
    np.testing.assert_allclose(got, [expected], rtol=1e-5, atol=1e-5)


def test_a_batch_lines_up_with_the_market(small_dataset, small_config):
    steps = small_config.market.session_bars
    made = Episodes.empty(2, steps, ACTIONS, FEATURES)
    made.start[:] = small_dataset.training_starts()[[0, 50]]
    made.action[:] = np.arange(steps) % ACTIONS
    made.reward[:] = np.arange(steps)
    slot, step = np.array([0, 1]), np.array([3, steps - 1])
    batch = make_batch(made, slot, step, small_dataset, unroll_steps=2, td_steps=3, discount=0.9)
    bar = made.start[0] + 3
    np.testing.assert_array_equal(
        batch.observation[0, 1, :, :9], small_dataset.features[bar - 6 : bar + 2]
    )
    assert batch.outcome[0].tolist() == small_dataset.outcomes[bar + 1 : bar + 3].tolist()
    assert batch.action[0].tolist() == [3, 0]
    assert batch.reward[0].tolist() == [3.0, 4.0]
    assert batch.valid.tolist() == [[1, 1, 1], [1, 0, 0]]
