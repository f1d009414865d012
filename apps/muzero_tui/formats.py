"""Numbers, times and shares as short text."""

from collections.abc import Sequence
from datetime import UTC, datetime

from rich.cells import cell_len, set_cell_size
from rich.text import Text

from mlx_muzero.untrusted.terminal_text import clean_line

_EIGHTHS = " ▏▎▍▌▋▊▉█"
_LEVELS = "▁▂▃▄▅▆▇█"
NOTHING = "-"

_CLOCKS_DIFFER_S = 2.0
"""Two clocks may differ by this much without it meaning anything."""


def age(seconds: float | None) -> str:
    """``4s``, ``3m``, ``2h``, ``5d``; ``in 5d`` if the other clock was ahead."""
    if seconds is None:
        return NOTHING
    if seconds <= -_CLOCKS_DIFFER_S:
        return f"in {age(-seconds)}"
    for unit, size in (("d", 86400), ("h", 3600), ("m", 60)):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f}{unit}"
    return f"{max(seconds, 0):.0f}s"


def duration(seconds: float | None) -> str:
    """``1:02:03``; ``2d 03:04`` when longer than a day."""
    if seconds is None:
        return NOTHING
    hours, rest = divmod(round(seconds), 3600)
    minutes, whole = divmod(rest, 60)
    if hours >= 24:
        return f"{hours // 24}d {hours % 24:02d}:{minutes:02d}"
    return f"{hours}:{minutes:02d}:{whole:02d}"


def number(value: float | None, digits: int = 4) -> str:
    """About `digits` digits: ``12,345``, ``1.234``, ``0.0012``."""
    if value is None:
        return NOTHING
    if isinstance(value, int):
        return f"{value:,}"
    size = abs(value)
    if size >= 10 ** (digits - 1) or value == 0:
        return f"{value:,.0f}"
    if size < 1e-4:
        return f"{value:.1e}"
    whole = len(str(int(size))) if size >= 1 else 0
    return f"{value:,.{max(digits - max(whole, 1), 0)}f}"


def money(value: float | None) -> str:
    """``10,000.00``."""
    return NOTHING if value is None else f"{value:,.2f}"


def signed(value: float | None, digits: int = 2) -> str:
    """With its sign: ``+1.25``."""
    return NOTHING if value is None else f"{round(value, digits) + 0.0:+,.{digits}f}"


def percent(share: float | None, digits: int = 0) -> str:
    """``25%``."""
    return NOTHING if share is None else f"{share:.{digits}%}"


def price(value: float | None) -> str:
    """About six significant digits, whatever the price level."""
    if value is None:
        return NOTHING
    size = abs(value)
    digits = 1 if size >= 10_000 else 2 if size >= 1_000 else 3 if size >= 100 else 5
    return f"{value:,.{digits}f}"


def bar(share: float | None, width: int) -> str:
    """A share of `width` columns, to an eighth of one."""
    eighths = round(min(max(share or 0.0, 0.0), 1.0) * width * 8)
    full, rest = divmod(eighths, 8)
    return ("█" * full + (_EIGHTHS[rest] if rest else "")).ljust(width)


def spark(values: Sequence[float], width: int) -> str:
    """The last `width` values as a row of blocks between their lowest and highest."""
    shown = list(values)[-width:]
    if not shown:
        return " " * width
    low, high = min(shown), max(shown)
    span, top = (high - low) or 1.0, len(_LEVELS) - 1
    blocks = "".join(_LEVELS[round((value - low) / span * top)] for value in shown)
    return blocks.rjust(width)


def clock(ns: int | None, seconds: bool = False) -> str:
    """UTC time of day of nanoseconds since 1970."""
    if ns is None:
        return NOTHING
    moment = datetime.fromtimestamp(ns / 1e9, UTC)
    return moment.strftime("%H:%M:%S" if seconds else "%H:%M")


def day_and_clock(ns: int) -> str:
    """UTC date and time of nanoseconds since 1970."""
    return datetime.fromtimestamp(ns / 1e9, UTC).strftime("%m-%d %H:%M")


def shortened(text: str, width: int) -> str:
    """A name on one line of at most `width` columns, so that it leaves room for others."""
    line = clean_line(text)
    if cell_len(line) <= width:
        return line
    return f"{set_cell_size(line, width - 1).rstrip()}…"


def fitting(parts: Sequence[Text], width: int) -> Text:
    """The first parts that fit into `width` columns together, none of them cut."""
    line = Text(no_wrap=True)
    for part in parts:
        if line.cell_len + part.cell_len > width:
            break
        line.append_text(part)
    return line


def outcome_range(name: str, threshold: float) -> str:
    """The range of price changes that an outcome means."""
    return {"UP": f"> +{threshold:.1f}", "DOWN": f"< -{threshold:.1f}"}.get(
        name, f"±{threshold:.1f}"
    )
