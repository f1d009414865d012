"""FX's own feature table as a source of bars: its lags must agree."""

import duckdb
import numpy as np
import pytest

from examples import cases
from market_files import MONDAY_NS, refused, walk
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.importers.micro_features import LAGS
from mlx_muzero.market.observation.fx_features import CALENDAR_NAMES, FEATURE_NAMES
from mlx_muzero.timeunits import MINUTE_NS


def micro_features(path, n=400, gap_after=200, ohlc=False, spoil=None, stamp="timestamp"):
    """FX's table: lag k of row t is lag 0 of row t - k; the minute gap has other lags."""
    rng = np.random.default_rng(0)
    minutes = np.arange(n) + 100 * (np.arange(n) >= gap_after)
    columns = {"timestamp": MONDAY_NS + minutes * MINUTE_NS, "close": walk(n)[3]}
    if ohlc:
        columns |= dict(zip(("open", "high", "low"), walk(n)[:3], strict=True))
    for feature in FEATURE_NAMES:
        now = rng.random(n).astype(np.float32)
        for lag in range(LAGS):
            columns[f"{feature}_{lag}"] = np.roll(now, lag).astype(float)
            columns[f"{feature}_{lag}"][:lag] = np.nan
    if spoil:
        columns[spoil][300] += 0.25
    times = columns.pop("timestamp")
    table = {"t": times, **columns}
    with duckdb.connect(str(path)) as db:
        db.execute("set timezone = 'UTC'")
        db.register("made", table)
        names = ", ".join(f'"{name}"' for name in columns)
        db.execute(
            f"""create table micro_features as
                select make_timestamp_ns(t)::{stamp} as "timestamp", {names}, 'x' as origin
                from made order by random()"""
        )
    return path


@pytest.mark.slow
@pytest.mark.parametrize("stamp", ["timestamp", "timestamptz"])
def test_the_feature_table_of_fx_gives_bars_once_its_lags_agree(
    store, tmp_path, monkeypatch, stamp
):
    monkeypatch.setattr("mlx_muzero.market.importers.micro_features.ROWS_PER_BATCH", 90)
    path = micro_features(tmp_path / "micro_features_usdjpy.db", ohlc=True, stamp=stamp)
    report = import_file(store, path, "USDJPY")
    assert (report.format, report.inserted) == ("micro-features", 400)
    assert any("288 lagged columns" in note for note in report.notes)
    bars = store.load("USDJPY")
    assert np.array_equal(bars.close, walk(400)[3])
    assert np.array_equal(bars.high, walk(400)[1])
    assert bars.open_time_ns[0] == MONDAY_NS


def test_a_feature_table_with_only_closes_says_what_its_bars_are(store, tmp_path):
    report = import_file(store, micro_features(tmp_path / "m.db"), "USDJPY")
    assert any("no open, high, low" in note for note in report.notes)
    bars = store.load("USDJPY")
    assert np.array_equal(bars.high, bars.close)
    assert np.array_equal(bars.open, bars.close)


@pytest.mark.slow
def test_a_feature_table_whose_lags_disagree_is_refused(store, tmp_path):
    path = micro_features(tmp_path / "m.db", spoil="hour_sin_final_7")
    refused(store, path, "hour_sin_final_7", "row", "7 rows earlier", symbol="USDJPY")
    with duckdb.connect(str(path)) as db:
        db.execute("alter table micro_features drop column price_change_pips_31")
    refused(store, path, "price_change_pips_31", symbol="USDJPY")
    with duckdb.connect(str(tmp_path / "o.db")) as db:
        db.execute("create table t(x int)")
    refused(store, tmp_path / "o.db", "without a table micro_features", symbol="USDJPY")


@pytest.mark.slow
@pytest.mark.parametrize("kept", cases(1, ["_0", "", None]))
def test_a_table_that_lags_only_the_technical_features_is_read(store, tmp_path, kept):
    path = micro_features(tmp_path / "m.db")
    with duckdb.connect(str(path)) as db:
        for feature in CALENDAR_NAMES:
            for lag in range(LAGS):
                db.execute(f"alter table micro_features drop column {feature}_{lag}")
            if kept is not None:
                db.execute(f"alter table micro_features add column {feature}{kept} double")
    report = import_file(store, path, "USDJPY")
    assert report.inserted == 400
    assert any("160 lagged columns: lags 1 to 31 agree" in note for note in report.notes)


def test_a_lag_in_the_middle_must_not_be_missing(store, tmp_path):
    path = micro_features(tmp_path / "m.db")
    with duckdb.connect(str(path)) as db:
        db.execute("alter table micro_features drop column dow_cos_final_7")
    refused(
        store, path, "lacks 1 of the 32 lags of 9 features, first dow_cos_final_7", symbol="USDJPY"
    )
