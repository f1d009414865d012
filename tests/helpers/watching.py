"""A clock that is set by hand and an event of learning, for what watches a run."""

from datetime import UTC, datetime

NOON = datetime(2026, 1, 4, 12, tzinfo=UTC)


class Clock:
    def __init__(self):
        self.now = NOON

    def __call__(self):
        return self.now


def learned(steps, total=1.0):
    return {"steps": steps, "losses": {"policy": total}, "total": total, "gradient_norm": 1.0,
            "overflow_frac": 0.0}  # fmt: skip
