"""What a report counts of a session's events."""

from mlx_muzero.paper.report.journaled import LATENCIES, Journaled
from mlx_muzero.timeunits import MINUTE_NS


def test_only_what_missed_a_minute_is_a_gap():
    hole = {"event": "hole", "from_ns": MINUTE_NS, "to_ns": MINUTE_NS, "reason": "restarted"}
    assert Journaled.by([hole, {"event": "minute"}]).holes == 0
    assert Journaled.by([hole, hole | {"to_ns": 3 * MINUTE_NS}]).holes == 1


def test_the_latencies_are_those_of_minutes_that_planned_and_tell_every_stage():
    def minute(ms, simulations=8, stages=LATENCIES):
        latency = dict.fromkeys(stages, ms)
        return {"event": "minute", "simulations": simulations, "latency_ms": latency}

    told = [minute(2.0), minute(4.0), minute(9.0, 0), minute(9.0, stages=("search",))]
    told += [minute("9"), {"event": "minute", "simulations": 8, "latency_ms": None}]
    assert Journaled.by(told).latency_ms["total"]["p50"] == 3.0
    assert Journaled.by(told[2:]).latency_ms == {}
