"""What the FX specification expects of a run on currency pairs, to show next to its figures.

Targets come from "Key Performance Indicators" and "Success Metrics", stages from "Training
Timeline".
"""

from dataclasses import dataclass
from typing import Any

UNIT = "pips"
"""Unit of the runs these targets apply to; other runs are counted in basis points."""

EXPECTANCY_PIPS = 0.5
"""Minimum net pips per trade."""

WIN_FRAC = (0.45, 0.55)
"""Expected range of the share of winning trades: consistency over accuracy."""

EXPECTANCY_TEXT = f"> {EXPECTANCY_PIPS:g}"
WIN_TEXT = f"{100 * WIN_FRAC[0]:.0f}-{WIN_FRAC[1]:.0%}"
TARGETS = f"{EXPECTANCY_TEXT} pips, win {WIN_TEXT}"


@dataclass(frozen=True)
class Stage:
    """A stage of training.

    Attributes:
        name: name of the stage.
        hint: what to expect during it.
    """

    name: str
    hint: str


_COLLECTION = Stage("buffer collection", "nothing is learned until the buffer has enough episodes")
_LATER = (
    (500, Stage("early training", "high exploration; actions should stay diverse")),
    (5000, Stage("learning", "better forecasts, expectancy moves toward positive")),
)
_REFINEMENT = Stage("refinement", "strategy settles, expectancy stays positive, less exploration")


def stage_of(episodes: int, steps: int) -> Stage:
    """The stage of a run after so many episodes and training steps."""
    if steps == 0:
        return _COLLECTION
    return next((stage for end, stage in _LATER if episodes < end), _REFINEMENT)


def expectancy_met(pips: float) -> bool:
    """Whether `pips` per trade meet the target."""
    return pips > EXPECTANCY_PIPS


def win_frac_met(frac: float) -> bool:
    """Whether a share of winning trades is within the target range."""
    return WIN_FRAC[0] <= frac <= WIN_FRAC[1]


def compared(expectancy_pips: float, win_frac: float) -> dict[str, Any]:
    """The targets, and whether these figures meet them, as a JSON-able dict."""
    return {
        "expectancy_above_pips": EXPECTANCY_PIPS,
        "expectancy_met": expectancy_met(expectancy_pips),
        "win_frac_from": WIN_FRAC[0],
        "win_frac_to": WIN_FRAC[1],
        "win_frac_met": win_frac_met(win_frac),
    }
