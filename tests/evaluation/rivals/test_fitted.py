"""The rivals on markets with and without an edge, chosen by the validation split."""

import dataclasses
from dataclasses import replace
from functools import partial

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import PerfectForesight
from mlx_muzero.evaluation.rivals import fitted
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.evaluation.rivals.fitted import RIVALS, fit_rivals
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe
from mlx_muzero.market.quotes import Spreads
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.positions import TARGET_ACTIONS
from mlx_muzero.trading.rules import TradingRules

CRYPTO = TradingRules(
    table=TARGET_ACTIONS, pip_size=0.0, costs=Costs(0.0, 0.5), reward="mark_to_market"
)
QUOTED = Costs(0.0, quoted=True)


def with_quotes(dataset):
    """`dataset` with spreads of 0 to 2 pips, another at each open and close."""
    generator = np.random.default_rng(5)
    spreads = generator.uniform(0.0, 0.02, (2, len(dataset.close)))
    return replace(dataset, spreads=Spreads(*spreads, np.ones(len(dataset.close), np.bool_)))


@pytest.fixture(scope="module")
def rivals(planted, rules):
    return fit_rivals(planted, rules)


@pytest.fixture
def quick(monkeypatch):
    """Fits the network in a few steps, where it does not matter how well."""
    monkeypatch.setattr(fitted, "FITTED_Q_RECIPE", FittedQRecipe(steps=(1, 8), checks=1))


def net(policy, dataset, rules):
    starts = dataset.evaluation_starts("test")
    return backtest(policy, dataset, rules, starts).metrics


@pytest.mark.slow
def test_each_finds_the_planted_edge(rivals, planted, rules):
    assert tuple(rivals) == RIVALS
    bound = net(PerfectForesight(), planted, rules).net_pips
    for name, policy in rivals.items():
        metrics = net(policy, planted, rules)
        assert 0.0 < metrics.net_pips < bound, name


@pytest.mark.slow
def test_where_nothing_pays_they_hardly_trade(walk, rules):
    for name, policy in fit_rivals(walk, rules).items():
        metrics = net(policy, walk, rules)
        assert metrics.trades <= 2 * metrics.sessions, name


@pytest.mark.usefixtures("quick")
def test_where_nothing_earned_on_the_validation_split_they_stay_flat(walk, rules):
    dear = dataclasses.replace(rules, costs=Costs(100.0))
    for name, policy in fit_rivals(walk, dear).items():
        assert net(policy, walk, dear).trades == 0, name


@pytest.mark.slow
def test_seven_exposures_in_basis_points(planted):
    bound = net(PerfectForesight(), planted, CRYPTO).net_pips
    for name, policy in fit_rivals(planted, CRYPTO).items():
        assert 0.0 < net(policy, planted, CRYPTO).net_pips < bound, name


@pytest.mark.slow
def test_they_are_fitted_to_the_quotes(planted, rules):
    market, quoted = with_quotes(planted), replace(rules, costs=QUOTED)
    bound = net(PerfectForesight(), market, quoted).net_pips
    for name, policy in fit_rivals(market, quoted).items():
        assert 0.0 < net(policy, market, quoted).net_pips < bound, name


@pytest.mark.slow
@pytest.mark.usefixtures("quick")
def test_fitting_twice_gives_the_same_policies(planted, rules):
    once, again = (fit_rivals(planted, rules) for _ in range(2))
    for name, policy in once.items():
        assert net(policy, planted, rules) == net(again[name], planted, rules)


@pytest.mark.parametrize("name", RIVALS)
def test_no_action_depends_on_later_bars(name, rivals, planted, rules):
    starts = planted.evaluation_starts("test")[:3]
    cut = int(starts[0]) + 20
    close = planted.close.copy()
    close[cut + 1 :] *= 1.01
    altered = dataclasses.replace(planted, close=close)
    seen = [backtest(rivals[name], market, rules, starts[:1]) for market in (planted, altered)]
    first, second = (result.equity_pips[0, :20] for result in seen)
    np.testing.assert_array_equal(first, second)


@pytest.mark.parametrize(
    "rules",
    [
        TradingRules(),
        CRYPTO,
        TradingRules(fill="next_open"),
        TradingRules(costs=QUOTED),
        replace(CRYPTO, costs=QUOTED, fill="next_open"),
        TradingRules(swap=Swap(3.0, -2.0)),
    ],
    ids=["pips", "basis_points", "next_open", "quotes", "quotes_in_basis_points", "swap"],
)
def test_the_sessions_that_choose_count_as_accounts_do(planted, rules):
    if rules.costs.quoted:
        planted = with_quotes(planted)
    validation = ValidationSessions.of(planted, rules)
    generator = np.random.default_rng(0)
    wanted = generator.choice(rules.table.exposures, validation.bars.shape[1])

    class Scripted:
        name = "scripted"

        def reset(self, env):
            """Nothing to prepare."""

        def act(self, env):
            exposure = np.full(len(env.bar), wanted[env.step_index])
            return env.table.actions_toward(env.position, exposure)

    played = backtest(Scripted(), planted, rules, validation.bars[:, 0]).metrics
    decide = partial(_toward, wanted, rules.table)
    chosen = validation.net_pips(1, decide)[0]
    assert chosen == pytest.approx(played.net_pips_per_session, rel=2e-3)


def _toward(wanted, table, step, position):
    return table.actions_toward(position, np.full(position.shape, wanted[step]))
