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

    def later(self, account: I64, bars: I64) -> "Moment":
        """The moments at which accounts ``i64[n]`` decide so many bars ``i64[n]`` later."""
        return Moment(None if self.minute is None else self.minute[account] + bars)


UNKNOWN = Moment()
"""Nothing but observation and position: enough where costs and limits never change."""
