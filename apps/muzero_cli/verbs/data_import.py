"""`mlx-muzero data import`: import files and folders into the bar store."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from mlx_muzero.words import counted
from muzero_cli import completion
from muzero_cli.display.console import echo, narration_console, say
from muzero_cli.failures import answer, described
from muzero_cli.options import Database, Json

if TYPE_CHECKING:
    from mlx_muzero.market.importers import Choices, Failure, ImportBatch, ImportReport
    from mlx_muzero.market.importers.report import Progress

REJECTED_SHOWN = 10
PASSED_OVER_SHOWN = 3
_BARS_KEPT = 20
"""With at least this many files, a file's progress bar disappears when it is done."""


def import_files(
    paths: Annotated[
        list[Path],
        typer.Argument(
            metavar="FILE...",
            help="CSV, JSON, bi5, feather, Parquet or DuckDB files, packed or not, or folders of"
            " them.",
        ),
    ],
    symbol: Annotated[
        str | None,
        typer.Option(
            help="Symbol, or the name of a macro series (default: taken from the file).",
            autocompletion=completion.symbols,
        ),
    ] = None,
    format_name: Annotated[
        str | None, typer.Option("--format", help="File format (default: detected).")
    ] = None,
    clock: Annotated[
        str | None,
        typer.Option(help="Time zone of the files: UTC, UTC+2, an IANA zone, or histdata."),
    ] = None,
    replace: Annotated[
        bool,
        typer.Option("--replace", help="Replace stored bars and points where a file differs."),
    ] = False,
    skip_bad_rows: Annotated[
        bool,
        typer.Option(
            "--skip-bad-rows", help="Import the good rows of a file, however many are bad."
        ),
    ] = False,
    stamps: Annotated[
        Literal["open", "close"] | None,
        typer.Option(
            help="Whether bars are stamped at their open or close (default: open, unless the file "
            "shows otherwise)."
        ),
    ] = None,
    accept_clock: Annotated[
        bool,
        typer.Option(
            "--accept-clock", help="Trust the given clock even if the file's weeks contradict it."
        ),
    ] = False,
    accept_jump: Annotated[
        bool,
        typer.Option(
            "--accept-jump", help="Accept prices that do not continue from the stored ones."
        ),
    ] = False,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="COLUMN=NAME,...",
            help="Columns of a text file with other names than usual: time=Stamp,open=First, by"
            " name or number.",
        ),
    ] = None,
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Import files into the bar store; importing a file again changes nothing.

    If one of several files fails, the others are imported; the exit code is the first failure's.
    """
    from mlx_muzero.market.importers import Choices, ImportBatch, parse_columns

    chosen = () if columns is None else tuple(parse_columns(columns).items())
    choices = Choices(replace, skip_bad_rows, stamps, accept_clock, accept_jump, chosen)
    batch = ImportBatch.of(paths, db)
    results = _imported(batch, db, symbol, format_name, clock, choices)
    _tell(batch, results, as_json)


def _imported(
    batch: "ImportBatch",
    db: Path,
    symbol: str | None,
    format_name: str | None,
    clock: str | None,
    choices: "Choices",
) -> "list[ImportReport | Failure]":
    """Import the files, showing progress and failures; returns the result of each."""
    from rich import progress as bars

    from mlx_muzero.market.importers import Failure
    from mlx_muzero.market.importers.into_store import import_batch
    from muzero_cli.display.progress import VerbProgress
    from muzero_cli.display.terminal import PlainColumn

    columns = (PlainColumn("{task.description}"), bars.BarColumn(), bars.TaskProgressColumn())
    console = narration_console()
    known = {""}
    # Without a terminal, bars would be printed as lines, an empty one for a file that failed.
    shown = bars.Progress(
        *columns, bars.TimeElapsedColumn(), console=console, disable=not console.is_terminal
    )
    with shown as progress:

        def with_bar(
            path: Path, import_one: "Callable[[Progress], ImportReport]"
        ) -> "ImportReport":
            task = progress.add_task(path.name)
            lines = None if console.is_terminal else VerbProgress(f"{path.name}:", console=console)

            def show(done: int, total: int) -> None:
                progress.update(task, completed=done, total=total)
                if lines is not None:
                    lines.reach(done, total)

            try:
                report = import_one(show)
            except BaseException:
                progress.remove_task(task)  # a full bar would look like success
                raise
            progress.update(task, completed=1, total=1, visible=len(batch.files) < _BARS_KEPT)
            return report

        def show_failure(result: "ImportReport | Failure") -> None:
            if isinstance(result, Failure) and len(batch.files) > 1:
                # Print once what is the same for many files, such as the list of known formats.
                first, _, rest = str(result.error).partition("\n")
                more = f"\n{rest}" if rest not in known else " as above" if rest else ""
                say(console, f"not imported: {first}{more}")
                known.add(rest)

        return import_batch(batch, db, symbol, format_name, clock, choices, with_bar, show_failure)


def _tell(batch: "ImportBatch", results: "list[ImportReport | Failure]", as_json: bool) -> None:
    """Print the result of every file, and exit with the code of the first failure, if any."""
    from mlx_muzero.market.importers import Failure

    failures = [result for result in results if isinstance(result, Failure)]
    if failures and len(batch.files) == 1:
        raise failures[0].error
    if as_json:
        answer([_as_dict(result) for result in results])
    else:
        for result in results:
            if not isinstance(result, Failure):
                _print_import(result)
    if len(batch.files) > 1 or batch.passed_over:
        _print_batch(batch, results)
    if failures:
        raise typer.Exit(failures[0].error.exit_code)


def _as_dict(result: "ImportReport | Failure") -> dict[str, Any]:
    from mlx_muzero.market.importers import Failure

    if isinstance(result, Failure):
        error = result.error
        return {"file": str(result.path)} | described(error.code, error.exit_code, str(error))
    return asdict(result)


def _print_batch(batch: "ImportBatch", results: "list[ImportReport | Failure]") -> None:
    from mlx_muzero.market.importers import Failure

    reports = [result for result in results if not isinstance(result, Failure)]
    failed = [result for result in results if isinstance(result, Failure)]
    again = sum(report.already_imported for report in reports)
    say(
        narration_console(),
        f"{counted(len(results), 'file')}: {len(reports) - again:,} imported, {again:,} already "
        f"there, {len(failed):,} not imported{':' if failed else ''}",
    )
    for failure in failed:
        say(narration_console(), f"  {failure.path}")
    if batch.passed_over:
        names = [path.name for path in batch.passed_over[:PASSED_OVER_SHOWN]]
        more = ", ..." if len(batch.passed_over) > PASSED_OVER_SHOWN else ""
        skipped = counted(len(batch.passed_over), "file")
        were = "was" if len(batch.passed_over) == 1 else "were"
        say(
            narration_console(),
            f"  {skipped} of other kinds {were} skipped"
            f" ({', '.join(names)}{more}); name one to import it",
        )


def _print_import(report: "ImportReport") -> None:
    from mlx_muzero.market.bars import utc_text

    what = ", ".join(report.symbols) + (f" {', '.join(report.series)}" if report.series else "")
    head = f"{report.file}: {what} ({report.format}, clock {report.clock})"
    if report.already_imported:
        echo(f"{head}: already imported, nothing changed")
        return
    echo(
        f"{head}: {report.rows:,} rows, {report.inserted:,} new, {report.duplicates:,} duplicates,"
        f" {report.filled:,} completed, {report.conflicts:,} conflicts,"
        f" {report.replaced:,} replaced, {report.rejected_count:,} rejected, {report.seconds:.1f} s"
    )
    if report.first_ns is not None and report.last_ns is not None:
        echo(f"  from {utc_text(report.first_ns)} to {utc_text(report.last_ns)} UTC")
    for one in report.by_symbol:
        echo(
            f"  {one.symbol}: {one.rows:,} rows, {one.inserted:,} new, {one.rejected:,} rejected"
            + (f", from {utc_text(one.first_ns)}" if one.first_ns is not None else "")
            + (f" to {utc_text(one.last_ns)}" if one.last_ns is not None else "")
        )
    for note in report.notes:
        echo(f"  note: {note}")
    for row in report.rejected[:REJECTED_SHOWN]:
        echo(f"  rejected: {report.file}:{row.line}: {row.reason}: {row.text}")
    if report.rejected_count > REJECTED_SHOWN:
        echo(f"  and {report.rejected_count - REJECTED_SHOWN:,} more")
