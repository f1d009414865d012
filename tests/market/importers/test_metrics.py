"""Binance's metrics files: open interest, known at the end of its five minutes."""

import numpy as np
import pytest

from market_files import MONDAY_NS, refused, write
from mlx_muzero.errors import DataError
from mlx_muzero.files.digests import sha256_of
from mlx_muzero.market.importers import Choices, import_file
from mlx_muzero.market.metrics_labels import misread, misread_note
from mlx_muzero.market.series import Series
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.timeunits import MINUTE_NS

METRICS_HEAD = (
    "create_time,symbol,sum_open_interest,sum_open_interest_value,count_toptrader_long_short_ratio,"
    "sum_toptrader_long_short_ratio,count_long_short_ratio,sum_taker_long_short_vol_ratio"
)


def metrics_rows(symbol="BTCUSDT"):
    return [f"2021-03-01 00:{5 * i:02d}:00,{symbol},{1000 + i}.5,1,1,1,1,1" for i in range(4)]


def test_open_interest_from_metrics(store, tmp_path):
    path = write(tmp_path / "BTCUSDT-metrics-2021-03-01.csv", metrics_rows(), METRICS_HEAD)
    assert import_file(store, path).inserted == 4
    interest = store.load_series("BTCUSDT", "open_interest")
    assert interest.value.tolist() == [1000.5, 1001.5, 1002.5, 1003.5]
    assert np.diff(interest.known_ns).tolist() == [5 * MINUTE_NS] * 3
    assert interest.known_ns[0] == MONDAY_NS


def daily_metrics(path, symbol, first, blank=()):
    """A whole day of rows from `first` on; row i says 1000 + i."""
    start = np.datetime64(first, "s")
    rows = []
    for i in range(288):
        label = str(start + 300 * i).replace("T", " ")
        rows.append(f"{label},{symbol},{'' if i in blank else f'{1000 + i}.5'},1,1,1,1,1")
    return write(path, rows, METRICS_HEAD)


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


@pytest.mark.parametrize(
    ("symbol", "first", "known"),
    [
        ("BTCUSDT", "2026-06-24T00:05", "2026-06-24T00:05"),
        ("BTCUSDT", "2026-06-25T00:00", "2026-06-25T00:05"),
        ("BTCUSD_PERP", "2025-03-01T00:00", "2025-03-01T00:05"),
        ("BTCUSD_250328", "2025-03-01T00:00", "2025-03-01T00:05"),
        ("BTCUSDT_250328", "2025-03-01T00:05", "2025-03-01T00:05"),
        ("BTCUSDT", "2026-07-01T00:05", "2026-07-01T00:05"),  # changed back, as it shows
    ],
)
def test_metrics_are_known_at_the_end_of_their_five_minutes(store, tmp_path, symbol, first, known):
    path = daily_metrics(tmp_path / f"{symbol}-metrics-{first[:10]}.csv", symbol, first)
    import_file(store, path)
    interest = store.load_series(symbol, "open_interest")
    assert interest.known_ns[0] == interest.event_ns[0] == ns(known)
    assert len(interest) == 288


@pytest.mark.parametrize("step", [1, -1])
def test_a_file_over_the_change_of_labels_is_read_row_by_row(store, tmp_path, step):
    labels = ["24 23:55", "25 00:00", "25 00:00", "25 00:05"]
    rows = [f"2026-06-{at}:00,BTCUSDT,{i}.0,1,1,1,1,1" for i, at in enumerate(labels)]
    import_file(store, write(tmp_path / "m.csv", rows[::step], METRICS_HEAD), "BTCUSDT")
    interest = store.load_series("BTCUSDT", "open_interest")
    start = ns("2026-06-24T23:55")
    assert ((interest.known_ns - start) // MINUTE_NS).tolist() == [0, 5, 10, 15]
    assert interest.value.tolist() == [0.0, 1.0, 2.0, 3.0]


@pytest.mark.parametrize("last_end", [["25 00:00:00,BTCUSDT,,1,1,1,1,1"], []])
def test_a_beginning_whose_end_is_blank_or_missing_is_not_known_early(store, tmp_path, last_end):
    rest = [
        f"{at}:00,BTCUSDT,{value},1,1,1,1,1"
        for at, value in (("24 23:55", 0), ("25 00:00", 2), ("25 00:05", 3))
    ]
    rows = [f"2026-06-{row}" for row in (rest[0], *last_end, *rest[1:])]
    path = write(tmp_path / "m.csv", rows, METRICS_HEAD)
    import_file(store, path, "BTCUSDT", choices=Choices(skip_bad_rows=True))
    interest = store.load_series("BTCUSDT", "open_interest")
    assert interest.known_ns.tolist() == [
        ns(f"2026-06-{at}") for at in ("24T23:55", "25T00:05", "25T00:10")
    ]
    assert interest.value.tolist() == [0.0, 2.0, 3.0]


def test_blank_metrics_are_left_out_up_to_ten(store, tmp_path):
    path = tmp_path / "BTCUSDT-metrics-2026-06-24.csv"
    report = import_file(store, daily_metrics(path, "BTCUSDT", "2026-06-24T00:05", range(7, 17)))
    assert (report.rows, report.rejected_count) == (278, 10)
    assert report.rejected[0].reason == "sum_open_interest is blank"
    store.remove("BTCUSDT")
    path = daily_metrics(path, "BTCUSDT", "2026-06-24T00:05", range(11))
    refused(store, path, "11 of 288 rows are malformed")


def test_what_0_1_0_read_too_early_is_told_and_replaced(store, tmp_path):
    day = daily_metrics(tmp_path / "BTCUSDT-metrics-2026-07-01.csv", "BTCUSDT", "2026-07-01T00:00")
    labels = ns("2026-07-01T00:00") + np.arange(288) * 5 * MINUTE_NS
    early = Series.of("BTCUSDT", "open_interest", labels, labels, 1000.5 + np.arange(288))
    ends = (int(labels[0]), int(labels[-1]))
    record = ImportRecord(
        day.name, sha256_of(day), "BTCUSDT", "binance-metrics", "UTC", 288, 0, 0, *ends
    )
    with store.transaction():
        store.write_series(early)
        store.record_import(record)
    assert misread(record)
    assert "BTCUSDT-metrics-2026-07-01.csv (BTCUSDT)" in misread_note(store.imports(), store.path)
    with pytest.raises(DataError, match="five minutes too early: import it again with --replace"):
        import_file(store, day)
    report = import_file(store, day, choices=Choices(replace=True))
    assert report.replaced == 288
    interest = store.load_series("BTCUSDT", "open_interest")
    assert np.array_equal(interest.known_ns, labels + 5 * MINUTE_NS)
    assert np.array_equal(interest.value, early.value)
    (record,) = store.imports()
    assert misread_note([record], store.path) is None
    assert record.accepted == ("--replace: 288 stored points replaced",)
    assert import_file(store, day).already_imported


def test_metrics_of_another_symbol_or_below_zero_are_refused(store, tmp_path):
    name = tmp_path / "BTCUSDT-metrics-2021-03-01.csv"
    rows = [*metrics_rows()[:2], *metrics_rows("ETHUSDT")[2:]]
    refused(store, write(name, rows, METRICS_HEAD), ":4: the symbol is not BTCUSDT")
    rows = [row.replace("1002.5", "-1002.5") for row in metrics_rows()]
    refused(store, write(name, rows, METRICS_HEAD), ":4: the open interest is negative")
