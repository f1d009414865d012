"""Makes values valid for JSON, and parses untrusted JSON."""

import json
import math
from typing import Any


def finite(value: Any) -> Any:
    """`value` with NaN and infinities, which JSON lacks, replaced by None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def strict_json(value: Any, separators: tuple[str, str] | None = None) -> str:
    """The JSON text of `finite(value)`, which copies it only if something is not finite."""
    try:
        return json.dumps(value, allow_nan=False, separators=separators)
    except ValueError:
        return json.dumps(finite(value), allow_nan=False, separators=separators)


def in_unit(facts: dict[str, Any], unit: str) -> dict[str, Any]:
    """`facts` with pips in keys replaced by `unit`: ``net_pips`` of a run in bps is ``net_bps``."""

    def named(key: Any) -> Any:
        # A key may be a number too: JSON turns it into text.
        if not isinstance(key, str):
            return key
        return "_".join(unit if word == "pips" else word for word in key.split("_"))

    def within(value: Any) -> Any:
        if isinstance(value, dict):
            return in_unit(value, unit)
        return [within(each) for each in value] if isinstance(value, list) else value

    return {named(key): within(value) for key, value in facts.items()}


def parsed(text: str | bytes) -> Any:
    """Parse JSON.

    Raises:
        ValueError: it is not JSON, or nested too deeply.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
