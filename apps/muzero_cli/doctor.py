"""`mlx-muzero doctor`."""

import json

import typer

from muzero_cli.options import Json

FAILED_EXIT_CODE = 1


def doctor(as_json: Json = False) -> None:
    """Report what this machine has, how fast it is, and what is missing and why."""
    from rich.console import Console
    from rich.table import Table

    from mlx_muzero.doctor import examine

    checks = examine()
    if as_json:
        typer.echo(json.dumps([check.as_dict() for check in checks]))
    else:
        table = Table(box=None, padding=(0, 2, 0, 0))
        for heading in ("check", "status", "detail"):
            table.add_column(heading, overflow="fold")
        for check in checks:
            remedy = f"\n{check.remedy}" if check.remedy else ""
            table.add_row(check.name, check.status, check.detail + remedy)
        Console().print(table)
    if any(check.status == "fail" for check in checks):
        raise typer.Exit(FAILED_EXIT_CODE)
