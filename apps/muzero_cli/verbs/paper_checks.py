"""`mlx-muzero paper parity` and `paper report`."""

from collections.abc import Mapping
from pathlib import Path

from rich import box
from rich.table import Table

from mlx_muzero.config import fx_targets
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.page.contents import Page
from mlx_muzero.experiment.luck import keep_verdict
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.store.table_files import TableFormat
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.report.at_rest import check_folder, report_folder
from mlx_muzero.paper.report.page import ShownSession, session_page
from mlx_muzero.paper.report.parity import Parity
from mlx_muzero.paper.report.rounding import Rounding
from mlx_muzero.paper.report.session_report import SessionReport
from muzero_cli.display.comparison import results_table
from muzero_cli.display.console import narration_console, output_console, say_event
from muzero_cli.display.luck import luck_report, verdict_line
from muzero_cli.display.policy_tables import net_interval, ratio
from muzero_cli.display.progress import VerbProgress
from muzero_cli.failures import answer, end_with
from muzero_cli.pages import command_line, page_written

_DAYS = {
    "trading": "a day is a trading day of the FX week, from 17:00 New York to the next",
    "UTC": "a day is a UTC day",
}


def show_parity(run: Path, as_json: bool) -> None:
    """Check a session, journal and print the result; exit code 5 if the two paths differ.

    A session that is trading is checked as it is now, and its journal is left alone.
    """
    with VerbProgress("loading") as progress:
        account = PaperFolder.of_session(run)
        found = check_folder(account, say_event, progress.doing, progress.tick)
    differ = None if found.agrees else RunError(f"{run}: {_difference(found)}")
    if as_json:
        answer(found.as_dict(), differ)
    else:
        output_console().print(_parity_table(run, found))
        for text in (line for part in found.parts.values() for line in part.first):
            narration_console().print(text, soft_wrap=True)
        if not found.exact and found.rounding.decisions:
            narration_console().print(_rounding(found.rounding), soft_wrap=True)
    if differ is not None:
        raise differ


def show_report(
    run: Path,
    exports: Mapping[TableFormat, Path | None],
    html: Path | None,
    exit_code: bool,
    as_json: bool,
) -> None:
    """Print a session's report, and write its tables and its page where asked to."""
    wanted = {kind: folder for kind, folder in exports.items() if folder is not None}

    def exported(target: Path, tables: int) -> None:
        narration_console().print(f"{tables} tables written to {target}")

    with VerbProgress("baselines: bars") as progress:
        account = PaperFolder.of_session(run)
        pages: list[Page] = []

        def shown(session: ShownSession) -> None:
            pages.append(session_page(session, command_line()))

        show = shown if html is not None else (lambda _session: None)
        report = report_folder(account, wanted, exported, progress.tick, show)
    for page in pages:
        page_written(page, html)
    about = f"paper session to {utc_text(report.last_ns)}"
    if report.verdict is not None:
        keep_verdict(report.verdict, run, about)
    if as_json:
        answer(report.as_dict())
    else:
        out = output_console()
        out.print(verdict_line(report.verdict))
        if report.fitted is not None:
            out.print(report.fitted, soft_wrap=True)
        out.print(_report_table(run, report))
        policies = {"the agent": report.metrics, **report.baselines}
        out.print(results_table(policies, "bps/day"))
        if report.metrics.trades and report.verdict is not None:
            factor = report.metrics.sharpe_factor
            out.print(luck_report(report.luck, "bps", factor, "day"))
        out.print(_about(report), style="dim")
    if exit_code:
        end_with(report.verdict)


def _about(report: SessionReport) -> str:
    short = " Annual ratios need at least two whole days." if report.metrics.sharpe is None else ""
    return (
        "Baselines: the same minutes, pairs, fills and costs, each pair on its own, without limits "
        f"or commands. bps are of one pair's notional; {_DAYS[report.day]}.{short}"
    )


