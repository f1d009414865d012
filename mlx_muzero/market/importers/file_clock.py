"""Chooses the clock of a file of bars, and checks it against the file's weeks and days."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.clocks import CLOCK_HELP, UTC_CLOCK, Clock, parse_clock
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.importers.content import ImportRequest
from mlx_muzero.market.importers.screen import Screen
from mlx_muzero.market.importers.source import BarSource
from mlx_muzero.market.instrument import Market
from mlx_muzero.market.store.import_table import ImportRecord
from mlx_muzero.market.store.location import in_store
from mlx_muzero.market.week_edges import Stamps, WeekEdges
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64
from mlx_muzero.words import command


@dataclass(frozen=True)
class FileClock:
    """Converts a file's stamps to the UTC opens of its bars.

    Attributes:
        rule: the file's clock.
        stamps: whether bars are stamped at their open or close.
        note: how the clock was detected, if it was.
    """

    rule: Clock
    stamps: Stamps
    note: str | None = None

    def opens(self, wall_ns: I64) -> I64:
        """UTC bar opens of the stamps, both ``i64[T]``."""
        late = MINUTE_NS if self.stamps == "close" else 0
        return self.rule.to_utc(wall_ns) - late

    def describe(self, first_ns: int | None, last_ns: int | None) -> str:
        """The rule in words, limited to what applies to a file of that period (wall times)."""
        text = self.rule.describe(first_ns or 0, last_ns or 0)
        return f"{text}, stamped at the close" if self.stamps == "close" else text


def clock_of(
    path: Path, source: BarSource, given: str | None, market: Market, choices: Choices
) -> FileClock:
    """The clock of `source`: the given one, that of its format, or one detected from its weeks.

    Raises:
        DataError: there is none, or one is given for times that already include their zone.
    """
    stamps = choices.stamps or source.stamps or "open"
    if source.zoned:
        if given is not None and parse_clock(given) != UTC_CLOCK:
            raise DataError(
                f"{path}: each of its times is already a moment in UTC, so the clock {given} "
                "does not apply: leave --clock out"
            )
        return FileClock(UTC_CLOCK, stamps)
    if given is not None or source.clock is not None:
        return FileClock(parse_clock(str(given or source.clock)), stamps)
    if market == "fx":
        weeks = WeekEdges()
        first = source.symbols[0] if source.symbols else None
        for chunk in source.chunks():
            if chunk.symbol == first:
                weeks.see(chunk.wall_ns)
        found = weeks.clock()
        if found is not None:
            note = f"clock {found.name} detected from the hours at which weeks close and open"
            return FileClock(found, stamps, note)
    raise DataError(
        f"{path}: a {source.format} file does not state its clock, and its weekends do not show it:"
        f" name it with --clock ({CLOCK_HELP})"
    )


def require_own_weeks(
    path: Path,
    screen: Screen,
    source: BarSource,
    clock: FileClock,
    weeks: WeekEdges,
    choices: Choices,
) -> None:
    """Raise DataError if the file's weeks contradict `clock`, unless that is accepted.

    Args:
        path: the file.
        screen: the screened rows of one symbol.
        source: the file's rows.
        clock: the clock with which it was read.
        weeks: the weeks seen in the file.
        choices: the user's overrides.
    """
    if choices.accept_clock:
        return
    symbol, is_fx = screen.symbol, screen.market == "fx"
    shown = weeks.contradict(clock.rule) if is_fx else None
    if shown is not None:
        read = clock.rule.describe(weeks.first_ns or 0, weeks.last_ns or 0)
        way = f"import it with --clock {shown.name}"
        if source.zoned:
            way = "correct its time zone at the source"
        elif source.clock and weeks.contradict(parse_clock(source.clock)) is None:
            way = f"leave --clock out ({source.format} files have the clock {source.clock})"
        raise DataError(
            f"{path}: refused, the store is unchanged: the weeks of {symbol} close and open as on"
            f" the clock {shown.name}, not on {read}:"
            f" {way}, or, if it keeps other hours, take it as it is with --accept-clock"
        )


def require_own_stamps(
    path: Path, symbol: str, clock: FileClock, shown: Stamps | None, choices: Choices
) -> None:
    """Raise DataError if a file's bars are evidently stamped elsewhere than `clock` assumes.

    Args:
        path: the file.
        symbol: the symbol.
        clock: the clock with which it was read.
        shown: where its bars are stamped, according to its content.
        choices: the user's overrides.
    """
    if choices.accept_clock:
        return
    if shown == "close" and clock.stamps == "open" and choices.stamps is None:
        raise DataError(
            f"{path}: refused, the store is unchanged: the bars of {symbol} look stamped at their"
            " close (the last of a week at 17:00 New York time, whole days from 00:01 to 00:00, or"
            " volume that rises a minute after every quarter of an hour), which would be a minute"
            " late: say --stamps close, or --stamps open if not"
        )
    if shown == "open" and clock.stamps == "close":
        way = "leave --stamps out" if choices.stamps else "say --stamps open"
        raise DataError(
            f"{path}: refused, the store is unchanged: the bars of {symbol} are stamped at their"
            " open (the first of a week at 17:00 New York time, whole days from 00:00 to 23:59, or"
            f" volume that rises with every quarter of an hour), not at their close: {way},"
            " or take it as it is with --accept-clock"
        )


def ambiguous_stamps_note(symbols: Sequence[str], store: Path) -> str:
    """A warning for files in which neither format nor content tells where bars are stamped.

    Args:
        symbols: the symbols, as spelled in the store.
        store: the store the bars were imported into.
    """
    name = symbols[0] if len(symbols) == 1 else "SYMBOL"
    remove = command("data", "remove", name, "--from", "TIME", "--to", "TIME", *in_store(store))
    return (
        f"nothing tells whether the bars of {', '.join(symbols)} are stamped at their open or their"
        " close, and they were taken as stamped at their open. If that is wrong, each is a minute"
        f" late: take them back ({remove}) and import the file with --stamps close; --stamps open"
        " if it is right"
    )


def require_same_clock(request: ImportRequest, earlier: ImportRecord) -> None:
    """Raise DataError if a stored file was imported with another clock than the one now given."""
    given, choices = request.clock, request.choices
    if given is None and choices.stamps is None:
        return
    was_close = earlier.clock.endswith("stamped at the close")
    stamps = choices.stamps or ("close" if was_close else "open")
    if given is None:
        same, now = was_close == (stamps == "close"), f"stamps at the {stamps}"
    else:
        now = FileClock(parse_clock(given), stamps).describe(earlier.first_ns, earlier.last_ns)
        same = now == earlier.clock
    if not same:
        period, there = ("--from", "TIME", "--to", "TIME"), in_store(request.database)
        remove = command("data", "remove", earlier.symbol, *period, *there)
        raise DataError(
            f"{request.path}: already imported with clock {earlier.clock}: to have it with {now},"
            f" first take those bars back ({remove}), or import it under another symbol"
        )
