"""Styles by meaning, taken from the theme. Color is never the only signal."""

from collections.abc import Mapping
from dataclasses import dataclass


@dataclass(frozen=True)
class Paint:
    """Rich styles by meaning.

    Attributes:
        good: gains, health.
        warning: needs attention.
        bad: losses, halts.
        accent: chosen or highlighted.
        curve: curves and bars.
        muted: less important text.
        other: what none of these fits.
    """

    good: str
    warning: str
    bad: str
    accent: str
    curve: str
    other: str
    muted: str = "dim"

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Paint":
        """From a theme's variables."""
        names = {"good": "success", "warning": "warning", "bad": "error"}
        names |= {"accent": "accent", "curve": "primary", "other": "secondary"}
        return cls(**{own: _rich(variables.get(theirs, "")) for own, theirs in names.items()})

    def run(self, place: int) -> str:
        """Style of a run that is compared with others, which has its number beside it."""
        styles = (self.curve, self.accent, self.good, self.bad, self.other, self.warning)
        return styles[place % len(styles)]

    def sign(self, value: float | None) -> str:
        """Style of a gain or a loss, next to which the sign is printed too."""
        if not value:
            return self.muted
        return self.good if value > 0 else self.bad

    def alarm(self, name: str | None) -> str:
        """Style of an action alarm."""
        styles = {"healthy": self.good, "notice": self.accent}
        styles |= {"warning": self.warning, "critical": self.bad}
        return styles.get(name or "", self.muted)


def _rich(color: str) -> str:
    """A theme's color under Rich's name: Textual prefixes ANSI colors."""
    return color.removeprefix("ansi_") or "default"
