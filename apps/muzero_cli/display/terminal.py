"""The console of every verb, which keeps printed text from reaching the terminal as commands."""

from collections.abc import Iterable
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import TextColumn
from rich.segment import Segment
from rich.status import Status
from rich.text import Text

from mlx_muzero.untrusted.terminal_text import clean
from muzero_tui.clean_text import clean_rich


class TerminalConsole(Console):
    """A Rich console without markup, emoji codes or highlighting that cleans what it prints.

    Names come from files, venues and journals: brackets in them are not parsed as styles, and
    escape sequences do not get through (`mlx_muzero.untrusted.terminal_text`). To style text, use
    `rich.text.Text` or `style`.
    """

    def __init__(self, *, stderr: bool = False, quiet: bool = False, **options: Any) -> None:
        super().__init__(
            stderr=stderr, quiet=quiet, markup=False, emoji=False, highlight=False, **options
        )

    def render_str(self, text: str, **options: Any) -> Text:
        """A string as text; tables and trees call this too."""
        options |= {"markup": False, "emoji": False}
        return super().render_str(clean(text), **options)

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """The segments of any renderable, cleaned."""
        if isinstance(renderable, Text):
            renderable = clean_rich(renderable)
        for segment in super().render(renderable, options):
            # Segments with `control` are Rich's own, to move the cursor of a live display.
            if segment.control or (safe := clean(segment.text)) == segment.text:
                yield segment
            else:
                yield Segment(safe, segment.style)

    def status(self, status: RenderableType, **options: Any) -> Status:
        """A spinner with a text next to it."""
        return _PlainStatus(status, console=self, **options)


class _PlainStatus(Status):
    """A status that takes a string as plain text; Rich's always parses markup."""

    def __init__(self, status: RenderableType, **options: Any) -> None:
        super().__init__(_plain(status), **options)

    def update(self, status: RenderableType | None = None, **options: Any) -> None:
        """Change the text."""
        super().update(None if status is None else _plain(status), **options)


class PlainColumn(TextColumn):
    """A text column of a progress bar that does not parse markup."""

    def __init__(self, text_format: str) -> None:
        super().__init__(text_format, markup=False)


def _plain(status: RenderableType) -> RenderableType:
    return Text(status) if isinstance(status, str) else status
