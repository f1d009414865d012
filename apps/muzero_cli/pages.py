"""Writes a report's page to the file of --html."""

import shlex
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from muzero_cli.display.console import narration_console, say

if TYPE_CHECKING:
    from mlx_muzero.evaluation.page.contents import Page


def command_line() -> str:
    """The command being run, as a shell takes it."""
    return shlex.join(["mlx-muzero", *sys.argv[1:]])


def page_written(page: "Page | None", file: Path | None) -> None:
    """Write `page` to `file` and say so, if there is one."""
    if page is None or file is None:
        return
    from mlx_muzero.evaluation.page.file import write_page

    size = write_page(page, file)
    say(narration_console(), f"page of {size / 1e6:.1f} MB written to {file}: open it in a browser")
