"""The themes of the application: dark, light, the terminal's own colors, color-blind safe."""

from textual.theme import Theme

DARK = Theme(
    name="muzero-dark",
    primary="#5fafd7",
    secondary="#8787af",
    accent="#d7af5f",
    success="#87af5f",
    warning="#d7875f",
    error="#d75f5f",
    foreground="#d0d0d0",
    background="#121212",
    surface="#1c1c1c",
    panel="#262626",
    dark=True,
)
LIGHT = Theme(
    name="muzero-light",
    primary="#005f87",
    secondary="#5f5f87",
    accent="#875f00",
    success="#3a6b00",
    warning="#af5f00",
    error="#af0000",
    foreground="#303030",
    background="#fafafa",
    surface="#f0f0f0",
    panel="#e4e4e4",
    dark=False,
)
# Okabe and Ito's colors: gains blue, losses orange, distinct for any color vision.
COLOR_BLIND = Theme(
    name="muzero-color-blind",
    primary="#56b4e9",
    secondary="#cc79a7",
    accent="#f0e442",
    success="#56b4e9",
    warning="#e69f00",
    error="#d55e00",
    foreground="#d0d0d0",
    background="#101010",
    surface="#1a1a1a",
    panel="#262626",
    dark=True,
)

OWN = (DARK, LIGHT, COLOR_BLIND)
CYCLE = (DARK.name, LIGHT.name, "ansi-dark", COLOR_BLIND.name)
"""The themes that one key cycles through; the command palette offers every other theme too."""
