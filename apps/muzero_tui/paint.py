"""What colors mean, taken from the theme: nothing here is told by color alone."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Paint:
    """Rich styles by meaning.

    Attributes:
        good: gains, health.
        warning: something to look at.
        bad: losses, halts.
        accent: what is chosen.
        curve: of a plot.
        muted: what is less important.
    """

    good: str
    warning: str
    bad: str
    accent: str
    curve: str
    muted: str = "dim"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Paint":
        """From a theme's variables."""
        names = {"good": "success", "warning": "warning", "bad": "error"}
        names |= {"accent": "accent", "curve": "primary"}
        return cls(**{own: _rich(variables.get(theirs, "")) for own, theirs in names.items()})

    def sign(self, value: float | None) -> str:
        """Style of a gain or a loss; the sign is printed too."""
        if not value:
            return self.muted
        return self.good if value > 0 else self.bad

    def alarm(self, name: str | None) -> str:
        """Style of an action alarm."""
        styles = {"healthy": self.good, "notice": self.accent}
        styles |= {"warning": self.warning, "critical": self.bad}
        return styles.get(name or "", self.muted)


def _rich(color: str) -> str:
    """A theme's color as Rich names it: ANSI ones have a prefix there."""
    return color.removeprefix("ansi_") or "default"
