"""A curve to plot, bounded in memory."""

from bisect import bisect_left

MOST_POINTS = 4096


class Curve:
    """Points in order of x; when there are too many, every other of them goes."""

    def __init__(self) -> None:
        self.x: list[float] = []
        self.y: list[float] = []

    def __len__(self) -> int:
        return len(self.x)

    @property
    def last(self) -> float | None:
        """The newest value."""
        return self.y[-1] if self.y else None

    def append(self, x: float, y: float | None) -> None:
        """Add a point; a missing value is none."""
        if y is None:
            return
        self.x.append(x)
        self.y.append(y)
        if len(self.x) > MOST_POINTS:
            newest = len(self.x) - 1
            self.x[:newest] = self.x[:newest:2]
            self.y[:newest] = self.y[:newest:2]

    def cut(self, x: float) -> None:
        """Forget the points beyond `x`: a run went back to it."""
        keep = bisect_left(self.x, x + 1e-9)
        del self.x[keep:], self.y[keep:]
