"""The vectorised text reader agrees with Python's own, byte for byte and line for line."""

from datetime import datetime

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.market.importers.fields import EPOCH, Fields, Lines, count_fields, decimals, stamps


def read(parser, texts, *args):
    lines = Lines.split("\n".join(texts).encode() + b"\n", 1)
    assert len(lines.start) == len(texts)
    return parser(lines.data, lines.start, lines.end, *args)


numbers = st.one_of(
    st.decimals(allow_nan=False, allow_infinity=False, places=5, min_value=0, max_value=10**9).map(
        str
    ),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
    st.text("0123456789.", min_size=1, max_size=25),
    st.text("0123456789.-+eEx", min_size=1, max_size=8),
)


@given(st.lists(numbers, min_size=1, max_size=20))
def test_numbers_are_what_float_makes_of_them(texts):
    values, known = read(decimals, texts)
    for text, value, ok in zip(texts, values, known, strict=True):
        try:
            expected = float(text)
        except ValueError:
            assert not ok
        else:
            assert ok
            assert value == expected


@given(st.lists(st.datetimes(datetime(1980, 1, 1), datetime(2100, 1, 1)), min_size=1))
def test_stamps_are_read_exactly(times):
    times = [t.replace(microsecond=0) for t in times]
    expected = np.array(times, "M8[ns]").astype(np.int64)
    found, known = read(stamps, [f"{t:%Y%m%d %H%M%S}" for t in times], "YYYYMMDD hhmmss")
    assert known.all()
    assert np.array_equal(found, expected)
    plus2, known = read(
        stamps, [f"{t:%Y-%m-%d %H:%M:%S}+02:00" for t in times], "YYYY-MM-DD hh:mm:ss±HH:II"
    )
    assert known.all()
    assert np.array_equal(plus2, expected - 7200 * 10**9)


@pytest.mark.parametrize(
    "bad", ["20190229 100000", "20191301 100000", "20190101 240000", "20190101T100000", "2019"]
)
def test_dates_that_do_not_exist_are_told(bad):
    assert not read(stamps, [bad], "YYYYMMDD hhmmss")[1][0]


def test_epochs_in_milliseconds_and_microseconds_are_told_apart():
    found, known = read(stamps, ["1735689600000", "1735689600000000", "17356896x"], EPOCH)
    assert found[0] == found[1] == 1_735_689_600 * 10**9
    assert known.tolist() == [True, True, False]


@given(st.lists(st.sampled_from(["", "a", "b,c", ",,", "x,y,z"]), max_size=12), st.booleans())
def test_lines_keep_their_numbers_through_blank_lines_and_line_breaks(rows, windows):
    lines = Lines.split(("\r\n" if windows else "\n").join(rows).encode(), 7)
    full = [(i, row) for i, row in enumerate(rows, 7) if row]
    assert lines.number.tolist() == [i for i, _ in full]
    assert [lines.text(k) for k in range(len(full))] == [row for _, row in full]
    assert count_fields(lines, b",").tolist() == [row.count(",") + 1 for _, row in full]
    three = lines.take(count_fields(lines, b",") == 3)
    start, end = Fields.cut(three, b",", 3).span(1)
    cells = [three.data[a:b].tobytes().decode() for a, b in zip(start, end, strict=True)]
    assert cells == [row.split(",")[1] for _, row in full if row.count(",") == 2]
