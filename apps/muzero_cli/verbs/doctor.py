"""`mlx-muzero doctor`."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from muzero_cli.display.console import narration_console, output_console
from muzero_cli.failures import answer
from muzero_cli.options import Json, in_a_folder
from muzero_tui.pixels import Pixels, asked

if TYPE_CHECKING:
    from mlx_muzero.profiling.ane_questions import Answer
    from mlx_muzero.profiling.doctor import Check
    from mlx_muzero.profiling.mac_claims import Result

FAILED_EXIT_CODE = 1


def doctor(
    ane: Annotated[
        bool, typer.Option("--ane", help="Examine the Neural Engine too; takes minutes.")
    ] = False,
    report: Annotated[
        Path, typer.Option(help="Where --ane writes its findings.", callback=in_a_folder)
    ] = Path("mlx-muzero-ane.md"),
    mac: Annotated[
        bool, typer.Option("--mac", help="Check what only a Mac can show, claim by claim.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Report what this machine has, how fast it is, and what is missing and why."""
    from mlx_muzero.profiling.doctor import examine

    with asked() as terminal:
        examined = examine()
    checks = [*examined, _of_charts(terminal.pixels)]
    values: Any = [check.as_dict() for check in checks]
    if not as_json:
        _print_checks(checks)
    failed = any(check.status == "fail" for check in checks)
    if ane and not failed:
        answers = _answers(checks, report)
        values = {"checks": values, "answers": [asdict(found) for found in answers]}
        if not as_json:
            _print_answers(answers)
        failed = any(found.status == "failed" for found in answers)
    if mac and not failed:
        results = _settled()
        values = (values if ane else {"checks": values}) | {"claims": [asdict(r) for r in results]}
        if not as_json:
            _print_results(results)
        failed = any(result.status == "fail" for result in results)
    if as_json:
        answer(values)
    if failed:
        raise typer.Exit(FAILED_EXIT_CODE)


def _of_charts(pixels: Pixels) -> "Check":
    """How the terminal application draws its charts here."""
    from mlx_muzero.profiling.doctor import Check

    return Check("charts", "ok" if pixels.protocol else "unavailable", str(pixels))


def _answers(checks: list["Check"], report: Path) -> list["Answer"]:
    """Answer the questions about the Neural Engine, and write the report."""
    from mlx_muzero.profiling.ane_report import examine_neural_engine

    console = narration_console()
    with console.status("") as status:
        answers = examine_neural_engine(report, checks, status.update)
    console.print(f"written to {report}", soft_wrap=True)
    return answers


def _settled() -> list["Result"]:
    """Check every claim about Macs."""
    from mlx_muzero.profiling.mac_claims import examine_mac

    with narration_console().status("") as status:
        return examine_mac(status.update)


def _print_results(results: list["Result"]) -> None:
    from mlx_muzero.profiling.mac_claims import CLAIMS

    out = output_console()
    for claim, result in zip(CLAIMS, results, strict=True):
        out.print(f"{result.status:8} {result.name}: {claim.text}", markup=False)
        out.print(f"         {result.found}", markup=False)
    count = [sum(r.status == status for r in results) for status in ("pass", "fail", "not run")]
    out.print("{} passed, {} failed, {} not run".format(*count))


def _print_checks(checks: list["Check"]) -> None:
    from rich.table import Table

    table = Table(box=None, padding=(0, 2, 0, 0))
    for heading in ("check", "status", "detail"):
        table.add_column(heading, overflow="fold")
    for check in checks:
        remedy = f"\n{check.remedy}" if check.remedy else ""
        table.add_row(check.name, check.status, check.detail + remedy)
    output_console().print(table)


def _print_answers(answers: list["Answer"]) -> None:
    from rich.text import Text

    out = output_console()
    for number, found in enumerate(answers, 1):
        out.print(Text.assemble("\n", (f"{number}. {found.question}", "bold")))
        for sentence in found.findings:
            out.print(Text(sentence))
