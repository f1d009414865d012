"""`mlx-muzero data download` and `data update`: bars from exchanges and dealers into the store."""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Optional

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion
from muzero_cli.display.console import echo, narration_console, say
from muzero_cli.failures import STOPPED_EXIT_CODE, answer, described
from muzero_cli.options import Database, Json

if TYPE_CHECKING:
    from mlx_muzero.download.job import Result, Wish
    from mlx_muzero.download.report import DownloadReport
    from mlx_muzero.market.importers.choices import Choices

Replace = Annotated[
    bool,
    typer.Option("--replace", help="Download everything again, and replace bars that differ."),
]
AcceptJump = Annotated[
    bool,
    typer.Option("--accept-jump", help="Accept prices that do not continue from the stored ones."),
]


def download_symbols(
    venue: Annotated[
        str,
        typer.Argument(metavar="EXCHANGE", help="ccxt's name of an exchange, or oanda."),
    ],
    symbols: Annotated[
        list[str], typer.Argument(metavar="SYMBOL...", help="Pairs, such as BTCUSDT or BTC/USDT.")
    ],
    first: Annotated[str, typer.Option("--from", metavar="DATE", help="First day, UTC.")],
    end: Annotated[
        Optional[str],
        typer.Option("--to", metavar="DATE", help="End of the period, UTC (default: now)."),
    ] = None,
    with_: Annotated[
        Optional[str],
        typer.Option(
            "--with", help="Comma-separated series to download too: funding, open-interest."
        ),
    ] = None,
    replace: Replace = False,
    accept_jump: AcceptJump = False,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Download minute bars into the bar store; repeating the command continues the download.

    If one of several symbols fails, the others are downloaded.
    """
    from mlx_muzero.download.job import Wish
    from mlx_muzero.market.importers.choices import Choices

    first_ns, end_ns = _time(first, "--from"), None if end is None else _time(end, "--to")
    if end_ns is not None and end_ns <= first_ns:
        raise typer.BadParameter(f"--to {end} is not after --from {first}")
    series = _series(with_)
    wishes = [Wish(name, first_ns, end_ns, series) for name in dict.fromkeys(symbols)]
    choices = Choices(replace=replace, accept_jump=accept_jump)
    _tell(_downloaded(db, {venue: wishes}, choices), as_json)


def update_symbols(
    symbols: Annotated[
        Optional[list[str]],
        typer.Argument(
            metavar="[SYMBOL]...",
            help="Downloaded symbols (default: all).",
            autocompletion=completion.symbols,
        ),
    ] = None,
    replace: Replace = False,
    accept_jump: AcceptJump = False,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Bring downloaded symbols up to date, each from its own source."""
    from mlx_muzero.download.into_store import downloaded_before
    from mlx_muzero.market.importers.choices import Choices

    choices = Choices(replace=replace, accept_jump=accept_jump)
    _tell(_downloaded(db, downloaded_before(db, symbols or ()), choices), as_json)


def _series(text: str | None) -> tuple[str, ...]:
    """The series that ``--with`` names."""
    from mlx_muzero.market.series import FUNDING_RATE, OPEN_INTEREST

    names = {"funding": FUNDING_RATE, "open-interest": OPEN_INTEREST}
    wanted = [name.strip().lower() for name in (text or "").split(",") if name.strip()]
    if unknown := [name for name in wanted if name not in names]:
        raise typer.BadParameter(f"--with {', '.join(unknown)}: choose from {', '.join(names)}")
    return tuple(dict.fromkeys(names[name] for name in wanted))


def _time(text: str, option: str) -> int:
    from mlx_muzero.market.bars import utc_ns

    try:
        return utc_ns(text)
    except ValueError as error:
        raise typer.BadParameter(f"{option}: {error}") from None


def _downloaded(db: Path, wishes: "dict[str, list[Wish]]", choices: "Choices") -> "list[Result]":
    """Download the wishes, by venue, showing progress; returns the result of each."""
    from mlx_muzero.download.into_store import download_into
    from mlx_muzero.download.job import Listener
    from muzero_cli.display.downloads import DownloadProgress

    try:
        with DownloadProgress() as progress:
            return download_into(db, wishes, choices, Listener(progress.update, progress.say))
    except KeyboardInterrupt:
        say(narration_console(), "stopped; the same command continues from there")
        raise typer.Exit(STOPPED_EXIT_CODE) from None


def _tell(results: "Sequence[Result]", as_json: bool) -> None:
    """Print the result of each symbol, and exit with the code of the first failure, if any."""
    from mlx_muzero.download.report import DownloadFailure

    failures = [result for result in results if isinstance(result, DownloadFailure)]
    if failures and len(results) == 1:
        raise failures[0].error
    if as_json:
        answer([_as_dict(result) for result in results])
    else:
        for result in results:
            if not isinstance(result, DownloadFailure):
                _print(result)
    for failure in failures:
        say(narration_console(), f"not downloaded: {failure.name}: {failure.error}")
    if failures:
        raise typer.Exit(failures[0].error.exit_code)


def _as_dict(result: "Result") -> dict[str, Any]:
    from mlx_muzero.download.report import DownloadFailure

    if isinstance(result, DownloadFailure):
        error = result.error
        return {"symbol": result.name} | described(error.code, error.exit_code, str(error))
    return asdict(result)


def _print(report: "DownloadReport") -> None:
    from mlx_muzero.market.bars import utc_text
    from mlx_muzero.timeunits import MINUTE_NS

    head = f"{report.symbol} from {report.venue} {report.pair}"
    if report.first_ns is None or report.end_ns is None:
        echo(f"{head}: nothing new, everything was requested before")
    else:
        echo(
            f"{head}, {utc_text(report.first_ns)} to {utc_text(report.end_ns)} UTC:"
            f" {report.inserted:,} new bars, {report.duplicates:,} duplicates,"
            f" {report.conflicts:,} conflicts, {report.replaced:,} replaced,"
            f" {sum(report.rejected.values()):,} rejected, {report.missing:,} minutes without a bar"
            f" at {report.venue}, {report.requests:,} requests, {report.seconds:.1f} s"
        )
    if report.gaps:
        shown = (f"{utc_text(a)} ({(b - a) // MINUTE_NS:,} min)" for a, b in report.gaps)
        echo(f"  longest gaps: {', '.join(shown)}")
    for name, merge in report.series.items():
        echo(
            f"{head} {name}: {merge.inserted:,} new points, {merge.duplicates:,} duplicates,"
            f" {merge.conflicts:,} conflicts, {merge.replaced:,} replaced"
        )
    for note in report.notes:
        say(narration_console(), f"{report.symbol}: {note}")
