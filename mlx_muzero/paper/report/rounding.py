"""Compares decisions that another processor or library computed, which rounds otherwise.

Their positions, visits and actions must be equal; their values may differ by rounding. A value is
a mean over the bins of the model's value support, so its error is a share of the support's span.

A float32 is off by at most u = 2**-24 of itself. A value comes after some 50 layers (the encoder,
the steps down the tree, the head), each of which adds up some 256 products, at least 8 partial sums
at a time. Rounding adds up as in a random walk, to sqrt(50 * 256 / 8) u or 2**5 u, and to 2**6 u
between two results; measured on OpenBLAS's kernels and ours were 14 u. Exports hold float16, with u
= 2**-11, and add up in float32: 2**3 u, and 2**4 u between two results.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.exports.program import PLAYS, usual_root
from mlx_muzero.market.bars import utc_text
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.untrusted.shapes import mapping, text

_VALUES = ("value", "network_value")
_FLOAT32_FRAC = 2.0**-18
_FLOAT16_FRAC = 2.0**-7
_NUMERICS = mapping(text, most=100)


def value_tolerance(model: ModelConfig, backends: set[str]) -> float:
    """How far two roundings of a value may be apart, if such backends computed it."""
    half = any(backend in PLAYS for backend in backends)
    return (_FLOAT16_FRAC if half else _FLOAT32_FRAC) * (model.value_max - model.value_min)


def computed_by(store: PaperStore) -> dict[int, dict[str, str]]:
    """What computed each minute's decisions, by the minute's end, as far as it was recorded.

    It is the numerics (see `mlx_muzero.numerics`) of the process that traded the minute, and the
    backends of leaves and roots.
    """
    process: dict[str, str] = {}
    by: dict[str, str] = {}
    minutes = {}
    with store.checking_contents():
        for event in store.events(1):
            facts = event["facts"]
            # A candidate that takes over may play in another precision than the model before.
            if event["event"] in ("paper_started", "candidate_took_over"):
                process = _NUMERICS(facts.get("numerics") or {})
            elif event["event"] == "minute" and process:
                backend = str(facts["backend"])
                # Sessions of before there was a choice do not name the roots'.
                roots = str(facts.get("root_backend") or usual_root(backend))  # type: ignore[arg-type]
                now = process | {"backend": backend, "root_backend": roots}
                by = by if by == now else now  # one for all minutes that are alike
                minutes[int(facts["close_ns"])] = by
    return minutes


@dataclass
class Rounding:
    """How the decisions compare that something else computed than what replays them.

    Attributes:
        here: what replays them: numerics and backends.
        recorded: what computed the first of them; empty if the session does not say.
        decisions: number of them.
        rounded: of them, those with other values, within the tolerance.
        turned: of them, those with other visits or another action, or other values beyond the
            tolerance, though the network's value of the root is within it, so that rounding may
            have turned the search.
        tolerance: largest difference of values that counts as rounding; 0 if there are none.
        largest: largest difference of the values of decisions that are equal or rounded.
        first_turned: pair and minute of the first that was turned; empty if none was.
    """

    here: dict[str, str] = field(default_factory=dict)
    recorded: dict[str, str] = field(default_factory=dict)
    decisions: int = 0
    rounded: int = 0
    turned: int = 0
    tolerance: float = 0.0
    largest: float = 0.0
    first_turned: str = ""

    @property
    def differing(self) -> dict[str, tuple[str, str]]:
        """What `recorded` names otherwise than `here`: both, by kind."""
        names = self.recorded.keys() | self.here.keys()
        both = {name: (self.recorded.get(name, "?"), self.here.get(name, "?")) for name in names}
        return {name: both[name] for name in sorted(both) if both[name][0] != both[name][1]}

    def within(
        self, recorded: Row, model: ModelConfig, by: Mapping[str, str], replayed: Row
    ) -> bool:
        """Count a decision that `by` computed; whether it differs by rounding at most.

        Args:
            recorded: the decision's row of the store.
            model: whose value support is that of the values.
            by: what computed it; empty if unknown.
            replayed: what is compared, as replayed.
        """
        if not self.decisions:
            self.recorded = dict(by)
        self.decisions += 1
        played = {
            who.get(name, "") for who in (by, self.here) for name in ("backend", "root_backend")
        }
        tolerance = value_tolerance(model, played)
        self.tolerance = max(self.tolerance, tolerance)
        apart = {name: _apart(recorded[name], replayed[name]) for name in _VALUES}
        exact = {name: recorded[name] == it for name, it in replayed.items() if name not in _VALUES}
        if all(exact.values()) and max(apart.values()) <= tolerance:
            self.rounded += max(apart.values()) > 0.0
            self.largest = max(self.largest, *apart.values())
            return True
        if exact["position"] and apart["network_value"] <= tolerance:
            self.turned += 1
            where = f"{recorded['pair']} at {utc_text(recorded['close_ns'])} UTC"
            self.first_turned = self.first_turned or where
        return False


def _apart(one: Any, other: float) -> float:
    """How far apart two values are; infinitely if the recorded one is no number."""
    return abs(one - other) if isinstance(one, int | float) else float("inf")
