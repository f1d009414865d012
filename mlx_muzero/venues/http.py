"""What venues say in HTTP headers, and what to say without the package that speaks it."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from mlx_muzero.errors import FeedError
from mlx_muzero.timeunits import SECOND_NS


def is_outage(status: int) -> bool:
    """Whether an answer with this status says to ask again later, not that the question is wrong.

    So does a redirect: venues' answers are none, but a network that wants a login makes them.
    """
    return 300 <= status < 400 or status in (408, 418, 425, 429) or status >= 500


def date_ns(headers: Mapping[str, str]) -> int | None:
    """The ``Date`` header: when the answer was made, in whole seconds; None without one."""
    return _http_date_ns(headers.get("Date", ""))


def retry_after_ns(headers: Mapping[str, str]) -> int | None:
    """The ``Retry-After`` header, seconds or a date; None where there is none to be read."""
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return int(text[:9]) * SECOND_NS  # which is decades
    until_ns, now_ns = _http_date_ns(text), date_ns(headers)
    return None if until_ns is None or now_ns is None else max(until_ns - now_ns, 0)


def missing_extra(package: str) -> FeedError:
    """The error for a feed whose package is not installed."""
    return FeedError(f"{package} is not installed: pip install 'mlx_muzero[paper]'")


def _http_date_ns(text: str) -> int | None:
    try:
        time = parsedate_to_datetime(text)
        if time.tzinfo is None:  # "-0000": a zone nobody vouches for
            time = time.replace(tzinfo=UTC)
        return int(time.timestamp()) * SECOND_NS
    except (ValueError, OverflowError):
        return None
