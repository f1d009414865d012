"""Rewards and baselines registered from user code."""

from dataclasses import replace

import numpy as np
import pytest

import mlx_muzero as mm
from mlx_muzero.config.schema import REWARDS
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.comparison import baselines
from mlx_muzero.evaluation.registered_baselines import BASELINES, BUILT_IN
from mlx_muzero.market.sessions import embargoed
from mlx_muzero.trading.rewards import Sharpe, reward_function
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.run import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")


@pytest.fixture(autouse=True)
def nothing_registered(monkeypatch):
    for registry in (REWARDS, BASELINES):
        monkeypatch.setattr(registry, "_registered", {})


def net(scale):
    return lambda effect: scale * (effect.earned_pips - 0.1 * np.abs(effect.held_pips))


class Contrarian:
    """Stays on the other side of the last bar."""

    def __init__(self):
        self.resets = 0

    def reset(self, view):
        self.resets += 1

    def act(self, view):
        side = -np.sign(view.close[view.bar] - view.close[np.maximum(view.bar - 1, 0)])
        return view.table.actions_toward(view.position, side)


def test_a_reward_is_known_once_it_is_registered():
    with pytest.raises(mm.MuZeroError) as unknown:
        mm.make_config("fx_small", overrides={"trading.reward": "calm"})
    assert 'mlx_muzero.register_reward("NAME", ...)' in str(unknown.value)
    mm.register_reward("calm", net)
    config = mm.make_config("fx_small", overrides={"trading.reward": "calm"})
    assert config.trading.reward == "calm"
    TradingRules.from_config(config)
    with pytest.raises(mm.MuZeroError, match="did you mean calm"):
        mm.make_config("fx_small", overrides={"trading.reward": "clam"})


@pytest.mark.parametrize("name", ["amddp1", "two words", ""])
def test_names_that_are_taken_or_none_are_refused(name):
    with pytest.raises(mm.MuZeroError):
        mm.register_reward(name, net)
    assert list(REWARDS) == []


@pytest.mark.slow
def test_a_run_learns_from_it_and_says_what_it_needs(small_config, db_once, tmp_path):
    mm.register_reward("calm", net)
    config = replace(
        small_config,
        trading=replace(small_config.trading, reward="calm"),
        train=replace(small_config.train, episodes=4),
    )
    results = [mm.train(config, tmp_path / name, store=db_once) for name in ("one", "two")]
    assert results[0].rounds == results[1].rounds
    plain = replace(config, trading=small_config.trading)
    assert mm.train(plain, tmp_path / "plain", store=db_once).rounds != results[0].rounds
    mm.load_run(tmp_path / "one")
    REWARDS._registered.clear()
    with pytest.raises(mm.MuZeroError, match=r"config\.toml:\d+: trading\.reward: 'calm'.*regist"):
        mm.load_run(tmp_path / "one")
    assert RunFolder(tmp_path / "plain").config() == embargoed(plain)


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (lambda effect: 1.0, r"returned shape \(\), expected \(3,\)"),
        (lambda effect: effect.held_pips[:1], r"shape \(1,\), expected \(3,\)"),
        (lambda effect: effect.held_pips * np.nan, "not finite"),
    ],
)
def test_a_reward_is_held_to_its_shape(wrong, said):
    class Effect:
        held_pips = np.ones(3)

    mm.register_reward("wrong", lambda _scale: wrong)
    with pytest.raises(mm.MuZeroError, match=said):
        reward_function("wrong", 1.0, Sharpe())(Effect())


def test_a_registered_baseline_is_played_with_the_others(small_dataset, small_config):
    made = []
    mm.register_baseline("contrarian", lambda: made.append(Contrarian()) or made[-1])
    rules = TradingRules.from_config(small_config)
    played = baselines(small_dataset, rules)
    assert list(played)[-1] == "contrarian"
    assert set(played) - {"contrarian"} <= set(BUILT_IN)
    assert {name for name in played if name in ("flat", "momentum")} == {"flat", "momentum"}
    with pytest.raises(mm.MuZeroError, match="is built in"):
        mm.register_baseline("momentum", Contrarian)


@pytest.mark.slow
def test_an_evaluation_has_it_once_it_is_registered(small_config, db_once, tmp_path):
    config = replace(small_config, train=replace(small_config.train, episodes=4))
    mm.train(config, tmp_path / "run", store=db_once)
    before = mm.evaluate(tmp_path / "run", sessions=2)
    mm.register_baseline("contrarian", Contrarian)
    found = mm.evaluate(tmp_path / "run", sessions=2)
    assert found.entries.keys() - before.entries.keys() == {"contrarian"}
    assert {name: found.metrics[name] for name in before.metrics} == before.metrics
    assert found.metrics["contrarian"].trades > 0


@pytest.mark.parametrize(
    ("action", "said"),
    [
        (lambda view: np.zeros(1, np.int32), "one action for each session"),
        (lambda view: np.zeros(len(view.bar)), "wanted whole numbers"),
        (lambda view: np.full(len(view.bar), 9), "outside 0 to 3"),
    ],
)
def test_a_baseline_is_held_to_its_actions(action, said, small_config, small_dataset):
    class Wrong(Contrarian):
        def act(self, view):
            return action(view)

    mm.register_baseline("wrong", Wrong)
    rules = TradingRules.from_config(small_config)
    policy = baselines(small_dataset, rules)["wrong"]
    starts = small_dataset.evaluation_starts("test", 2)
    with pytest.raises(mm.MuZeroError, match=said):
        backtest(policy, small_dataset, rules, starts)
