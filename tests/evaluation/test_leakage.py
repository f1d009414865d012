"""The leakage test passes what is causal and catches what is not, wherever it hides."""

import dataclasses
import json

import numpy as np
import pytest

from crypto_markets import CONFIG as CRYPTO_CONFIG
from crypto_markets import history as crypto_history
from markets import quoted_bars, walk_bars
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.evaluation.baselines import PerfectForesight, RandomPolicy, momentum
from mlx_muzero.evaluation.leakage import check_leakage, replaced_after
from mlx_muzero.market.bars import price_faults
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.observation.frames import market_feature_names
from mlx_muzero.market.observation.fx_context import HISTORY_BARS, fx_context_names
from mlx_muzero.market.series import Series
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.trading.core import TradingRules

HISTORY = PairHistory(walk_bars(1200), {})
POLICIES = (momentum(5), RandomPolicy(seed=0))


@pytest.fixture
def check(small_config):
    """The test of `HISTORY` with `rebuild` and `policies`; the library's own by default."""

    def run(rebuild=None, policies=POLICIES, cuts=6):
        def own(histories):
            return MarketDataset.of_pairs(histories, small_config.market)

        rules = TradingRules.from_config(small_config)
        return check_leakage([HISTORY], rebuild or own, rules, policies, cuts, seed=3)

    return run


def test_the_librarys_features_outcomes_and_policies_do_not_look_ahead(check):
    report = check()
    assert report.leaks == ()
    assert report.cuts == 6
    assert report.control_caught > 0
    assert all(each.compared > 0 for each in report.checks)
    names = {each.name for each in report.checks}
    assert {"outcome labels", "decisions of random", "rewards of momentum_5"} <= names


def test_a_policy_that_sees_the_future_is_caught(check):
    report = check(policies=[PerfectForesight()])
    leaks = {each.name for each in report.leaks}
    assert "decisions of perfect_foresight" in leaks
    assert not any(name.startswith("column") for name in leaks)


@pytest.mark.parametrize("column", [0, 4])
def test_a_feature_scaled_over_the_whole_history_is_caught_by_name(check, small_config, column):
    def scaled(histories):
        dataset = MarketDataset.of_pairs(histories, small_config.market)
        features = dataset.features.copy()
        features[:, column] /= np.nanstd(features[:, column])
        return dataclasses.replace(dataset, features=features)

    report = check(scaled)
    names = [each.name for each in report.leaks if each.name.startswith("column")]
    assert len(names) == 1
    assert "cut after 2019-01-07" in report.leaks[0].example


def test_outcomes_read_one_bar_early_are_caught(check, small_config):
    def early(histories):
        dataset = MarketDataset.of_pairs(histories, small_config.market)
        return dataclasses.replace(dataset, outcomes=np.roll(dataset.outcomes, -1))

    assert [each.name for each in check(early).leaks] == ["outcome labels"]


@pytest.fixture(scope="module")
def crypto():
    """Two pairs with every series, and a test of them."""
    pairs = [crypto_history("AAA", 4000, seed=1), crypto_history("BBB", 4000, seed=2)]
    trading = dataclasses.replace(CRYPTO.trading, funding_at="every 8 h")
    config = dataclasses.replace(CRYPTO, market=CRYPTO_CONFIG, trading=trading)
    rules = TradingRules.from_config(config)

    def run(rebuild):
        return check_leakage(pairs, rebuild, rules, POLICIES, cuts=3, seed=1)

    return run


def test_crypto_columns_of_every_kind_do_not_look_ahead(crypto):
    report = crypto(lambda pairs: MarketDataset.of_pairs(pairs, CRYPTO_CONFIG))
    assert report.leaks == ()
    assert report.control_caught > 0
    names = {each.name.removeprefix("column ") for each in report.checks}
    assert names >= {*market_feature_names(CRYPTO_CONFIG), "expected funding"}


def test_a_series_known_too_early_is_caught(crypto):
    def early(pairs):
        shifted = [
            dataclasses.replace(
                pair,
                series={
                    name: dataclasses.replace(s, known_ns=s.known_ns - 600 * MINUTE_NS)
                    for name, s in pair.series.items()
                },
            )
            for pair in pairs
        ]
        return MarketDataset.of_pairs(shifted, CRYPTO_CONFIG)

    report = crypto(early)
    assert "expected funding" in {each.name for each in report.leaks}
    checks = [each for each in report.checks if each.name.startswith("column")]
    leaks = {each.name for each in checks if each.different}
    assert any("open_interest" in name for name in leaks)
    assert not any("5m" in name or "1h" in name for name in leaks)


def test_everything_after_the_cut_is_replaced_and_nothing_before():
    bars, kept = HISTORY.bars, 701
    closes = bars.open_time_ns + MINUTE_NS
    series = Series("TEST", "open_interest", bars.open_time_ns, closes, bars.close)
    history = PairHistory(bars, {"open_interest": series})
    other = replaced_after(history, int(closes[kept - 1]), seed=0)
    for name in ("open_time_ns", "open", "high", "low", "close", "volume"):
        one, two = getattr(bars, name), getattr(other.bars, name)
        np.testing.assert_array_equal(one[:kept], two[:kept], name)
        assert not (one[kept:] == two[kept:]).any(), name
    changed = other.bars
    faults = price_faults(changed.open, changed.high, changed.low, changed.close, changed.volume)
    assert not faults.any()
    values = other.series["open_interest"].value
    np.testing.assert_array_equal(values[:kept], bars.close[:kept])
    assert not (values[kept:] == bars.close[kept:]).any()


def test_the_verb_says_what_it_found(cli, config_file, db, trained):
    code, out, err = cli("check-leakage", trained, "--cuts", "3")
    assert code == 0, err
    assert "decisions of agent (search)" in out
    assert "No leak" in out
    code, out, err = cli(
        "check-leakage", "--config", config_file, "--db", db, "--cuts", 3, "--json"
    )
    assert code == 0, err
    assert json.loads(out)["cuts"] == 3


def test_the_verb_fails_when_there_is_a_leak(cli, config_file, db, monkeypatch):
    honest = MarketDataset.of_pairs

    def leaking(histories, config):
        dataset = honest(histories, config)
        features = dataset.features + np.float32(histories[0].bars.close[-1])
        return dataclasses.replace(dataset, features=features)

    monkeypatch.setattr(MarketDataset, "of_pairs", leaking)
    code, out, err = cli("check-leakage", "--config", config_file, "--db", db, "--cuts", 2)
    assert code == 12
    assert "the future leaks into: column position_in_range_60" in err
    assert "changed" in out


def test_bars_that_cannot_tell_are_no_pass(cli, config_file, db, monkeypatch):
    monkeypatch.setattr(PerfectForesight, "act", lambda self, env: np.zeros(1, np.int32))
    code, _, err = cli("check-leakage", "--config", config_file, "--db", db, "--cuts", 2)
    assert code == 12
    assert "these bars prove nothing" in err


def test_the_context_of_a_currency_pair_does_not_look_ahead(small_config):
    market = dataclasses.replace(small_config.market, features="fx_context")
    held = PairHistory(quoted_bars(3 * HISTORY_BARS), {})

    def rebuild(histories):
        return MarketDataset.from_bars(histories[0].bars, market)

    rules = TradingRules.from_config(small_config)
    report = check_leakage([held], rebuild, rules, POLICIES, cuts=3, seed=3)
    assert report.leaks == ()
    assert report.control_caught > 0
    compared = {each.name: each.compared for each in report.checks}
    assert all(compared[f"column {name}"] > 0 for name in fx_context_names(market))
