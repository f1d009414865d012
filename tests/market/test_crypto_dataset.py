"""Datasets of crypto pairs: what each bar shows, and that it shows nothing it could not know."""

import dataclasses

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from crypto_markets import CONFIG, crypto_bars, every_series, history
from examples import examples
from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.funding_rates import funding_paid
from mlx_muzero.market.history import PairHistory, load_history
from mlx_muzero.market.observation.context import context, context_names
from mlx_muzero.market.observation.crypto_features import HISTORY_BARS, TRAILING_BARS, bar_features
from mlx_muzero.market.observation.frames import market_feature_names, minutes_before
from mlx_muzero.market.observation.timeframes import higher_bars
from mlx_muzero.market.series import Series
from mlx_muzero.timeunits import HOUR_NS

MINUTES = 2600
MS = 1_000_000


@pytest.fixture(scope="module")
def dataset():
    pairs = [history("BBB", MINUTES, seed=1), history("AAA", MINUTES + 300, seed=2)]
    return MarketDataset.of_pairs(pairs, CONFIG)


def test_a_row_of_bar_features_is_what_its_formulas_say():
    bars = crypto_bars("AAA", 200, seed=5)
    t = 150
    last = slice(t - TRAILING_BARS + 1, t + 1)
    log_return = np.diff(np.log(bars.close), prepend=np.nan)
    width = np.log(bars.high / bars.low)
    deviation = np.sqrt((log_return[last] ** 2).mean())
    recent = np.sqrt((log_return[t - 5 : t + 1] ** 2).mean())
    expected = [
        np.tanh(log_return[t] / deviation / 3),
        width[t] / (width[t] + width[last].mean()),
        (bars.close[t] - bars.low[t]) / (bars.high[t] - bars.low[t]),
        bars.volume[t] / (bars.volume[t] + bars.volume[last].mean()),
        recent / (recent + deviation),
    ]
    np.testing.assert_allclose(bar_features(bars)[t], expected, rtol=1e-5)


def test_bar_features_are_bounded_and_free_of_scale():
    bars = crypto_bars("AAA", 500, seed=6)
    rows = bar_features(bars)
    assert np.isnan(rows[: HISTORY_BARS - 1]).all()
    known = rows[HISTORY_BARS - 1 :]
    assert (np.abs(known) <= 1).all()
    columns = (bars.open, bars.high, bars.low, bars.close)
    scaled = Bars("B", bars.open_time_ns, *(c * 1024 for c in columns), bars.volume * 1024)
    np.testing.assert_allclose(bar_features(scaled)[HISTORY_BARS - 1 :], known, atol=1e-6)
    flat = np.full(100, 7.0)
    still = bar_features(Bars("C", bars.open_time_ns[:100], flat, flat, flat, flat, flat * 0))
    assert (still[HISTORY_BARS - 1 :] == [0.0, 0.5, 0.5, 0.5, 0.5]).all()


@examples(15)
@given(seed=st.integers(0, 2**16), minutes=st.sampled_from([5, 60]), cut=st.integers(0, 90))
def test_higher_bars_hold_the_minutes_of_their_time(seed, minutes, cut):
    bars = crypto_bars("AAA", 600, seed, hole_frac=0.2)
    bars = bars.slice(cut, len(bars))
    frame_ns = minutes * MINUTE_NS
    higher = higher_bars(bars, frame_ns)
    closes = bars.open_time_ns + MINUTE_NS
    for i in range(len(higher.bars)):
        opened = higher.bars.open_time_ns[i]
        part = bars.between(opened, opened + frame_ns)
        assert higher.bars.open[i] == part.open[0]
        assert higher.bars.high[i] == part.high.max()
        assert higher.bars.low[i] == part.low.min()
        assert higher.bars.close[i] == part.close[-1]
        assert higher.bars.volume[i] == pytest.approx(part.volume.sum())
        assert bars.open_time_ns[higher.first_minute[i]] == part.open_time_ns[0]
    ends = higher.bars.open_time_ns + frame_ns
    for t, last in enumerate(higher.last_closed):
        assert last == (ends <= closes[t]).sum() - 1


