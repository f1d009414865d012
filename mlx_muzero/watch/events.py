"""Events of journals, checked once where they enter: whoever shows them may rely on their shape.

A line is an event of a kind known here, in its shape; or of an unknown kind, as a newer version may
write it, which is bounded and shown nowhere; or it is malformed, which is counted and told.
"""

from datetime import UTC, datetime, timedelta
from typing import Any

from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import (
    Malformed,
    Shape,
    count,
    flag,
    mapping,
    number,
    optional,
    plain,
    record,
    sequence,
    text,
    time_ns,
)

Event = dict[str, Any]

APART = timedelta(minutes=15)
"""A live session decides on minutes that ended shortly before; what is further from this machine's
clock is another time."""

_MOST_NAMES = 100
_MOST_PAIRS = 1000
_FIRST_YEAR, _LAST_YEAR = 1970, 2200
_number, _count, _text = optional(number), optional(count), optional(text)
_texts, _time_ns = sequence(text, most=_MOST_PAIRS), optional(time_ns)
_numerics = optional(mapping(text, most=_MOST_NAMES))
_numbers = optional(sequence(number, most=_MOST_NAMES))

_BIN = record({"predicted": number, "observed": number})
_FORECAST = record(
    {
        "calibration_error": number,
        "predicted": sequence(number, most=_MOST_NAMES),
        "realized": sequence(number, most=_MOST_NAMES),
        "calibration": sequence(_BIN, most=_MOST_NAMES),
    }
)
_METRICS = record(
    {},
    {
        "expectancy_pips": _number,
        "net_pips_per_session": _number,
        "win_frac": _number,
        "trades": _count,
    },
)
_COUNTERS = {"episodes": count, "steps": count}
_PAIR = record(
    {},
    {
        "state": text,
        "why": _text,
        "close": _number,
        "open": _number,
        "high": _number,
        "low": _number,
        "bar_close_ns": _time_ns,
        "exposure": _number,
        "entry_price": _number,
        "unrealized": _number,
        "funding_bps": _number,
        "funding_from": _text,
        "action": _count,
        "probabilities": _numbers,
        "outcomes": _numbers,
        "value": _number,
    },
)
_LIMIT = record({}, {"used": _number, "limit": _number})
_ENDED = record({}, {"reason": _text, "by": _text})
_JUDGED = record(
    {"number": count},
    {"reason": _text, "next_ns": time_ns, "backend": _text, "numerics": _numerics},
)
_ORDER_ENDED = record({"id": count}, {"reason": _text})

