"""The verdict: skill, not shown, loses or too short, with the two reasons that decided (ADR 30)."""

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np

from mlx_muzero.evaluation.luck.blocks import block_length, resampled_means
from mlx_muzero.evaluation.luck.sharpe import CONFIDENCE, Sharpe, expected_best
from mlx_muzero.evaluation.session_groups import interval
from mlx_muzero.runlog.verdict_file import Call, in_words
from mlx_muzero.types import F64
from mlx_muzero.words import counted

LEAST_OBSERVATIONS = 20
"""Fewer times are not judged."""


@dataclass(frozen=True)
class Verdict:
    """What results say about skill. Sharpe ratios are per observation, not annualised.

    Attributes:
        call: the verdict.
        reasons: the two that decided, in words.
        observations: times judged: groups of sessions that overlap, or days.
        sharpe: measured Sharpe ratio.
        sharpe_low: lower end of its 95 % interval.
        sharpe_high: upper end.
        probability: probabilistic Sharpe ratio: how likely the true one is above 0.
        trials: independent trials that those tried are worth.
        lucky_sharpe: expected Sharpe ratio of the best of so many without skill.
        deflated: deflated Sharpe ratio: how likely the true one is above `lucky_sharpe`.
        more_needed: further observations that would show that, at this ratio; None if none would.
        block_length: mean length of the bootstrap's blocks.
        chance: share of block-bootstrap resamples of results without profit that earn as much.
        net_low: lower end of the 95 % block-bootstrap interval of the net of an observation; None
            for fewer than two.
        net_high: upper end.
        entries: share of random entries of the same exposure that earn as much; None if unknown.
    """

    call: Call
    reasons: tuple[str, str]
    observations: int
    sharpe: float
    sharpe_low: float | None
    sharpe_high: float | None
    probability: float
    trials: float
    lucky_sharpe: float
    deflated: float
    more_needed: int | None
    block_length: float
    chance: float
    net_low: float | None
    net_high: float | None
    entries: float | None

    @property
    def words(self) -> str:
        """The verdict in one line."""
        return in_words(self.call, self.reasons)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return asdict(self)


def judge(
    totals: F64,
    *,
    trades: int,
    tried: int = 1,
    trials: float | None = None,
    entries: float | None = None,
    unit: str = "pips",
    observation: str = "session",
    seed: int = 0,
) -> Verdict:
    """Judge net results ``f64[T]`` in time order, those of the same hours being one.

    Skill takes a deflated Sharpe ratio of 95 %, a block bootstrap in which at most 5 % earn as much
    by chance, and at most 5 % of random entries that do.

    Args:
        totals: net of each observation.
        trades: round trips made.
        tried: configurations that were tried, this one included.
        trials: independent ones that they are worth; None for all of them.
        entries: share of random entries that earn as much; None if unknown.
        unit: of the totals.
        observation: what one is called.
        seed: seed of the bootstrap.
    """
    sharpe, count = Sharpe.of(totals), len(totals)
    trials = float(max(tried, 1)) if trials is None else trials
    # What trials without skill differ by is the error of their ratios, whatever those tried were.
    lucky = expected_best(trials, 1.0 / math.sqrt(count - 1)) if count > 1 else 0.0
    length = block_length(totals)
    means = resampled_means(totals, length, seed) if count > 1 else totals[:0]
    mean, alpha = float(totals.mean()), 1.0 - CONFIDENCE
    by_chance = means - mean
    needed = sharpe.observations_needed(lucky)
    low, high = sharpe.interval() if count > 1 else (None, None)
    net_low, net_high = interval(means)
    found = Verdict(
        call="not shown",
        reasons=("", ""),
        observations=count,
        sharpe=sharpe.ratio,
        sharpe_low=low,
        sharpe_high=high,
        probability=sharpe.probability_above(0.0),
        trials=trials,
        lucky_sharpe=lucky,
        deflated=sharpe.probability_above(lucky),
        more_needed=max(math.ceil(needed) - count, 0) if math.isfinite(needed) else None,
        block_length=length,
        chance=_share(by_chance >= mean),
        net_low=net_low,
        net_high=net_high,
        entries=entries,
    )
    words = _Words(found, tried, unit, observation, mean)
    call, reasons = _called(found, words, trades, loses=_share(by_chance <= mean) <= alpha)
    return Verdict(**vars(found) | {"call": call, "reasons": reasons})


def _share(drawn: Any) -> float:
    return float((1 + np.sum(drawn)) / (1 + len(drawn)))


def _called(
    found: Verdict, words: "_Words", trades: int, *, loses: bool
) -> tuple[Call, tuple[str, str]]:
    alpha = 1.0 - CONFIDENCE
    if found.observations < LEAST_OBSERVATIONS:
        return "too short", (words.few, words.net)
    if not trades:
        return "not shown", ("it made no trades", words.looked)
    if loses and found.probability <= alpha:
        return "loses", (words.net, words.probability)
    passed = {
        words.deflated: found.deflated >= CONFIDENCE,
        words.by_chance: found.chance <= alpha,
        **({} if found.entries is None else {words.entries: found.entries <= alpha}),
    }
    decided = sorted(passed, key=passed.get)  # type: ignore[arg-type]  # what failed first
    if all(passed.values()):
        last = words.by_chance if found.entries is None else words.entries
        return "skill", (words.deflated, last)
    # As good for as long again would do: more than that is no question of time.
    soon = found.more_needed is not None and 0 < found.more_needed <= found.observations
    timely = found.entries is None or found.entries <= alpha
    if soon and timely:
        return "too short", (words.needed, words.deflated)
    return "not shown", (decided[0], decided[1])


@dataclass(frozen=True)
class _Words:
    """What may decide, in words."""

    found: Verdict
    tried: int
    unit: str
    observation: str
    mean: float

    @property
    def _counted(self) -> str:
        return counted(self.found.observations, self.observation)

    @property
    def looked(self) -> str:
        return f"over {self._counted}"

    @property
    def few(self) -> str:
        return (
            f"{self._counted}, where {LEAST_OBSERVATIONS} at different times are the least to "
            "judge by"
        )

    @property
    def net(self) -> str:
        low, high = self.found.net_low, self.found.net_high
        ends = "" if low is None or high is None else f" [{_signed(low)}, {_signed(high)}]"
        return f"it earned {_signed(self.mean)} {self.unit} a {self.observation}{ends}"

    @property
    def probability(self) -> str:
        return f"its true Sharpe ratio is above 0 with {_percent(self.found.probability)}"

    @property
    def deflated(self) -> str:
        best = "no skill" if self.tried <= 1 else f"the luckiest of {self.tried:,} tried"
        return (
            f"deflated Sharpe ratio {_percent(self.found.deflated)} against {best}, where 95 % "
            "shows skill"
        )

    @property
    def by_chance(self) -> str:
        return f"{_percent(self.found.chance)} of block-bootstrap draws without profit earn as much"

    @property
    def entries(self) -> str:
        share = _percent(self.found.entries or 0.0)
        return f"{share} of random entries at the same exposure earn as much"

    @property
    def needed(self) -> str:
        return (
            f"needs {counted(self.found.more_needed or 0, f'more {self.observation}')} to show it"
        )


def _signed(value: float) -> str:
    return f"{value:+,.0f}" if abs(value) >= 999.5 else f"{value:+.3g}"


def _percent(share: float) -> str:
    percent = 100.0 * share
    if percent < 0.1:
        return "under 0.1 %"
    if percent > 99.9:
        return "over 99.9 %"
    return f"{percent:.3g} %"
