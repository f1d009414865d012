"""The leakage test as a table and a verdict."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.leakage import LeakageReport


def leakage_table(report: LeakageReport) -> Group:
    """The comparisons, what changed in them, and the verdict."""
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    table.add_column("up to the cut")
    table.add_column("compared", justify="right")
    table.add_column("changed", justify="right")
    table.add_column(" first change")
    for check in report.checks:
        style = "bold red" if check.different else ""
        table.add_row(
            check.name,
            f"{check.compared:,}",
            Text(f"{check.different:,}", style=style),
            f" {check.example}" if check.example else "",
        )
    about = (
        f"{report.pairs}: at {report.cuts} bars, one at a time, everything later was replaced. "
        f"Control: a policy that looks ahead was caught at {report.control_caught} of them."
    )
    failure = report.failure()
    verdict = Text(str(failure or "No leak: nothing known at a bar depends on later ones."))
    verdict.stylize("bold red" if failure else "bold green")
    return Group(table, Text(), Text(about), verdict)