def test_a_window_holds_the_last_closed_bars_of_each_timeframe(dataset):
    config, names = dataset.config, market_feature_names(CONFIG)
    bar = len(dataset.close) - 100
    window = dataset.windows(np.array([bar]))[0]
    assert window.shape == (config.window_bars, len(names))
    pair = history("BBB", MINUTES, seed=1)
    now = dataset.open_time_ns[bar] + MINUTE_NS
    for timeframe, minutes in (("5m", 5), ("1h", 60)):
        higher = higher_bars(pair.bars, minutes * MINUTE_NS)
        closed = higher.bars.open_time_ns + minutes * MINUTE_NS <= now
        expected = bar_features(higher.bars)[closed][-config.window_bars :]
        first = names.index(f"log_return_{timeframe}")
        np.testing.assert_array_equal(window[:, first : first + 5], expected)


def test_pairs_follow_each_other_in_the_configured_order():
    config = dataclasses.replace(CONFIG, timeframes=("5m",))
    pairs = [history("BBB", MINUTES, seed=1), history("AAA", MINUTES + 300, seed=2)]
    dataset = MarketDataset.of_pairs(pairs, config)
    assert dataset.symbols == ("AAA", "BBB")
    assert (np.diff(dataset.pair) >= 0).all()
    starts = dataset.training_starts()
    for pair, name in enumerate(("pair_AAA", "pair_BBB")):
        shown = dataset.windows(starts[dataset.pair[starts] == pair][:3])
        assert (shown[:, :, market_feature_names(config).index(name)] == 1.0).all()
    both = np.concatenate([starts, *map(dataset.evaluation_starts, ("validation", "test"))])
    assert set(dataset.pair[both]) == {0, 1}
    assert (dataset.pair[dataset.seen_from[both]] == dataset.pair[both + CONFIG.session_bars]).all()
    assert np.isfinite(dataset.windows(both)).all()


def test_one_pair_of_many_shows_the_same_as_among_the_others(dataset):
    alone = MarketDataset.of_pairs([history("BBB", MINUTES, seed=1)], CONFIG)
    shift = len(dataset.close) - len(alone.close)
    bars = np.arange(2400, 2420)
    np.testing.assert_array_equal(alone.windows(bars), dataset.windows(bars + shift))
    np.testing.assert_array_equal(alone.outcomes, dataset.outcomes[shift:])
    with pytest.raises(ValueError, match="CCC"):
        MarketDataset.of_pairs([history("CCC", 100)], CONFIG)


def test_the_first_bar_with_an_observation_has_the_minutes_it_needs(dataset):
    gapless = PairHistory(crypto_bars("AAA", 2600, hole_frac=0.0), {})
    alone = MarketDataset.of_pairs([gapless], CONFIG)
    first = int(np.flatnonzero(alone.seen_from >= 0)[0])
    assert first == minutes_before(CONFIG)
    assert np.isfinite(alone.windows(np.array([first]))).all()
    assert alone.seen_from[first] == 0


@examples(12)
@given(seed=st.integers(0, 2**16), cut=st.integers(1700, MINUTES - 200))
def test_neither_later_bars_nor_later_points_change_what_was_seen(seed, cut):
    pair = history("AAA", MINUTES, seed)
    before = MarketDataset.of_pairs([pair], CONFIG)
    draw = np.random.default_rng(seed)
    bars = pair.bars
    later = np.arange(len(bars)) >= cut
    factor = np.where(later, np.exp(draw.normal(size=len(bars))), 1.0)
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    changed = Bars("AAA", bars.open_time_ns, *(c * factor for c in columns))
    now = bars.open_time_ns[cut]
    series = {}
    for name, points in pair.series.items():
        noise = np.where(points.known_ns > now, draw.normal(size=len(points)), 0.0)
        series[name] = dataclasses.replace(points, value=points.value + noise)
    after = MarketDataset.of_pairs([PairHistory(changed, series)], CONFIG)
    known = np.flatnonzero((before.seen_from >= 0) & ~later)
    np.testing.assert_array_equal(before.windows(known), after.windows(known))
    np.testing.assert_array_equal(before.outcomes[~later], after.outcomes[~later])
    unseen = np.flatnonzero(later)[:1]
    assert (before.windows(unseen) != after.windows(unseen)).any()


