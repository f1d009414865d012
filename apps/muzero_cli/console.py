"""Where a verb's tables and trees go; Rich is loaded with the first of them."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.console import Console

    from mlx_muzero.coreml.deployment import EngineEvent

PIPED_WIDTH = 100
"""Columns where standard output is no terminal."""


def output_console() -> "Console":
    """Standard output without colour by meaning, wide enough when it is piped."""
    from rich.console import Console

    out = Console(highlight=False)
    return out if out.is_terminal else Console(highlight=False, width=PIPED_WIDTH)


def say_event(event: "EngineEvent") -> None:
    """Tells of `event` on standard error."""
    from rich.console import Console

    Console(stderr=True).print(str(event), markup=False, highlight=False, soft_wrap=True)


def say(console: "Console", text: str) -> None:
    """A line that is never wrapped, so that a command can be copied; brackets are no markup."""
    console.print(text, markup=False, highlight=False, soft_wrap=True)
