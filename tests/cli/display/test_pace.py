"""The time left is told once reports cover some time, and never from what came before the first."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from examples import examples
from muzero_cli.display.pace import LEAST_S, Pace


@given(
    before=st.floats(0.0, 1e4),
    first=st.integers(0, 1000),
    step=st.integers(1, 1000),
    reports=st.integers(1, 20),
    every=st.floats(1.0, 100.0),
    rest=st.integers(0, 10_000),
)
@examples(50)
def test_steady_work_takes_as_long_as_its_pace_says(before, first, step, reports, every, rest):
    pace = Pace()
    for number in range(reports + 1):
        pace.reach(first + number * step, before + number * every)
    now, total = before + reports * every, first + reports * step + rest
    left = pace.left_s(total, now)
    if now - before < LEAST_S:
        assert left is None
    else:
        assert left == pytest.approx(rest / step * every)


def test_without_reports_or_progress_nobody_can_tell():
    pace = Pace()
    assert pace.left_s(10, 100.0) is None
    pace.reach(3, 100.0)
    assert pace.left_s(10, 1000.0) is None
    pace.reach(3, 200.0)
    assert pace.left_s(10, 1000.0) is None
    pace.reach(4, 200.0)
    assert pace.left_s(10, 200.0) == 600.0
    assert pace.left_s(10, 300.0) == 1200.0, "what stands still takes longer"


def test_what_is_more_than_done_is_done():
    pace = Pace()
    pace.reach(0, 0.0)
    pace.reach(12, 60.0)
    assert pace.left_s(10, 60.0) == 0.0
