"""Bars in memory, and the rule that decides whether a bar's prices are possible."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from enum import IntEnum
from typing import Any

import numpy as np
import numpy.typing as npt

from mlx_muzero.types import F64, I8, I64

_FIRST_YEAR, _LAST_YEAR = 1678, 2261  # whole years within 64-bit nanoseconds

PRICE_COLUMNS = ("open", "high", "low", "close")
BAR_COLUMNS = (*PRICE_COLUMNS, "volume")


class Fault(IntEnum):
    """Why a bar is impossible; 0 means it is possible."""

    NONE = 0
    NOT_FINITE = 1
    NOT_POSITIVE = 2
    BAD_ORDER = 3
    BAD_VOLUME = 4

    @property
    def text(self) -> str:
        """The fault in words, for reports."""
        return {
            Fault.NONE: "no fault",
            Fault.NOT_FINITE: "a price is not a finite number",
            Fault.NOT_POSITIVE: "a price is zero or negative",
            Fault.BAD_ORDER: "open or close outside low to high",
            Fault.BAD_VOLUME: "the volume is negative or infinite",
        }[self]


@dataclass(frozen=True, eq=False)
class Bars:
    """Minute bars of one symbol in time order; the arrays are read-only.

    Attributes:
        symbol: the instrument's name in the bar store.
        open_time_ns: ``i64[T]`` strictly increasing UTC bar opens.
        open: ``f64[T]`` first price of the bar (bid, where the source quotes bid and ask).
        high: ``f64[T]`` highest price.
        low: ``f64[T]`` lowest price.
        close: ``f64[T]`` last price.
        volume: ``f64[T]`` traded volume or ticks, NaN where unknown.
        extras: any further columns requested, by name, each ``f64[T]``, NaN where unknown; they are
            sliced with the bars.

    Raises:
        ValueError: the arrays differ in length, or the times do not increase.
    """

    symbol: str
    open_time_ns: I64
    open: F64
    high: F64
    low: F64
    close: F64
    volume: F64
    extras: Mapping[str, F64] = field(default_factory=dict, kw_only=True)

    def __post_init__(self) -> None:
        """Freeze the arrays and check the invariants that users of bars rely on."""
        frozen: dict[str, Any] = {
            "open_time_ns": _frozen("open_time_ns", self.open_time_ns, np.int64)
        }
        columns = {name: getattr(self, name) for name in BAR_COLUMNS} | dict(self.extras)
        for name, values in columns.items():
            frozen[name] = _frozen(name, values, np.float64)
            if frozen[name].shape != frozen["open_time_ns"].shape:
                raise ValueError(
                    f"{name} has {frozen[name].shape} bars, "
                    f"open_time_ns {frozen['open_time_ns'].shape}"
                )
        frozen["extras"] = {name: frozen.pop(name) for name in self.extras}
        for name, values in frozen.items():
            object.__setattr__(self, name, values)
        late = np.flatnonzero(np.diff(self.open_time_ns) <= 0)
        if late.size:
            raise ValueError(f"bar times of {self.symbol} do not increase at row {late[0] + 1}")

    def __len__(self) -> int:
        """Number of bars (T)."""
        return len(self.open_time_ns)

    def slice(self, start: int, stop: int) -> "Bars":
        """Bars with indices `start` to `stop` (exclusive), sharing memory."""
        part = slice(start, stop)
        columns: dict[str, Any] = {
            name: getattr(self, name)[part] for name in ("open_time_ns", *BAR_COLUMNS)
        }
        extras = {name: values[part] for name, values in self.extras.items()}
        return replace(self, **columns, extras=extras)

    def between(self, start_ns: int, end_ns: int) -> "Bars":
        """Bars that open in [start_ns, end_ns), sharing memory."""
        start, stop = np.searchsorted(self.open_time_ns, [start_ns, end_ns])
        return self.slice(int(start), int(stop))


def price_faults(open_: F64, high: F64, low: F64, close: F64, volume: F64 | None = None) -> I8:
    """The fault of each bar, if any.

    Args:
        open_: ``f64[T]`` opens.
        high: ``f64[T]`` highs.
        low: ``f64[T]`` lows.
        close: ``f64[T]`` closes.
        volume: ``f64[T]`` volumes, NaN where unknown; None skips the check.

    Returns:
        ``i8[T]`` of `Fault`; of several, the first of not finite, not positive, order, volume.
    """
    faults = np.zeros(len(close), np.int8)
    if volume is not None:
        faults[(volume < 0) | np.isinf(volume)] = Fault.BAD_VOLUME
    faults[(high < np.maximum(open_, close)) | (low > np.minimum(open_, close))] = Fault.BAD_ORDER
    faults[np.minimum(np.minimum(open_, close), np.minimum(high, low)) <= 0] = Fault.NOT_POSITIVE
    faults[~np.isfinite(open_ + high + low + close)] = Fault.NOT_FINITE
    return faults


def utc_text(time_ns: int) -> str:
    """`time_ns` as ``YYYY-MM-DD HH:MM`` UTC, for messages."""
    return str(np.datetime64(int(time_ns), "ns").astype("datetime64[m]")).replace("T", " ")


def utc_ns(text: str) -> int:
    """Nanoseconds since 1970 of an ISO 8601 time, which is UTC if it has no offset.

    Raises:
        ValueError: `text` is not such a time; the message shows how to write one.
    """
    try:
        time = datetime.fromisoformat(text)
        if not _FIRST_YEAR <= time.year <= _LAST_YEAR:
            raise ValueError(f"the year must be {_FIRST_YEAR} to {_LAST_YEAR}")
    except ValueError as error:
        wanted = "write 2015-01-01 or 2015-01-01T22:00, which is UTC"
        raise ValueError(f"{text!r} is not a time: {wanted}") from error
    if time.tzinfo is None:
        time = time.replace(tzinfo=UTC)
    return (time - datetime.fromtimestamp(0, UTC)) // timedelta(microseconds=1) * 1000


def _frozen(name: str, values: npt.ArrayLike, dtype: npt.DTypeLike) -> npt.NDArray[Any]:
    array = np.ascontiguousarray(values, dtype).view()
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, has shape {array.shape}")
    array.flags.writeable = False
    return array
