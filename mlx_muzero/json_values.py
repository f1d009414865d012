"""Values that fit JSON, and JSON that may be anybody's."""

import json
import math
from typing import Any


def finite(value: Any) -> Any:
    """`value` with NaN and infinities, which JSON lacks, as None."""
    if isinstance(value, dict):
        return {key: finite(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [finite(item) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value


def parsed(text: str | bytes) -> Any:
    """What JSON says.

    Raises:
        ValueError: it is no JSON, or nested too deeply to be read.
    """
    try:
        return json.loads(text)
    except RecursionError as error:
        raise ValueError("it is nested too deeply") from error
