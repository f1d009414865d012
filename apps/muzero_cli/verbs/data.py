"""`mlx-muzero data`: get, list and check minute bars and the series that accompany them."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import answer
from muzero_cli.options import Database, Json
from muzero_cli.verbs.data_download import download_symbols, update_symbols
from muzero_cli.verbs.data_import import import_files
from muzero_cli.verbs.data_symbols import in_words, instrument, remove, rename
from muzero_cli.verbs.synthetic import synth

if TYPE_CHECKING:
    from mlx_muzero.market.quality import QualityReport
    from mlx_muzero.market.quote_quality import SpreadReport
    from mlx_muzero.market.series_quality import SeriesReport

app = typer.Typer(
    no_args_is_help=True,
    help="Import, download, list and check minute bars and the series that accompany them.",
)


@app.command("list")
def list_symbols(db: Database = DEFAULT_DATABASE, as_json: Json = False) -> None:
    """List the symbols in the bar store and the series that accompany their bars."""
    from rich.table import Table

    from mlx_muzero.market.bars import utc_text
    from mlx_muzero.market.inventory import inventory

    held = inventory(db)
    if held.note:
        say(narration_console(), f"note: {held.note}")
    if as_json:
        answer(held.as_dict())
        return
    table = Table("symbol", "bars", "first (UTC)", "last (UTC)", "trades", "has", "from")
    for s in held.symbols:
        known = {
            "volume": s.has_volume,
            "taker": s.has_taker,
            "ask": s.has_ask,
            "known truth": s.synthetic,
        }
        has = ", ".join(name for name, there in known.items() if there)
        span = utc_text(s.first_ns), utc_text(s.last_ns)
        trades = in_words(held.instruments[s.symbol])
        origin = held.origins.get(s.symbol)
        source = "made" if s.synthetic else origin.venue if origin else "files"
        table.add_row(s.symbol, f"{s.bars:,}", *span, trades, has, source)
    output_console().print(table)
    if held.series:
        table = Table("symbol", "series", "points", "first (UTC)", "last (UTC)")
        for series in held.series:
            first, last = utc_text(series.first_ns), utc_text(series.last_ns)
            table.add_row(series.symbol, series.name, f"{series.points:,}", first, last)
        output_console().print(table)
    if held.kept:
        (folder,) = {path.parent for path in held.kept}
        say(
            output_console(),
            f"features kept for training: {sum(held.kept.values()) / 1e9:.1f} GB in {folder}, "
            "which you may delete",
        )


@app.command("check")
def check(
    symbol: Annotated[
        str, typer.Argument(help="Symbol in the bar store.", autocompletion=completion.symbols)
    ],
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Report one symbol's gaps by cause, impossible prices, outliers, spreads, and its series."""
    from mlx_muzero.market.inventory import check_symbol

    found = check_symbol(db, symbol)
    if found.note:
        say(narration_console(), f"note: {found.note}")
    if as_json:
        answer(found.as_dict())
        return
    if found.bars is not None:
        _print_quality(found.bars)
    if found.spreads is not None:
        _print_spreads(found.spreads)
    if found.series:
        _print_series(found.series)
    for file, options in found.accepted.items():
        say(output_console(), f"{file} was imported with {', '.join(options)}")


app.command("import")(import_files)
app.command("download")(download_symbols)
app.command("update")(update_symbols)
app.command("synth")(synth)
app.command("instrument")(instrument)
app.command("rename")(rename)
app.command("remove")(remove)


def _print_series(reports: "Sequence[SeriesReport]") -> None:
    from rich.table import Column, Table

    columns = ("points", "every", "kept", "holes", "longest", "low", "high")
    table = Table(Column("series", min_width=15), *columns)
    for r in reports:
        table.add_row(
            r.name,
            f"{r.points:,}",
            f"{r.usual_minutes:,.0f}",
            f"{r.max_age_minutes:,.0f}",
            f"{r.holes:,}",
            f"{r.longest_hole_minutes:,.0f}",
            f"{r.lowest:.2g}",
            f"{r.highest:.2g}",
        )
    output_console().print(table)
    output_console().print("Times are in minutes; a hole is a gap longer than a value is kept.")


def _print_quality(report: "QualityReport") -> None:
    from rich.table import Table
    from rich.text import Text

    from mlx_muzero.market.bars import utc_text

    out = output_console()
    out.print(
        f"{report.symbol} ({report.market}): {report.bars:,} bars from"
        f" {utc_text(report.first_ns)} to {utc_text(report.last_ns)} UTC"
    )
    table = Table("gaps", "number", "missing minutes", "while open")
    for kind, count in report.gap_counts.items():
        missing, while_open = report.missing_minutes[kind], report.open_minutes[kind]
        table.add_row(kind, f"{count:,}", f"{missing:,}", f"{while_open:,}")
    out.print(table)
    table = Table("longest outages and holidays (UTC)", "until", "minutes", "while open")
    for gap in sorted(report.gaps, key=lambda g: (-g.open_minutes, -g.missing_minutes))[:10]:
        when = f"{utc_text(gap.start_ns)} {gap.kind}"
        minutes = f"{gap.missing_minutes:,}", f"{gap.open_minutes:,}"
        table.add_row(when, utc_text(gap.end_ns), *minutes)
    out.print(table)
    # As Text, because markup would swallow the brackets in a finding.
    table = Table("findings", "bars")
    for fault, count in report.impossible.items():
        table.add_row(Text(fault), f"{count:,}")
    table.add_row("Saturday", f"{report.saturday_bars:,}")
    table.add_row("no volume traded", f"{report.zero_volume_bars:,}")
    table.add_row("repeated in the source", f"{report.source_repeats:,}")
    table.add_row("outliers", f"{len(report.outliers):,}")
    table.add_row("outliers that reverted", f"{sum(o.reverted for o in report.outliers):,}")
    out.print(table)


def _print_spreads(report: "SpreadReport") -> None:
    from rich.table import Table

    table, pip = Table("spread by hour (UTC)", "closes"), report.pip_size
    for unit in ("pips", "bps") if pip else ("bps",):
        table.add_column(f"median {unit}")
        table.add_column("1 in 20 above")
    for each in (*report.hours, report.day):
        name = "all day" if each is report.day else f"{each.hour_utc:02d}:00"
        in_pips = (each.median / pip, each.wide / pip) if pip else ()
        sizes = (*in_pips, each.median_bps, each.wide_bps)
        table.add_row(name, f"{each.bars:,}", *(f"{size:.3g}" for size in sizes))
    output_console().print(table)
    say(
        output_console(),
        f"{report.unquoted_bars:,} bars lack an ask, {report.crossed_bars:,} have one below the "
        "bid.",
    )