def known_points(name, *points):
    event, known, value = (np.array(c) for c in zip(*points, strict=True))
    return Series("AAA", name, MONDAY_NS + event, MONDAY_NS + known, value)


def context_at(name, series, minutes):
    """The value's column and its mask when the bars that open at `minutes` close."""
    opens = MONDAY_NS + np.asarray(minutes) * MINUTE_NS
    table = context(opens, {series.name: series}, "AAA", CONFIG)
    index = context_names(CONFIG).index(name)
    return table[:, index], table[:, index + 1].tolist()


def test_funding_is_read_from_its_settlement_on_and_not_before():
    jitter = 3 * MS
    funding = known_points("funding_rate", (HOUR_NS + jitter, HOUR_NS + jitter, 2e-4))
    value, known = context_at("funding_rate", funding, [58, 59, 60, 599, 600])
    # The bar of minute 59 closes on the hour, three milliseconds too early.
    assert known == [0, 0, 1, 1, 0]
    np.testing.assert_allclose(value, np.tanh(0.4) * np.array(known), rtol=1e-6)
    exact = known_points("funding_rate", (HOUR_NS, HOUR_NS, 2e-4))
    assert context_at("funding_rate", exact, [58, 59])[1] == [0, 1]


def test_open_interest_needs_an_hour_before():
    interest = known_points(
        "open_interest", (0, 0, 1000.0), (HOUR_NS, HOUR_NS, 1020.0), (2 * HOUR_NS,) * 2 + (0.0,)
    )
    value, known = context_at("open_interest_change", interest, [10, 59, 74, 75, 119])
    assert known == [0, 1, 1, 0, 0]
    assert value[1] == pytest.approx(np.tanh(np.log(1.02) / 0.02))


def test_trades_of_a_minute_are_set_against_their_usual_number():
    counts = [*range(1, 31), 0, 0]
    minutes = np.arange(len(counts)) * MINUTE_NS
    trades = known_points("trade_count", *zip(minutes, minutes + MINUTE_NS, counts, strict=True))
    value, known = context_at("trade_count", trades, [21, 22, 23, 31, 32, 33, 34])
    # A whole trailing mean is needed first, and a count is too old two minutes after its close.
    assert known == [0, 0, 1, 1, 1, 1, 0]
    assert value[2] == pytest.approx(24 / (24 + np.mean(counts[:24])))
    assert value[3] == 0.0
    none = dataclasses.replace(trades, value=trades.value * 0)
    assert context_at("trade_count", none, [31])[0] == 0.5
    assert context_at("trade_count", trades.slice(0, 23), [22])[1] == [0]


def test_macro_figures_are_placed_among_the_last_releases():
    day = 24 * HOUR_NS
    releases = [(i * day, i * day, float(v)) for i, v in enumerate([5, 1, 3, *[2] * 11, 9])]
    macro = known_points("cpi", *releases)
    minutes = np.array([0, 1, 2, 13, 14]) * 1440
    value, known = context_at("macro_cpi", macro, minutes)
    assert known == [1] * 5
    assert value.tolist() == [0.5, 0.0, 0.5, 0.0, 1.0]
    assert context_at("macro_cpi", macro, [14 * 1440 + 100 * 1440])[1] == [0]


def test_what_is_not_there_is_masked():
    names = context_names(CONFIG)
    table = context(MONDAY_NS + np.arange(5) * MINUTE_NS, {}, "BBB", CONFIG)
    assert (table[:, : names.index("dow_cos_final")] == 0).all()
    assert table[:, -2:].tolist() == [[0, 1]] * 5


def test_a_settlement_is_paid_in_its_bar_or_the_one_after_a_hole():
    opens = MONDAY_NS + np.array([0, 1, 2, 9, 10]) * MINUTE_NS
    at = np.array([-MINUTE_NS, 0, MINUTE_NS + 5 * MS, 4 * MINUTE_NS, 9 * MINUTE_NS, 11 * MINUTE_NS])
    rates = [1.0, 2.0, 4.0, 8.0, 16.0, 32.0]
    funding = known_points("funding_rate", *zip(at, at, rates, strict=True))
    assert funding_paid(opens, funding).tolist() == [2.0, 4.0, 0.0, 24.0, 0.0]


