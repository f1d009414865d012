"""Funding that is due at known times: who pays it, and what plans know of it."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from action_sequences import best_of_all_sequences
from markets import walk_bars
from mlx_muzero.agent.moment import moment_of
from mlx_muzero.config.local_times import DailyTimes
from mlx_muzero.config.presets import CRYPTO, FX_MICRO
from mlx_muzero.config.rules import broken_rules
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, PerfectForesight
from mlx_muzero.evaluation.comparison import conditions_of
from mlx_muzero.evaluation.rivals.chosen import ValidationSessions
from mlx_muzero.market.bars import utc_ns
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.passing import times_passed
from mlx_muzero.paper.account import PairAccount
from mlx_muzero.paper.feeds.events import LiveBar
from mlx_muzero.paper.fills import Order
from mlx_muzero.paper.settings import FillSettings, PaperSettings, fills_of, override
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.gains import gains
from mlx_muzero.trading.rules import TradingRules

FUNDING = Funding.of("fixed", "08:00 16:00 UTC", 5.0)
RULES = TradingRules(costs=Costs(1.0), reward="mark_to_market", funding=FUNDING)
FREE = dataclasses.replace(RULES, funding=Funding())


@pytest.mark.parametrize(
    ("text", "minutes", "zone"),
    [
        ("08:00 UTC", (480,), "UTC"),
        ("16:00, 00:00,08:00 UTC", (0, 480, 960), "UTC"),
        ("every 8 h", (0, 480, 960), "UTC"),
        ("every 24h", (0,), "UTC"),
        ("17:00 America/New_York", (1020,), "America/New_York"),
    ],
)
def test_times_as_settings_write_them(text, minutes, zone):
    times = DailyTimes.parse(text)
    assert times == (minutes, zone)
    assert DailyTimes.parse(str(times)) == times


@pytest.mark.parametrize("text", ["8:00 UTC", "25:00 UTC", "every 7 h", "every 0 h", "08:00"])
def test_times_that_cannot_be_read(text):
    with pytest.raises(ValueError, match=r"write 08:00 UTC|must divide|not a local time"):
        DailyTimes.parse(text)


def test_a_skipped_hour_comes_once_and_a_repeated_one_too():
    times = DailyTimes.parse("02:30 Europe/Berlin")
    for first, last in (
        ("2024-03-30T12:00", "2024-03-31T12:00"),
        ("2024-10-26T12:00", "2024-10-27T12:00"),
    ):
        assert times_passed(times, np.array([utc_ns(first)]), np.array([utc_ns(last)])) == 1


@given(st.integers(0, 20_000), st.lists(st.integers(0, 40 * 1440), min_size=2, max_size=8))
def test_a_long_way_has_the_times_of_its_parts(day, minutes):
    opens = day * DAY_NS + np.sort(np.array(minutes)) * MINUTE_NS
    times = DailyTimes.parse("00:00 09:30 Europe/London")
    parts = times_passed(times, opens[:-1], opens[1:])
    assert parts.sum() == times_passed(times, opens[:1], opens[-1:])[0]


@pytest.fixture(scope="module")
def market(small_config):
    """Two days with settlements of their own, and sessions of two hours."""
    config = dataclasses.replace(small_config.market, session_bars=120)
    whole = MarketDataset.from_bars(walk_bars(3000), config)
    rates = np.zeros(len(whole.close))
    rates[[100, 580, 1060]] = 1e-3, -2e-3, 3e-3
    announced = np.full(len(rates), np.nan)
    announced[480:540] = 4e-4
    return dataclasses.replace(whole, funding_rate=rates, funding_announced=announced)


@pytest.fixture(scope="module")
def across(market):
    """Starts of sessions that are held over 08:00 or 16:00."""
    starts = market.training_starts()
    times = market.passing.times(FUNDING.times)
    chosen = starts[times[starts[:, None] + np.arange(1, 121)].sum(axis=1) > 0]
    assert len(chosen) > 50
    return chosen[::17]


@pytest.mark.parametrize("exposure", [1, -1])
def test_longs_pay_and_shorts_receive_it_in_place_of_what_was_settled(exposure, market, across):
    policy = dataclasses.replace(BUY_AND_HOLD, exposure=float(exposure))
    one = backtest(policy, market, RULES, across)
    times = market.passing.times(FUNDING.times)
    due = times[across[:, None] + np.arange(1, 121)].argmax(axis=1) + across + 1
    paid = exposure * 5e-4 * market.close[due] / 0.01
    np.testing.assert_allclose(one.trades.funding_pips, paid)
    np.testing.assert_allclose(one.reward.sum(axis=1), one.equity_pips[:, -1], atol=1e-3)
    settled = backtest(policy, market, FREE, across)
    assert not np.isclose(settled.trades.funding_pips, one.trades.funding_pips).any()


def test_rivals_and_learners_count_with_what_accounts_pay(market, across):
    """What each position earns is what an account earns that holds it."""
    earned = gains(market, RULES, across[:, None] + np.arange(120), final=True)
    sessions = ValidationSessions.at(market, RULES, across)
    for position, exposure in ((1, 1.0), (2, -1.0)):
        policy = dataclasses.replace(BUY_AND_HOLD, exposure=exposure)
        net = backtest(policy, market, RULES, across).equity_pips[:, -1] + 1.0
        np.testing.assert_allclose(earned[..., position].sum(axis=1), net, atol=1e-9)
        np.testing.assert_allclose(sessions.moved[..., position].sum(axis=1), net, atol=1e-9)


def test_networks_learn_from_bars_without_funding_that_is_planned_with(market, across):
    bars = across[:, None] + np.arange(120)
    for funding in (FUNDING, Funding.of("settled", "every 8 h", 0.0)):
        learned = gains(
            market, dataclasses.replace(RULES, funding=funding).learnable, bars, final=True
        )
        none = dataclasses.replace(market, funding_rate=np.zeros(len(market.close)))
        np.testing.assert_array_equal(learned, gains(none, FREE, bars, final=True))
    np.testing.assert_array_equal(
        gains(market, FREE.learnable, bars, final=True), gains(market, FREE, bars, final=True)
    )


def test_foresight_is_the_best_of_all_action_sequences(market):
    short = dataclasses.replace(market, config=dataclasses.replace(market.config, session_bars=5))
    starts = 8 * 60 - np.array([4, 3, 1])
    dear = dataclasses.replace(RULES, funding=Funding.of("fixed", "08:00 UTC", 6.0))
    best = best_of_all_sequences(short, dear, starts)
    played = backtest(PerfectForesight(), short, dear, starts).equity_pips[:, -1]
    np.testing.assert_allclose(played, best, atol=1e-9)


@pytest.mark.parametrize("funding", [FUNDING, Funding.of("settled", "every 8 h", 0.0)])
def test_a_paper_account_pays_and_knows_what_the_environment_does(market, funding):
    rules = dataclasses.replace(RULES, fill="next_open", funding=funding)
    env, policy = SessionEnv(market, rules, np.array([470])), BUY_AND_HOLD
    account, bars = PairAccount("TEST", rules, 1.0, FillSettings()), walk_bars(3000)

    def push(row):
        funding = market.funding.at(row)
        account.hear(_live(bars, row), funding)
        if row >= 470:
            account.on_bar(_live(bars, row), funding.paid)

    for row in range(471):
        push(row)
    while env.step_index < env.session_bars - 1:
        known = moment_of(env).funding_rate
        told = [account.expected_rate]
        np.testing.assert_array_equal(told, [np.nan] if known is None else known)
        action = policy.act(env)
        env.step(action)
        wanted = float(env.core.exposure[0])
        if wanted != account.exposure:
            now = account.close_ns
            account.order = Order(0, "TEST", now, now, int(action[0]), account.exposure, wanted)
        push(int(env.bar[0]))
        assert account.core.equity_pips[0] == pytest.approx(env.core.equity_pips[0], abs=1e-9)
        restored = PairAccount("TEST", rules, 1.0, FillSettings())
        restored.restore(account.state())
        assert restored.state() == account.state()
    assert account.core.open_funding_pips[0] != 0.0


def _live(bars, row):
    opened = int(bars.open_time_ns[row])
    prices = (float(getattr(bars, name)[row]) for name in ("open", "high", "low", "close"))
    return LiveBar("TEST", opened, *prices, 1.0, None, opened + MINUTE_NS)


def test_what_settles_is_expected_as_announced_or_as_it_was_last_in_its_pair(market):
    later = dataclasses.replace(market, pair=market.pair + 1)
    both = MarketDataset._joined([market, later])
    known, bars = both.expected_funding, len(market.close)
    assert np.isnan(known[:100]).all()
    np.testing.assert_array_equal(
        known[[100, 479, 480, 539, 540, 579, 580, 1059, 2999]],
        [1e-3, 1e-3, 4e-4, 4e-4, 1e-3, 1e-3, -2e-3, -2e-3, 3e-3],
    )
    np.testing.assert_array_equal(known[bars:], known[:bars])


def test_a_paper_session_pays_the_funding_of_training():
    trading = dataclasses.replace(
        FX_MICRO.trading, funding="fixed", funding_at="08:00 16:00 UTC", funding_bps=5.0
    )
    assert fills_of(trading).funded == FUNDING
    assert TradingRules.from_config(Config(trading=trading)).funding == FUNDING


WRONG = [
    ({"funding": "fixed"}, "funding_at"),
    ({"funding_bps": 1.0}, "fixed"),
    ({"funding_at": "8 o'clock"}, "08:00 UTC"),
]


@pytest.mark.parametrize(("changed", "message"), WRONG)
def test_settings_that_contradict_each_other_are_refused(changed, message):
    trading = dataclasses.replace(CRYPTO.trading, **changed)
    (problem, *_) = broken_rules(dataclasses.replace(CRYPTO, trading=trading), set())
    assert message in problem.message
    paper = PaperSettings(pairs={"BTCUSDT": "BTC/USDT:USDT"})
    with pytest.raises(ConfigError, match=message):
        override(paper, [f"fills.{name}={value}" for name, value in changed.items()])


def test_a_report_tells_of_it(market):
    starts = market.evaluation_starts("test")
    told = conditions_of(market, RULES, "test", starts).costs
    assert told.endswith("; funding of 5 bps at 08:00 16:00 UTC")
    assert "funding" not in conditions_of(market, FREE, "test", starts).costs
    follows = dataclasses.replace(RULES, funding=Funding.of("settled", "every 8 h", 0.0))
    told = conditions_of(market, follows, "test", starts).costs
    assert told.endswith("at announced rates, which 2% of the bars know")
