"""`mlx-muzero data`: import minute bars and series beside them, list them, check them."""

from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated

import typer

from mlx_muzero.market.store.location import DEFAULT_DATABASE
from muzero_cli import completion
from muzero_cli.display.console import narration_console, output_console, say
from muzero_cli.failures import answer
from muzero_cli.options import Database, Json
from muzero_cli.verbs.data_import import import_files
from muzero_cli.verbs.data_symbols import in_words, remove, rename, say_instrument
from muzero_cli.verbs.synthetic import synth

if TYPE_CHECKING:
    from mlx_muzero.market.quality import QualityReport
    from mlx_muzero.market.series_quality import SeriesReport

app = typer.Typer(
    no_args_is_help=True,
    help="Import, list and check minute bars and the series that accompany them.",
)


@app.command("list")
def list_symbols(db: Database = DEFAULT_DATABASE, as_json: Json = False) -> None:
    """List the symbols in the bar store and the series that accompany their bars."""
    from rich.table import Table

    from mlx_muzero.market.bars import utc_text
    from mlx_muzero.market.metrics_labels import misread_note
    from mlx_muzero.market.store.bar_store import BarStore
    from mlx_muzero.market.store.known_symbols import remember

    with BarStore(db, read_only=True) as store:
        symbols, series = store.symbols(), store.series()
        traded = {s.symbol: store.find_instrument(s.symbol) for s in symbols}
        note = misread_note(store.imports())
    remember(db, (s.symbol for s in symbols))
    if note:
        say(narration_console(), f"note: {note}")
    if as_json:
        instruments = {name: i and asdict(i) for name, i in traded.items()}
        found = {
            "symbols": [asdict(s) | {"instrument": instruments[s.symbol]} for s in symbols],
            "series": [asdict(s) for s in series],
        }
        answer(found)
        return
    table = Table("symbol", "bars", "first (UTC)", "last (UTC)", "trades", "has")
    for s in symbols:
        known = {
            "volume": s.has_volume,
            "taker": s.has_taker,
            "ask": s.has_ask,
            "known truth": s.synthetic,
        }
        has = ", ".join(name for name, there in known.items() if there)
        span = utc_text(s.first_ns), utc_text(s.last_ns)
        table.add_row(s.symbol, f"{s.bars:,}", *span, in_words(traded[s.symbol]), has)
    output_console().print(table)
    if series:
        table = Table("symbol", "series", "points", "first (UTC)", "last (UTC)")
        for beside in series:
            first, last = utc_text(beside.first_ns), utc_text(beside.last_ns)
            table.add_row(beside.symbol, beside.name, f"{beside.points:,}", first, last)
        output_console().print(table)


@app.command("check")
def check_symbol(
    symbol: Annotated[
        str, typer.Argument(help="Symbol in the bar store.", autocompletion=completion.symbols)
    ],
    db: Database = DEFAULT_DATABASE,
    as_json: Json = False,
) -> None:
    """Report one symbol's gaps by cause, impossible prices, outliers, and its series."""
    from mlx_muzero.market.metrics_labels import misread_note
    from mlx_muzero.market.quality import check
    from mlx_muzero.market.series_quality import check_series
    from mlx_muzero.market.store.bar_store import BarStore

    with BarStore(db, read_only=True) as store:
        symbol = store.spelling(symbol)
        names = [s.name for s in store.series() if s.symbol == symbol]
        series = [check_series(store.load_series(symbol, name)) for name in names]
        has_bars = any(s.symbol == symbol for s in store.symbols())
        # Of MACRO, for one, there are series alone.
        report = None
        imports = [record for record in store.imports() if record.symbol == symbol]
        if has_bars or not series:
            repeats = sum(record.repeats for record in imports)
            report = check(store.load(symbol), store.instrument(symbol).market, repeats)
    note = misread_note(imports)
    accepted = {record.file: record.accepted for record in imports if record.accepted}
    if note:
        say(narration_console(), f"note: {note}")
    if as_json:
        bars = {} if report is None else asdict(report)
        rest = {"series": [asdict(s) for s in series], "accepted": accepted}
        answer(bars | rest)
        return
    if report is not None:
        _print_quality(report)
    if series:
        _print_series(series)
    for file, said in accepted.items():
        say(output_console(), f"{file} went in with {', '.join(said)}")


app.command("import")(import_files)
app.command("synth")(synth)
app.command("instrument")(say_instrument)
app.command("rename")(rename)
app.command("remove")(remove)


def _print_series(reports: "list[SeriesReport]") -> None:
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
    output_console().print("Times are minutes; a hole is longer than a value is kept.")


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
    # As Text: a finding may hold brackets, which markup would swallow.
    table = Table("findings", "bars")
    for fault, count in report.impossible.items():
        table.add_row(Text(fault), f"{count:,}")
    table.add_row("Saturday", f"{report.saturday_bars:,}")
    table.add_row("no volume traded", f"{report.zero_volume_bars:,}")
    table.add_row("repeated in the source", f"{report.source_repeats:,}")
    table.add_row("outliers", f"{len(report.outliers):,}")
    table.add_row("outliers that reverted", f"{sum(o.reverted for o in report.outliers):,}")
    out.print(table)
