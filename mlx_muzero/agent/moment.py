"""What accounts know of the moment at which they decide, beside observation and position."""

from dataclasses import dataclass

from mlx_muzero.types import I64


@dataclass(frozen=True, eq=False)
class Moment:
    """The moment at which B accounts decide; None where it is not known.

    Attributes:
        minute: ``i64[B]`` minutes since 1970 UTC at which the last known bars opened.
    """

    minute: I64 | None = None


UNKNOWN = Moment()
"""Nothing but observation and position: enough where costs and limits never change."""
