"""A theme's colors as numbers, for what is drawn in pixels."""

from collections.abc import Mapping
from dataclasses import dataclass

from textual.color import Color, ColorParseError

Rgb = tuple[int, int, int]


@dataclass(frozen=True)
class Colors:
    """Colors by meaning, as `Paint` has styles.

    Attributes:
        background: behind everything.
        foreground: of text.
        good: gains.
        bad: losses.
        accent: chosen or highlighted.
        curve: curves.
    """

    background: Rgb
    foreground: Rgb
    good: Rgb
    bad: Rgb
    accent: Rgb
    curve: Rgb

    @classmethod
    def of(cls, variables: Mapping[str, str]) -> "Colors | None":
        """From a theme's variables; None if they are the terminal's own, which nobody knows."""
        names = {"background": "background", "foreground": "foreground", "good": "success"}
        names |= {"bad": "error", "accent": "accent", "curve": "primary"}
        found = {}
        for own, theirs in names.items():
            try:
                color = Color.parse(variables.get(theirs, ""))
            except ColorParseError:
                return None
            if color.ansi is not None:
                return None
            found[own] = color.rgb
        return cls(**found)

    @property
    def muted(self) -> Rgb:
        """Of less important lines."""
        return self.mixed(self.foreground, 0.5)

    def mixed(self, color: Rgb, share: float) -> Rgb:
        """`share` of a color, the rest background."""
        red, green, blue = (
            round(ground + share * (own - ground))
            for own, ground in zip(color, self.background, strict=True)
        )
        return red, green, blue
