"""What a report counts of a session's events."""

from mlx_muzero.paper.report.session_report import _missed_minutes
from mlx_muzero.timeunits import MINUTE_NS


def test_only_what_missed_a_minute_is_a_gap():
    hole = {"event": "hole", "from_ns": MINUTE_NS, "to_ns": MINUTE_NS, "reason": "restarted"}
    assert not _missed_minutes(hole)
    assert _missed_minutes(hole | {"to_ns": 3 * MINUTE_NS})
    assert not _missed_minutes({"event": "minute"})
