"""What a download did, symbol by symbol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlx_muzero.errors import MuZeroError
from mlx_muzero.market.series import SeriesMerge


@dataclass(frozen=True)
class DownloadReport:
    """One symbol; times are UTC nanoseconds.

    Attributes:
        symbol: as the store writes it.
        venue: where it comes from.
        pair: the venue's name of it.
        first_ns: open of the first minute that was asked for; None where all had been before.
        end_ns: every minute asked for opens before it.
        inserted: bars that were new.
        duplicates: bars that the store had, with the same values.
        filled: bars of the store that got a column they lacked.
        conflicts: bars that the store has with other values, which stay.
        replaced: bars of the store that gave way.
        rejected: bars that were left out, by reason.
        missing: minutes of an open market that the venue has no bar of, asked twice.
        requests: how often the venue was asked for bars.
        seconds: wall time.
        series: what became of the points of each series.
        notes: what else the user should know.
    """

    symbol: str
    venue: str
    pair: str
    first_ns: int | None = None
    end_ns: int | None = None
    inserted: int = 0
    duplicates: int = 0
    filled: int = 0
    conflicts: int = 0
    replaced: int = 0
    rejected: Mapping[str, int] = field(default_factory=dict)
    missing: int = 0
    requests: int = 0
    seconds: float = 0.0
    series: Mapping[str, SeriesMerge] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DownloadFailure:
    """A symbol that was not downloaded to its end; what came of it before is stored.

    Attributes:
        name: as it was asked for.
        error: why.
    """

    name: str
    error: MuZeroError