SHAPES: dict[str, Shape] = {
    "started": record(
        {},
        {
            "actions": _texts,
            "outcomes": _texts,
            "unit": text,
            "model": text,
            "episodes_due": _count,
            "replay_capacity": _count,
            "min_trade_frac": _number,
            "backend": _text,
            "numerics": _numerics,
        },
    ),
    "levels": record({"net_pips_per_session": mapping(_number, most=_MOST_NAMES)}),
    "begun_from": record({}, {"checkpoint": text}),
    "phase": record({"phase": text, "episodes": count}),
    "collected": record(
        {"episodes": count},
        {
            "decisions_per_s": _number,
            "reward_mean": _number,
            "actions": mapping(count, most=_MOST_NAMES),
            "alarm": _text,
            "trade_frac": _number,
            "replay_episodes": _count,
            "memory_mb": _number,
            "temperature": _number,
            "backend": text,
        },
    ),
    "advanced": record({"episodes": count}, {"memory_mb": _number}),
    "learned": record(
        {
            "steps": count,
            "losses": mapping(_number, most=_MOST_NAMES),
            "total": _number,
            "gradient_norm": _number,
            "overflow_frac": _number,
        },
        {"steps_per_s": _number, "disk_wait_s": _number},
    ),
    "validated": record(
        {"metrics": _METRICS, "best": flag},
        {**_COUNTERS, "forecast": optional(_FORECAST), "dropped_of_sessions": count},
    ),
    "assessed": record({"phase": text, "best": flag}, _COUNTERS),
    "saved": record({"checkpoint": text}, {"best": flag}),
    "resumed": record(_COUNTERS),
    "backend_settled": record({"backend": text}, {"root_backend": _text}),
    "finished": _ENDED,
    "stopped": _ENDED,
    "diverged": _ENDED,
    "rank_lost": _ENDED,
    "engine_restarted": record({}, {"reason": text, "backend": _text}),
    "engine_lost": record({}, {"reason": text, "backend": _text, "root_backend": _text}),
    "engine_refreshed": record({}, {"reason": text, "backend": _text}),
    "engine_refresh_failed": record({}, {"reason": text, "backend": _text}),
    "paper_started": record(
        {},
        {
            "pairs": _texts,
            "actions": _texts,
            "outcomes": _texts,
            "feed": text,
            "unit": text,
            "pip_size": _number,
            "backend": _text,
            "backend_wanted": _text,
            "root_backend": _text,
            "precision": _text,
            "numerics": _numerics,
            "pid": _count,
            "version": _text,
            "pulse_s": _number,
        },
    ),
    "alive": record(),
    "minute": record(
        {
            "close_ns": time_ns,
            "equity": _number,
            "drawdown_frac": _number,
            "pairs": mapping(_PAIR, most=_MOST_PAIRS),
        },
        {
            "mode": text,
            "mode_reason": _text,
            "day_pnl": _number,
            "unrealized": _number,
            "exposure_total": _number,
            "backend": _text,
            "root_backend": _text,
            "latency_ms": mapping(_number, most=_MOST_NAMES),
            "risk": mapping(_LIMIT, most=_MOST_NAMES),
            "clock_offset_ms": _number,
            "model": _text,
            "retraining": record({"next_ns": time_ns}, {"candidate": _count}),
        },
    ),
    "candidate_began": record({"number": count}, {"until_ns": time_ns, "next_ns": time_ns}),
    "candidate_took_over": _JUDGED,
    "candidate_refused": _JUDGED,
    "candidate_failed": _JUDGED,
    "order": record(
        {"id": count, "close_ns": time_ns},
        {"pair": text, "from_exposure": _number, "to_exposure": _number},
    ),
    "order_expired": _ORDER_ENDED,
    "order_canceled": _ORDER_ENDED,
    "fill": record(
        {"order_id": count, "fill_ns": time_ns, "pair": text, "units": _number, "price": _number},
        {"fee": _number, "exposure": _number},
    ),
    "trade": record({"exit_ns": time_ns, "pair": text, "net": _number}),
    "feed": record(
        {"kind": text},
        {"pair": _text, "reason": _text, "offset_ns": _number, "status": text, "why": _text},
    ),
    "risk": record({}, {"limit": text, "value": _number, "threshold": _number, "reaction": _text}),
    "fault": record(
        {},
        {
            "what": text,
            "pair": text,
            "reason": _text,
            "reaction": _text,
            "mode": text,
            "mode_reason": _text,
        },
    ),
    "command": record({}, {"name": text, "source": _text, "consequence": _text}),
    "backend_moved": record({}, {"reason": text, "backend": _text}),
    "backend_slow": record({}, {"reason": text, "backend": _text}),
    "hole": record({}, {"from_ns": time_ns, "to_ns": time_ns, "reason": _text}),
    "parity": record(),
    "alerts": record({"channel": text, "outcome": text}, {"reason": _text, "count": _count}),
}
"""By kind. Fields that are not named are bounded and kept."""


def checked(line: bytes) -> Event:
    """The event that a line of a journal holds.

    Raises:
        Malformed: it holds none, or not in its kind's shape; says why.
    """
    try:
        value = parsed(line)
    except ValueError as error:
        raise Malformed(f"JSON ({error})") from None
    if type(value) is not dict or type(value.get("event")) is not str:
        raise Malformed("an object with a kind of event")
    event: Event = SHAPES.get(value["event"], plain)(value)
    return event


def moment(words: object) -> datetime | None:
    """A journal's time, which has a zone; None if it cannot be read or is of no usual year."""
    try:
        time = datetime.fromisoformat(str(words))
    except ValueError:
        return None
    if time.tzinfo is None or not _FIRST_YEAR <= time.year < _LAST_YEAR:
        return None
    return time.astimezone(UTC)


def event_time(event: Event) -> datetime | None:
    """Wall time of an event; None if it has none that can be read."""
    return moment(event.get("time"))


def market_time(event: Event) -> datetime | None:
    """The market's minute that an event is about, unless this machine's clock showed the same.

    In a replay it never does, nor where bars are caught up on. A fill and a trade are about the bar
    of their price, anything else about the last minute that the session knew.
    """
    named = (event.get(name) for name in ("fill_ns", "exit_ns", "market_ns"))
    at_ns = next((found for found in named if type(found) is int), 0)
    wall = event_time(event)
    if not at_ns or wall is None:
        return None
    market = datetime.fromtimestamp(at_ns // SECOND_NS, UTC)
    return market if abs(market - wall) > APART else None