def _difference(found: Parity) -> str:
    """In a sentence, what it means that the replay and the record do not agree."""
    rounding = found.rounding
    if not found.turned:
        return "the replay differs from the record"
    other = "other numerics" if rounding.recorded else "unknown numerics"
    return (
        f"recorded by {other}, and {rounding.turned:,} of {rounding.decisions:,} decisions differ "
        f"here, first {rounding.first_turned}. The networks' values agree there, so rounding may "
        "have turned the search; orders, fills and money are equal. To check those decisions too, "
        "run paper parity with what recorded them"
    )


def _rounding(rounding: Rounding) -> str:
    """How decisions were compared that something else computed."""
    if rounding.recorded:
        by = "something else computed them: " + ", ".join(
            f"{name} {there}, here {here}" for name, (there, here) in rounding.differing.items()
        )
    else:
        by = "the session does not say what computed them (0.2.0 and before recorded none of it)"
    return (
        f"{rounding.decisions:,} decisions were compared up to rounding, as {by}. "
        f"{rounding.rounded:,} have other values, by up to {rounding.largest:.1e}; "
        f"{rounding.tolerance:.1e} is allowed. All else must be equal."
    )


def _parity_table(run: Path, found: Parity) -> Table:
    verdict = "DIFFERS from the record"
    if found.agrees:
        verdict = "equals the record" + ("" if found.exact else " up to rounding")
    table = Table(title=f"{run}: the replay {verdict}", box=box.SIMPLE_HEAD)
    table.add_column("")
    for heading in ("recorded", "replayed", "differ"):
        table.add_column(heading, justify="right")
    for name, part in found.parts.items():
        table.add_row(name, f"{part.recorded:,}", f"{part.replayed:,}", f"{part.differ:,}")
    return table


def _report_table(run: Path, report: SessionReport) -> Table:
    m, money = report.metrics, report.money
    table = Table(
        title=f"{run}: {report.minutes:,} minutes, {utc_text(report.first_ns)} to "
        f"{utc_text(report.last_ns)} UTC",
        box=box.SIMPLE,
        show_header=False,
    )
    table.add_column()
    table.add_column(justify="right")
    won, expectancy = f"{m.win_frac:.0%}", f"{m.expectancy_pips:+.2f}"
    if report.pips_per_trade is not None:
        won += f" (target {fx_targets.WIN_TEXT})"
        expectancy += f" ({report.pips_per_trade:+.2f} pips, target {fx_targets.EXPECTANCY_TEXT})"
    rows = {
        "equity": f"{money['equity']:,.2f}",
        "net": f"{money['net']:+,.2f}",
        "  gross": f"{money['gross']:+,.2f}",
        "  cost of fills": f"{0.0 - money['cost']:+,.2f}",
        "  funding": f"{0.0 - money['funding']:+,.2f}",
        "slippage, included in prices": f"{0.0 - money['slippage']:+,.2f}",
        "ledger minus trades' prices": f"{report.ledger_error:+.2e}",
        "round trips": f"{m.trades:,}",
        "won": won,
        "expectancy, bps of notional": expectancy,
        "profit factor": ratio(m.profit_factor),
        "days, trading" if report.day == "trading" else "days, UTC": f"{m.sessions}",
        "net per day, bps [95% interval]": str(
            net_interval(m.net_pips_per_session, m.net_pips_low, m.net_pips_high)
        ),
        "largest drawdown, bps": f"{m.max_drawdown_pips:.1f}",
        "Sharpe, annual": "-" if m.sharpe is None else f"{m.sharpe:+.2f}",
        "SQN": f"{m.sqn:+.2f}",
        "in the market": f"{m.exposure_frac:.0%}",
        "bars per round trip": f"{m.mean_bars_in_trade:.0f}",
        "actions": "  ".join(f"{name} {share:.0%}" for name, share in m.action_frac.items()),
        "gaps": f"{report.holes}",
    }
    if len(report.models) > 1:
        rows["minutes by model"] = "  ".join(f"{t} {n:,}" for t, n in report.models.items())
    for stage, values in report.latency_ms.items():
        rows[f"latency, {stage}, ms"] = f"p50 {values['p50']:.1f}  p99 {values['p99']:.1f}"
    for name, value in rows.items():
        table.add_row(name, value)
    return table
