"""A file goes on from what the symbol holds, or says with both prices that it does not."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from market_files import MONDAY_NS, write
from mlx_muzero.errors import DataError
from mlx_muzero.market.importers import Choices, continuity, import_file
from mlx_muzero.market.importers.continuity import largest_move
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS

ACCEPT = Choices(accept_jump=True)


def coin_file(path, closes, start=MONDAY_NS):
    """A kline file of bars that stand still at each of `closes`."""
    times = (start + np.arange(len(closes)) * MINUTE_NS) // 10**6
    rows = [f"{t},{c},{c},{c},{c},1,0,1,1,1,1,0" for t, c in zip(times, closes, strict=True)]
    return write(path, rows)


def month(path, price, start=MONDAY_NS, count=300):
    return coin_file(path, [price] * count, start)


def test_another_coin_after_before_or_between_is_refused_with_both_prices(store, tmp_path):
    import_file(store, month(tmp_path / "a.csv", 60_000), "BTCUSDT")
    later = month(tmp_path / "b.csv", 3_000, MONDAY_NS + 300 * MINUTE_NS)
    with pytest.raises(DataError, match=r"from 60000 \(stored, .*\) to 3000 \(new, .*-95\.0%"):
        import_file(store, later, "BTCUSDT")
    sooner = month(tmp_path / "c.csv", 3_000, MONDAY_NS - 10 * HOUR_NS)
    with pytest.raises(DataError, match=r"from 3000 \(new, .*\) to 60000 \(stored") as error:
        import_file(store, sooner, "BTCUSDT")
    assert "under its own name with --symbol" in str(error.value)
    assert "--accept-jump" in str(error.value)
    import_file(store, coin_file(tmp_path / "e.csv", [2.0] * 9), "ETHUSDT")
    store.remove("ETHUSDT", MONDAY_NS + 4 * MINUTE_NS, MONDAY_NS + 6 * MINUTE_NS)
    between = coin_file(tmp_path / "f.csv", [30.0, 30.0], MONDAY_NS + 4 * MINUTE_NS)
    with pytest.raises(DataError, match=r"from 2 \(stored"):
        import_file(store, between, "ETHUSDT")
    assert len(store.load("BTCUSDT")) == 300


def test_a_real_crash_is_taken_when_told_so_and_is_kept_in_mind(store, tmp_path):
    import_file(store, month(tmp_path / "a.csv", 60.0), "LUNAUSDT")
    later = month(tmp_path / "b.csv", 3.0, MONDAY_NS + 300 * MINUTE_NS)
    report = import_file(store, later, "LUNAUSDT", choices=ACCEPT)
    assert report.inserted == 300
    assert "LUNAUSDT jumps from 60 (stored" in report.notes[0]
    kept = [record.accepted for record in store.imports()]
    assert kept[0] == ()
    assert kept[1][0].startswith("--accept-jump: from 60 (stored, 2021-03-01")
    # What it did once it may do again: it is its own history now.
    assert import_file(
        store, month(tmp_path / "c.csv", 55.0, MONDAY_NS + 600 * MINUTE_NS), "LUNAUSDT"
    ).inserted


def test_coins_may_move_by_a_third_in_a_day_and_more_over_longer_gaps(store, tmp_path):
    import_file(store, month(tmp_path / "a.csv", 100.0), "SOLUSDT")
    end = MONDAY_NS + 300 * MINUTE_NS
    with pytest.raises(DataError, match=r"is allowed \+30\.0%"):
        import_file(store, month(tmp_path / "b.csv", 131.0, end), "SOLUSDT")
    assert import_file(store, month(tmp_path / "c.csv", 129.0, end), "SOLUSDT").inserted
    far = month(tmp_path / "d.csv", 300.0, end + 30 * DAY_NS)
    assert import_file(store, far, "SOLUSDT").inserted


def test_a_fall_is_allowed_as_large_a_share_as_a_rise(store, tmp_path):
    import_file(store, month(tmp_path / "a.csv", 100.0), "SOLUSDT")
    end = MONDAY_NS + 300 * MINUTE_NS
    with pytest.raises(DataError, match=r"-31\.0%; over the same time SOLUSDT is allowed -30\.0%"):
        import_file(store, month(tmp_path / "b.csv", 69.0, end), "SOLUSDT")
    assert import_file(store, month(tmp_path / "c.csv", 71.0, end), "SOLUSDT").inserted


def test_currencies_move_less(store, tmp_path):
    head = "timestamp,open,high,low,close"

    def day(name, price, start):
        times = (start + np.arange(200) * MINUTE_NS).astype("M8[ns]").astype("M8[s]")
        return write(tmp_path / name, [f"{t}+00:00,{price},{price},{price},{price}" for t in
                                       np.datetime_as_string(times)], head)  # fmt: skip

    import_file(store, day("EURUSD.csv", 1.10, MONDAY_NS))
    with pytest.raises(DataError, match=r"allowed \+5\.0%"):
        import_file(store, day("b.csv", 1.27, MONDAY_NS + DAY_NS), "EURUSD")
    assert import_file(store, day("c.csv", 1.12, MONDAY_NS + DAY_NS), "EURUSD").inserted


def test_a_name_that_says_otherwise_is_told(store, tmp_path):
    report = import_file(store, month(tmp_path / "ETHUSDT.csv", 2.0), "BTCUSDT")
    assert report.notes == ("its name says ETHUSDT; imported as BTCUSDT, as requested",)


def test_a_replacement_is_held_against_what_stays(store, tmp_path):
    import_file(store, month(tmp_path / "a.csv", 100.0), "SOLUSDT")
    wrong = month(tmp_path / "b.csv", 500.0, MONDAY_NS + 100 * MINUTE_NS, 50)
    with pytest.raises(DataError, match="do not continue"):
        import_file(store, wrong, "SOLUSDT", choices=Choices(replace=True))


def test_a_whole_replacement_is_held_against_what_gives_way(store, tmp_path):
    import_file(store, coin_file(tmp_path / "a.csv", [100.0] * 299 + [1.0]), "SOLUSDT")
    other = month(tmp_path / "b.csv", 500.0)
    with pytest.raises(DataError, match=r"from 100 \(stored, .*\) to 500 \(new.*\+30") as error:
        import_file(store, other, "SOLUSDT", choices=Choices(replace=True))
    assert "as a replacement for a stored price SOLUSDT is allowed" in str(error.value)
    assert store.load("SOLUSDT").close[0] == 100.0
    # A price that was wrong may be mended, as most are what they were.
    right = month(tmp_path / "c.csv", 101.0)
    assert import_file(store, right, "SOLUSDT", choices=Choices(replace=True)).replaced == 300
    both = Choices(replace=True, accept_jump=True)
    assert import_file(store, other, "SOLUSDT", choices=both).replaced == 300
    accepted = [said for record in store.imports() for said in record.accepted]
    assert any(said.startswith("--accept-jump: from 101 (stored") for said in accepted)


@given(
    st.lists(st.tuples(st.integers(1, 90), st.floats(0.5, 2.0)), min_size=2, max_size=60),
    st.integers(1, 300),
)
def test_a_symbols_largest_move_is_that_of_bars_as_far_apart(steps, gap):
    times = np.cumsum([minutes for minutes, _ in steps]) * MINUTE_NS
    close = np.cumprod([factor for _, factor in steps])
    gap_ns = gap * MINUTE_NS
    slack = max(gap_ns // 2, 10 * MINUTE_NS)
    expected = 0.0
    for i in range(len(times)):
        later = [j for j in range(len(times)) if times[j] >= times[i] + gap_ns]
        if later and times[later[0]] <= times[i] + gap_ns + slack:
            expected = max(expected, abs(np.log(close[later[0]] / close[i])))
    assert largest_move(times, close, gap_ns) == pytest.approx(expected)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(continuity, "_BLOCK_BARS", 7)
        assert largest_move(times, close, gap_ns) == pytest.approx(expected)
