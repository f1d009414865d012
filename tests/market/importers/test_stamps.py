"""Which clock bars are stamped on, at open or close, and what is asked if a file is silent."""

from datetime import UTC, datetime

import duckdb
import numpy as np
import pytest

from bar_files import ns, parquet
from market_files import MONDAY_NS, refused, rows, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, import_file
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS

STAMPS = ["timestamp", "timestamp_s", "timestamp_ms", "timestamp_ns", "timestamptz"]
if duckdb.__version__ >= "2":
    STAMPS.append("timestamptz_ns")


@pytest.mark.parametrize("stamp", STAMPS)
def test_every_type_of_time_stamp_in_parquet_is_read(store, tmp_path, stamp):
    path = parquet(tmp_path / "BTCUSDT.parquet", symbols=("BTCUSDT",), stamp=stamp)
    import_file(store, path)
    assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS


def test_a_stamp_that_is_no_time_is_refused_with_what_is_read(store, tmp_path):
    path = parquet(tmp_path / "BTCUSDT.parquet", symbols=("BTCUSDT",), stamp="date")
    refused(store, path, "column timestamp is DATE", "write it as a timestamp, or as text YYYY")


def week_file(stamp, late=0, zone="", first="2021-03-07T17:00"):
    """Bars of half an hour around each edge of three FX weeks, on New York's clock."""
    times = []
    for week in range(3):
        sunday = np.datetime64(first, "m") + 7 * 1440 * week
        times += [*(sunday + np.arange(30)), *(sunday + 5 * 1440 - 30 + np.arange(30))]
    price = "105.000,105.002,104.998,105.001"
    return [f"{(t + late).item():{stamp}}{zone},{price}" for t in times]


FXCM_HEAD = "timestamp,open,high,low,close"


def test_a_clock_that_the_weeks_of_a_file_contradict_is_refused(store, tmp_path):
    lines = [f"{row},0" for row in week_file("%Y.%m.%d,%H:%M", first="2018-01-07T17:00")]
    path = write(tmp_path / "DAT_MT_USDJPY_M1_201801.csv", lines)
    refused(store, path, "not on UTC: leave --clock out (histdata-mt files have", clock="UTC")
    report = import_file(store, path, clock="UTC", choices=Choices(accept_clock=True))
    assert store.imports()[0].accepted == ("--accept-clock",)
    store.remove("USDJPY")
    assert import_file(store, path).rows == report.rows == 180


def test_times_without_a_zone_are_read_on_the_clock_told(store, tmp_path):
    path = write(tmp_path / "USDJPY.csv", week_file("%Y-%m-%d %H:%M:%S"), FXCM_HEAD)
    refused(store, path, "not on UTC: import it with --clock America/New_York")
    import_file(store, path, clock="America/New_York")
    assert store.load("USDJPY").open_time_ns[0] == ns("2021-03-07T22:00")


@pytest.mark.parametrize("zone", ["Z", "+00:00"])
def test_a_clock_is_refused_where_the_times_have_their_zone(store, tmp_path, zone):
    lines = week_file("%Y-%m-%dT%H:%M:%S", zone=zone)
    path = write(tmp_path / "USDJPY.csv", lines, FXCM_HEAD)
    refused(store, path, "each of its times is already a moment", clock="America/New_York")
    refused(store, path, "correct its time zone at the source")
    assert import_file(store, path, choices=Choices(accept_clock=True)).rows == 180


@pytest.mark.parametrize("stamp", STAMPS)
def test_a_clock_is_refused_where_a_column_of_parquet_has_its_zone(store, tmp_path, stamp):
    path = parquet(tmp_path / "BTCUSDT.parquet", symbols=("BTCUSDT",), stamp=stamp)
    if stamp.startswith("timestamptz"):
        refused(store, path, "each of its times is already a moment", clock="UTC+2")
        assert import_file(store, path, clock="UTC").inserted == 50
    else:
        import_file(store, path, clock="UTC+2")
        assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS - 2 * HOUR_NS


