"""What the FX specification expects of a run on currency pairs, to stand beside its figures.

Targets are of "Key Performance Indicators" and "Success Metrics", stages of "Training Timeline".
"""

from dataclasses import dataclass
from typing import Any

UNIT = "pips"
"""Of the runs these targets are for: others are counted in basis points."""

EXPECTANCY_PIPS = 0.5
"""A trade should make more than this, net of costs."""

WIN_FRAC = (0.45, 0.55)
"""Where the share of winning trades should lie: consistency over accuracy."""

EXPECTANCY_TEXT = f"> {EXPECTANCY_PIPS:g}"
WIN_TEXT = f"{100 * WIN_FRAC[0]:.0f}-{WIN_FRAC[1]:.0%}"
TARGETS = f"{EXPECTANCY_TEXT} pips, win {WIN_TEXT}"


@dataclass(frozen=True)
class Stage:
    """A part of training.

    Attributes:
        name: of it.
        hint: what to expect in it.
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
    """Where a run with so many episodes and training steps stands."""
    if steps == 0:
        return _COLLECTION
    return next((stage for end, stage in _LATER if episodes < end), _REFINEMENT)


def expectancy_met(pips: float) -> bool:
    """Whether `pips` a trade are enough."""
    return pips > EXPECTANCY_PIPS


def win_frac_met(frac: float) -> bool:
    """Whether a share of winning trades lies in the band."""
    return WIN_FRAC[0] <= frac <= WIN_FRAC[1]


def beside(expectancy_pips: float, win_frac: float) -> dict[str, Any]:
    """Targets and whether these figures meet them, for JSON."""
    return {
        "expectancy_above_pips": EXPECTANCY_PIPS,
        "expectancy_met": expectancy_met(expectancy_pips),
        "win_frac_from": WIN_FRAC[0],
        "win_frac_to": WIN_FRAC[1],
        "win_frac_met": win_frac_met(win_frac),
    }
