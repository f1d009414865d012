"""What the session's process held: memory and descriptors, sampled once an hour of its time."""

import json
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from mlx_muzero.timeunits import DAY_NS
from soaking.life import Soak

_MOST_GROWTH_FRAC = 0.05


@dataclass(frozen=True)
class Held:
    """Means of one day.

    Attributes:
        day: from 1 on.
        lives: processes that lived in it.
        mib: resident memory.
        descriptors: open ones.
    """

    day: int
    lives: int
    mib: float
    descriptors: float


@dataclass(frozen=True)
class Growth:
    """Means of the second tenth of the time without a kill, and of its last."""

    days: float
    mib_begin: float
    mib_end: float
    growth_frac: float
    descriptors_begin: float
    descriptors_end: float

    @property
    def good(self) -> bool:
        """Whether nothing has grown."""
        more = self.descriptors_end > (1.0 + _MOST_GROWTH_FRAC) * self.descriptors_begin
        return self.growth_frac <= _MOST_GROWTH_FRAC and not more


def held(soak: Soak) -> Iterator[Held]:
    """What the process held, by day."""
    by_day: dict[int, list[dict[str, int]]] = {}
    for sample in _samples(soak):
        by_day.setdefault((sample["close_ns"] - soak.plan.begin_ns) // DAY_NS, []).append(sample)
    for day, samples in by_day.items():
        yield Held(day + 1, len({sample["life"] for sample in samples}), *_mean(samples))


def growth(soak: Soak) -> Growth:
    """How much more the process held at the end of the time without a kill."""
    first_ns, last_ns = soak.plan.quiet
    samples = [s for s in _samples(soak) if first_ns <= s["close_ns"] < last_ns]
    tenth = max(len(samples) // 10, 1)
    begin, end = _mean(samples[tenth : 2 * tenth]), _mean(samples[-tenth:])
    days = (last_ns - first_ns) / DAY_NS
    return Growth(days, begin[0], end[0], end[0] / begin[0] - 1.0, begin[1], end[1])


def _samples(soak: Soak) -> list[dict[str, int]]:
    return [json.loads(line) for line in soak.resources_path.read_text().splitlines()]


def _mean(samples: list[dict[str, int]]) -> tuple[float, float]:
    means = np.mean([(s["bytes"] / 2**20, s["descriptors"]) for s in samples], axis=0)
    return float(means[0]), float(means[1])
