"""The results of a download, symbol by symbol."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from mlx_muzero.errors import MuZeroError
from mlx_muzero.market.series import SeriesMerge


@dataclass(frozen=True)
class DownloadReport:
    """One symbol's download; times are UTC nanoseconds.

    Attributes:
        symbol: as the store writes it.
        venue: where it comes from.
        pair: its name at the venue.
        first_ns: open of the first requested minute; None if all had been requested before.
        end_ns: end of the requested minutes (exclusive).
        inserted: new bars.
        duplicates: bars already stored with the same values.
        filled: stored bars that got a column they lacked.
        conflicts: bars already stored with other values, which stay.
        replaced: stored bars that were replaced.
        rejected: bars that were left out, by reason.
        missing: minutes of an open market without a bar at the venue, even when requested twice.
        gaps: the longest runs of those minutes, as start and end.
        requests: number of requests for bars.
        seconds: wall time.
        series: counts of the points of each series.
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
    gaps: tuple[tuple[int, int], ...] = ()
    requests: int = 0
    seconds: float = 0.0
    series: Mapping[str, SeriesMerge] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True)
class DownloadFailure:
    """A symbol whose download failed; everything up to then is stored.

    Attributes:
        name: as the user wrote it.
        error: why it failed.
    """

    name: str
    error: MuZeroError
