"""Interprets HTTP status codes and headers of venues; reports missing packages."""

from collections.abc import Mapping
from datetime import UTC
from email.utils import parsedate_to_datetime

from mlx_muzero.errors import FeedError
from mlx_muzero.timeunits import SECOND_NS


def is_outage(status: int) -> bool:
    """Whether a status means "ask again later" rather than "the request is wrong".

    Redirects count too: venues send none, but networks that require a login do.
    """
    return 300 <= status < 400 or status in (408, 418, 425, 429) or status >= 500


def date_ns(headers: Mapping[str, str]) -> int | None:
    """The ``Date`` header: when the answer was made, to the second; None if absent."""
    return _http_date_ns(headers.get("Date", ""))


def retry_after_ns(headers: Mapping[str, str]) -> int | None:
    """The ``Retry-After`` header, in seconds or as a date; None if absent or unreadable."""
    text = headers.get("Retry-After", "")
    if text.isascii() and text.isdigit():
        return int(text[:9]) * SECOND_NS  # nine digits are decades
    until_ns, now_ns = _http_date_ns(text), date_ns(headers)
    return None if until_ns is None or now_ns is None else max(until_ns - now_ns, 0)


def missing_extra(package: str) -> FeedError:
    """The error for a feed whose package is not installed."""
    return FeedError(f"{package} is not installed: pip install 'mlx_muzero[paper]'")


def _http_date_ns(text: str) -> int | None:
    try:
        time = parsedate_to_datetime(text)
        if time.tzinfo is None:  # "-0000" means an unknown zone
            time = time.replace(tzinfo=UTC)
        return int(time.timestamp()) * SECOND_NS
    except (ValueError, OverflowError):
        return None
