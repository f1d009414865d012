"""The leakage test as a table and a verdict."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.leakage import LeakageReport


def leakage_table(report: LeakageReport) -> Group:
    """What was compared, what changed, and what that means."""
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
        f"{report.pairs}: everything after {report.cuts} bars was replaced, one at a time. "
        f"Control: a policy that looks ahead was caught at {report.control_caught} of them."
    )
    failure = verdict(report)
    said = Text(failure or "No leak: nothing known at a bar depends on later ones.")
    said.stylize("bold red" if failure else "bold green")
    return Group(table, Text(), Text(about), said)


def verdict(report: LeakageReport) -> str | None:
    """Why the test failed; None if it passed."""
    if report.leaks:
        names = ", ".join(check.name for check in report.leaks)
        return f"the future leaks into: {names}. First, {report.leaks[0].example}."
    if not report.control_caught:
        return (
            "no leak was found, but neither was the policy that looks ahead: these bars cannot "
            "tell. Raise --cuts, or import more bars."
        )
    return None