def test_bars_stamped_at_their_close_are_asked_about(store, tmp_path):
    lines = week_file("%Y-%m-%d %H:%M:%S", late=1)
    path = write(tmp_path / "USDJPY.csv", lines, FXCM_HEAD)
    told = {"clock": "America/New_York"}
    refused(store, path, "look stamped at their close", "--stamps close, or --stamps open", **told)
    report = import_file(store, path, **told, choices=Choices(stamps="close"))
    assert report.clock == "America/New_York, stamped at the close"
    assert store.load("USDJPY").open_time_ns[0] == ns("2021-03-07T22:00")
    with pytest.raises(DataError, match=r"already imported with clock .* stamps at the open"):
        import_file(store, path, choices=Choices(stamps="open"))
    open_stamped = write(tmp_path / "EURJPY.csv", week_file("%Y-%m-%d %H:%M:%S"), FXCM_HEAD)
    with pytest.raises(DataError, match="are stamped at their open"):
        import_file(store, open_stamped, **told, choices=Choices(stamps="close"))


def test_whole_days_of_a_coin_show_stamps_at_the_close(store, tmp_path):
    stamp = "%Y-%m-%d %H:%M:%S"
    lines = rows(stamp, 1440, start=MONDAY_NS + MINUTE_NS)
    path = write(tmp_path / "BTCUSDT.csv", lines, FXCM_HEAD)
    refused(store, path, "look stamped at their close")
    import_file(store, path, choices=Choices(stamps="close"))
    assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS


def busy_quarters(minutes, late=0, first=1):
    """Rows of a coin from some minute past midnight, busier in the first minute of a quarter."""
    noise = np.random.default_rng(7).random(minutes + 1440)
    lines = []
    for minute in range(first, first + minutes):
        time = datetime.fromtimestamp((MONDAY_NS + (minute + late) * MINUTE_NS) / 1e9, UTC)
        volume = 1 + noise[minute] + (minute % 15 == 0)
        lines.append(f"{time:%Y-%m-%d %H:%M:%S},10,10.5,9.5,10,{volume:.3f}")
    return lines


HEAD_WITH_VOLUME = "timestamp,open,high,low,close,volume"


def test_a_part_of_a_day_shows_by_its_volume_that_bars_are_stamped_at_their_close(store, tmp_path):
    path = write(tmp_path / "BTCUSDT.csv", busy_quarters(1000, late=1, first=77), HEAD_WITH_VOLUME)
    refused(store, path, "look stamped at their close", "or volume that rises", "--stamps close")
    report = import_file(store, path, choices=Choices(stamps="close"))
    assert store.load("BTCUSDT").open_time_ns[0] == MONDAY_NS + 77 * MINUTE_NS
    assert not any("nothing tells" in note for note in report.notes)
    opens = write(tmp_path / "ETHUSDT.csv", busy_quarters(1000, first=77), HEAD_WITH_VOLUME)
    with pytest.raises(DataError, match="are stamped at their open"):
        import_file(store, opens, choices=Choices(stamps="close"))
    assert not any("nothing tells" in note for note in import_file(store, opens).notes)


@pytest.mark.parametrize(("minutes", "first"), [(100, 77), (20, 1)])
def test_what_no_file_tells_of_its_stamps_is_said(store, tmp_path, minutes, first):
    lines = rows("%Y-%m-%d %H:%M:%S", minutes, start=MONDAY_NS + first * MINUTE_NS)
    path = write(tmp_path / "BTCUSDT.csv", lines, FXCM_HEAD)
    (note,) = import_file(store, path).notes
    assert "nothing tells whether the bars of BTCUSDT are stamped at their open or" in note
    assert f"data remove BTCUSDT --from TIME --to TIME --db {store.path}" in note
    store.remove("BTCUSDT")
    assert import_file(store, path, choices=Choices(stamps="open")).notes == ()


def test_a_format_that_tells_its_stamps_is_not_wondered_at(store, tmp_path):
    lines = [f"{row},0" for row in rows("%Y.%m.%d,%H:%M", 30)]
    report = import_file(store, write(tmp_path / "USDJPY.csv", lines), clock="UTC")
    assert not any("nothing tells" in note for note in report.notes)
