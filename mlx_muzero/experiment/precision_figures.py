"""What a precision changes in what a checkpoint does: its bounds, and the file that keeps it."""

import json
import warnings
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, get_args

from mlx_muzero.config.choices import Precision
from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.exports.figures import Drift
from mlx_muzero.files.regular import write_text
from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.training.checkpoint import weights_sha256
from mlx_muzero.training.run import RunFolder
from mlx_muzero.untrusted.json_values import finite
from mlx_muzero.untrusted.shapes import count, mapping, number, one_of, optional, record
from mlx_muzero.untrusted.shapes import text as some_text

SAME_ACTIONS = 0.995
"""Least share of searches that choose float32's action."""
MOVING = 0.15
"""Least share of float32's actions that change a position: agreement in holding shows nothing."""
MOST_PIPS = 2.0
"""How far the interval of net pips of a session may reach from 0, either way."""

FILE = "precisions.json"
"""What `mlx-muzero verify --precision` found, in the run's folder."""
_MOST_BYTES = 2**18
_MOST = 256
"""Checkpoints kept; the oldest goes first."""

_KEPT = mapping(
    mapping(
        record(
            {
                "precision": one_of(get_args(Precision)),
                "searches": count,
                "same": number,
                "moving": number,
                "value": number,
                "unit": some_text,
                "sessions": record(
                    {
                        "days": count,
                        "better": count,
                        "worse": count,
                        "mean": number,
                        "low": optional(number),
                        "high": optional(number),
                        "block_days": number,
                    }
                ),
            }
        ),
        most=len(get_args(Precision)),
    ),
    most=_MOST,
)
"""By the digest of a checkpoint's weights, then by precision."""


@dataclass(frozen=True)
class PrecisionFigures:
    """Results of a precision against float32, by the same backend.

    Attributes:
        precision: what was compared.
        searches: situations of the validation split that both searched.
        same: share of them with the same action.
        moving: share in which float32's action changes the position.
        value: mean absolute difference of the root values, in units of the reward.
        drift: after several numbers of steps.
        sessions: net pips of sessions of the validation split beyond float32's.
        unit: of these: pips, or basis points.
    """

    precision: Precision
    searches: int
    same: float
    moving: float
    value: float
    drift: tuple[Drift, ...]
    sessions: PairedDays
    unit: str

    def problems(self) -> list[str]:
        """The bounds it violates, one sentence each."""
        found = []
        if self.same < SAME_ACTIONS:
            found.append(
                f"searches agree on {self.same:.1%} of {self.searches} decisions; "
                f"{SAME_ACTIONS:.1%} is required"
            )
        if self.moving < MOVING:
            found.append(
                f"only {self.moving:.1%} of the actions change a position, so that agreement shows "
                f"little; {MOVING:.0%} is required: verify a run that trades"
            )
        low, high = self.sessions.low, self.sessions.high
        if low is None or high is None or not -MOST_PIPS <= low <= high <= MOST_PIPS:
            reach = "of a single session" if low is None else f"[{low:+.2f}, {high:+.2f}]"
            found.append(
                f"sessions earn {self.sessions.mean:+.2f} {self.unit} {reach} beyond float32's; "
                f"within {MOST_PIPS:g} is required"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """All results for JSON, with the problems."""
        return dict(finite(asdict(self) | {"problems": self.problems()}))


def kept_figures(run: RunFolder, checkpoint: str) -> dict[Precision, PrecisionFigures]:
    """What was found for a checkpoint of `run`, without drift, by precision.

    It is nothing if the file is missing or damaged, or is of other weights.
    """
    try:
        weights = weights_sha256(run.checkpoints.folder / checkpoint)
    except OSError:
        return {}
    figures = _kept(run.path).get(weights, {}).values()
    return {
        each["precision"]: PrecisionFigures(
            **{name: each[name] for name in ("precision", "searches", "same", "moving", "value")},
            drift=(),
            sessions=PairedDays(**each["sessions"]),
            unit=each["unit"],
        )
        for each in figures
    }


def keep_figures(run: RunFolder, checkpoint: str, found: PrecisionFigures) -> None:
    """Keep what was found for a checkpoint of `run`; warn if that cannot be written."""
    kept = _kept(run.path)
    weights = weights_sha256(run.checkpoints.folder / checkpoint)
    facts = {name: value for name, value in found.as_dict().items() if name in _FIELDS}
    of_weights = kept.pop(weights, {}) | {found.precision: facts}
    newest = [*kept.items(), (weights, of_weights)][-_MOST:]
    try:
        write_text(run.path / FILE, json.dumps(dict(newest)))
    except OSError as error:
        trouble = f"{run.path / FILE}: {error.strerror or error}"
        warnings.warn(f"the verification is not kept: {trouble}", RuntimeWarning, 2)


_FIELDS = ("precision", "searches", "same", "moving", "value", "unit", "sessions")


def _kept(run: Path) -> dict[str, Any]:
    try:
        return dict(kept_facts(run / FILE, _KEPT, _MOST_BYTES))
    except (FileNotFoundError, DamagedFile):
        return {}
