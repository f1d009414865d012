"""What an evaluation is doing, on stderr while it lasts."""

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn


class EvaluationProgress(Progress):
    """A line with what is being done and how much of it; gone at the end."""

    def __init__(self, what: str) -> None:
        columns = (TextColumn("{task.description}"), TextColumn("{task.completed:,}"), BarColumn())
        super().__init__(
            *columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True
        )
        self._counted = self.add_task(what, total=None)

    def tick(self, count: int) -> None:
        """`count` more are done."""
        self.advance(self._counted, count)

    def doing(self, what: str) -> None:
        """Something else begins."""
        self.reset(self._counted, description=what, total=None)