@pytest.mark.parametrize("off_ns", [-1_000 * MS, -2 * MS, -1, 0, 3 * MS, 20_000 * MS])
def test_who_pays_a_settlement_does_not_depend_on_a_vendors_clock(off_ns):
    opens = MONDAY_NS + np.arange(4) * MINUTE_NS
    at = np.array([2 * MINUTE_NS + off_ns])
    funding = known_points("funding_rate", *zip(at, at, [1.0], strict=True))
    assert funding_paid(opens, funding).tolist() == [0.0, 0.0, 1.0, 0.0]


def test_the_store_gives_back_what_the_dataset_needs(store):
    config = dataclasses.replace(CONFIG, symbols=("AAA",))
    pair = PairHistory(crypto_bars("AAA", MINUTES, 3), every_series("AAA", MINUTES, 3))
    trades = pair.series["taker_buy_share"]
    first_half = trades.slice(0, len(trades) // 2)
    bought = pair.bars.volume * 0.75
    store.write(pair.bars, {"taker_buy_volume": bought})
    with store.transaction():
        for series in ({**pair.series, trades.name: first_half}).values():
            store.write_series(series)
    loaded = load_history(store, "AAA", config)
    for name, series in pair.series.items():
        if name != trades.name:
            np.testing.assert_array_equal(loaded.series[name].value, series.value)
            np.testing.assert_array_equal(loaded.series[name].known_ns, series.known_ns)
    # Klines tell the share of the minutes that the trades leave out.
    share = loaded.series[trades.name]
    from_trades = np.isin(share.event_ns, first_half.event_ns)
    assert from_trades.sum() == len(first_half)
    np.testing.assert_allclose(share.value[~from_trades], 0.75)
    volume = pair.bars.volume
    assert set(pair.bars.open_time_ns[volume > 0]) <= set(share.event_ns)


def test_trades_come_from_klines_too_but_are_loaded_only_if_asked_for(store):
    config = dataclasses.replace(CONFIG, symbols=("AAA",), context=("trade_count",))
    bars = crypto_bars("AAA", 50)
    trades = np.arange(len(bars), dtype=np.float64)
    trades[3] = np.nan
    store.write(bars, {"trades": trades})
    with store.transaction():
        # A file of trades comes first.
        opens = bars.open_time_ns[:2]
        store.write_series(Series("AAA", "trade_count", opens, opens + MINUTE_NS, np.full(2, 77.0)))
    counts = load_history(store, "AAA", config).series["trade_count"]
    assert counts.value.tolist() == [77.0, 77.0, *trades[[2, *range(4, len(bars))]]]
    assert (counts.known_ns - counts.event_ns == MINUTE_NS).all()
    without = dataclasses.replace(config, context=())
    loaded = load_history(store, "AAA", without)
    assert set(loaded.series) == {"funding_rate", "funding_announced", "cpi"}
    assert not loaded.bars.extras


def test_bars_without_a_volume_are_refused(store):
    bars = crypto_bars("AAA", 50)
    columns = (bars.open, bars.high, bars.low, bars.close)
    store.write(Bars("AAA", bars.open_time_ns, *columns, np.full(len(bars), np.nan)))
    with pytest.raises(Exception, match=r"bars of AAA have no volume \(first at 2019-01-07"):
        load_history(store, "AAA", CONFIG)


def test_rows_to_read_are_the_newest_row_and_chosen_columns_before_it(dataset):
    bar = np.flatnonzero(dataset.seen_from >= 0)[::301]
    windows = dataset.windows(bar)
    history = (0, 3, dataset.features.shape[1] + 1)
    before = windows[:, :-1][:, :, list(history)].reshape(len(bar), -1)
    wanted = np.concatenate([windows[:, -1], before], axis=1)
    np.testing.assert_array_equal(dataset.read_rows(bar, history), wanted)
