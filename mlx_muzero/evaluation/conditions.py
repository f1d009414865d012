"""The conditions under which policies were measured, and a dict of their results."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from typing import Any

from mlx_muzero.config.choices import FillAt
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.runlog.look_ledger import Looks
from mlx_muzero.trading.cost_size import clock_note, verdict
from mlx_muzero.untrusted.json_values import in_unit


@dataclass(frozen=True)
class Conditions:
    """What the numbers were measured on.

    Attributes:
        data: symbol or file.
        split: "train", "validation" or "test"; "later" for bars after the run's own.
        sessions: sessions played by every policy.
        available_sessions: number of non-overlapping sessions in the split.
        session_bars: steps per session.
        round_trip_cost_pips: cost of one trade.
        first: UTC time of the first bar, ISO 8601.
        last: UTC time of the last bar.
        fill: where actions fill: at the close they were decided at, or at the open after it.
        fill_cost_bps: cost of every fill, in and out, as basis points of its notional.
        unit: "pips" or "bps", the unit of the fields called pips.
        cost_bps: cost of a round trip, fills included, relative to the median price; None if
            unknown.
        spread_bps: median quoted spread of the split's closes; None unless fills pay the quotes.
        spread_pips: the same in pips.
        swap_long_pips: what a long position pays a night; negative if it earns.
        swap_short_pips: what a short position pays a night.
        funding: when it is due, in words; "" if it is paid as it settled and nobody expects it.
        gap_bars: least number of bars between a split and the first decision in the next one.
        reach_bars: bars that an example of training reaches over; None if unknown.
        limits: when and how large positions may be, in words; "" if as they like.
        cost_clock_minutes: every so many minutes a round trip costs `cost_clock_pips`; 0: never.
        cost_clock_pips: see there.
        max_entries: entries that a session allows; 0: any number.
        max_total_exposure: most that the pairs held together; 0: no limit.
        wide_steps: notes on pairs where one price step is worth more than that, in words.
        looks: how often these bars were looked at; None if they chose the run.
        fx_week: whether a year consists of trading weeks, or of every minute.
        session_start: local time at which sessions start, once a day; "" if at any bar.
    """

    data: str
    split: str
    sessions: int
    available_sessions: int
    session_bars: int
    round_trip_cost_pips: float
    first: str
    last: str
    fill: FillAt = "close"
    fill_cost_bps: float = 0.0
    unit: str = "pips"
    cost_bps: float | None = None
    spread_bps: float | None = None
    spread_pips: float | None = None
    swap_long_pips: float = 0.0
    swap_short_pips: float = 0.0
    cost_clock_minutes: int = 0
    cost_clock_pips: float = 0.0
    max_entries: int = 0
    max_total_exposure: float = 0.0
    wide_steps: tuple[str, ...] = ()
    looks: Looks | None = None
    fx_week: bool = True
    session_start: str = ""
    limits: str = ""
    funding: str = ""
    gap_bars: int = 0
    reach_bars: int | None = None

    @property
    def purged(self) -> str:
        """How far apart the splits are, in sentences; "" if unknown."""
        if self.reach_bars is None or self.split == "later":
            return ""
        return (
            f"No session crosses a split: at least {self.gap_bars:,} bars lie between one and the "
            f"first decision of the next, where window, unroll and targets reach over "
            f"{self.reach_bars:,}."
        )

    @property
    def part(self) -> str:
        """Which part of the data, in words."""
        return "bars after its own" if self.split == "later" else f"{self.split} split"

    @property
    def sentences(self) -> list[str]:
        """What was played, at which costs, and how far it lies from what was learned from."""
        about = [
            f"{self.sessions:,} of {self.available_sessions:,} sessions of {self.session_bars} "
            f"bars, {self.first} to {self.last} UTC.",
            f"Costs: {self.costs}. {self.fills}",
            self.purged,
            *self.wide_steps,
        ]
        return [sentence for sentence in about if sentence]

    @property
    def looked(self) -> str:
        """How often these bars were looked at, in sentences; "" where they chose the run."""
        bars = "this test split" if self.split == "test" else "these bars"
        return "" if self.looks is None else self.looks.at(bars)

    @property
    def costs(self) -> str:
        """The costs, in words."""
        paid = [
            f"round trip {self.round_trip_cost_pips:g} {self.unit}",
            f"{self.fill_cost_bps:g} bps of every fill",
        ]
        charged = [self.round_trip_cost_pips, self.fill_cost_bps]
        named = [text for text, cost in zip(paid, charged, strict=True) if cost]
        if self.cost_clock_minutes:
            named.append(clock_note(self.cost_clock_minutes, self.cost_clock_pips))
        if self.spread_bps is not None:
            named = [self._quotes, *named]
        text = " and ".join(named) or "no costs"
        if self.cost_bps is None:
            return text + self._funding + self._limits
        size = f", {self.cost_bps:.3g} bps of the price" if self.unit != "bps" else ""
        return f"{text}{size}{verdict(self.cost_bps)}{self._swap}{self._funding}{self._limits}"

    @property
    def _swap(self) -> str:
        if not (self.swap_long_pips or self.swap_short_pips):
            return ""
        return (
            f"; a night costs longs {self.swap_long_pips:g} {self.unit} and shorts "
            f"{self.swap_short_pips:g}"
        )

    @property
    def _funding(self) -> str:
        return f"; {self.funding}" if self.funding else ""

    @property
    def _limits(self) -> str:
        entries = f"; at most {self.max_entries} entries a session" if self.max_entries else ""
        return entries + (f"; limits: {self.limits}" if self.limits else "")

    @property
    def _quotes(self) -> str:
        in_bps = f"{self.spread_bps:.3g} bps"
        both = in_bps if self.unit == "bps" else f"{self.spread_pips:.3g} {self.unit}, {in_bps}"
        return f"the quoted spread of every round trip (median {both})"

    @property
    def fills(self) -> str:
        """Where actions filled, and what pairs shared, in sentences."""
        filled = "close they are decided at" if self.fill == "close" else "open of the next bar"
        limit = self.max_total_exposure
        shared = f" All pairs together hold an exposure of {limit:g} at most." if limit else ""
        return f"Actions fill at the {filled}.{shared}"


def report_dict(conditions: Conditions, metrics: Mapping[str, Metrics]) -> dict[str, Any]:
    """Results of the named policies for JSON, with keys in the unit of `conditions`.

    Returns:
        ``{"conditions": ..., "policies": {name: metrics}}``
    """
    facts = {
        "conditions": asdict(conditions),
        "policies": {name: m.as_dict() for name, m in metrics.items()},
    }
    return in_unit(facts, conditions.unit)
