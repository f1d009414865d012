"""What happened to a run, in a line each: at which time."""

import pytest

from mlx_muzero.timeunits import MINUTE_NS
from muzero_tui.notices import notice_lines
from muzero_tui.paint import Paint

PAINT = Paint("good", "warning", "bad", "accent", "curve", "other")
NOON_NS = 1_772_452_800 * 10**9
NOON = "2026-03-02T12:00:00+00:00"


@pytest.mark.parametrize(
    ("minutes", "when"),
    [(-1, "12:00 halt"), (-60 * 24, "12:00 (2026-03-01 12:00) halt"), (None, "12:00 halt")],
)
def test_a_notice_has_this_machines_time_and_the_markets_where_that_is_another(minutes, when):
    event = {"event": "command", "time": NOON, "name": "halt", "source": "socket"}
    if minutes is not None:
        event["market_ns"] = NOON_NS + minutes * MINUTE_NS
    (line,) = notice_lines([event], PAINT).plain.splitlines()
    assert line.startswith(when)
