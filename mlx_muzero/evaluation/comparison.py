"""Compares the trained agent with everything it has to beat: same sessions, same costs."""

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, Doing, backtest
from mlx_muzero.evaluation.baselines import (
    BUY_AND_HOLD,
    FLAT_POLICY,
    BestPolicy,
    PerfectForesight,
    RandomPolicy,
    Trend,
    mean_reversion,
    momentum,
)
from mlx_muzero.evaluation.conditions import Conditions, report_dict
from mlx_muzero.evaluation.fix_rule import FixRule, is_fixed_in_tokyo
from mlx_muzero.evaluation.luck.assessment import Luck
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.registered_baselines import registered_baselines
from mlx_muzero.evaluation.result_tables import Tables, result_tables
from mlx_muzero.evaluation.rivals.fitted import fit_rivals
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.evaluation.synthetic_rules import costs_of, exposure_limit_of, max_entries_of
from mlx_muzero.frames import FrameLibrary, frame_of_rows
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part, gap_bars
from mlx_muzero.market.synthetic.optima import PLANTED, from_truth
from mlx_muzero.runlog.look_ledger import Looks
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.cost_size import round_trip_bps, spread_pips, step_note
from mlx_muzero.trading.costs import BASIS_POINT, Costs
from mlx_muzero.types import I64, Advance
from mlx_muzero.untrusted.json_values import in_unit

LOOKBACKS_BARS = (5, 15, 30, 60, 120)
"""Lookbacks of trend baselines; the one that is best on the validation split is played."""


@dataclass(frozen=True, eq=False)
class PolicyResult:
    """The result of one policy.

    Attributes:
        backtest: its backtest.
        decisions_per_s: decisions in all sessions per second, including the market's steps.
    """

    backtest: Backtest
    decisions_per_s: float


@dataclass(frozen=True, eq=False)
class Comparison:
    """Results of several policies.

    Attributes:
        conditions: what they were measured on.
        entries: results by policy name, the agents first.
        expected_best_pips: expected net pips per session of the best policy, if known.
        agents: names of the policies that were to be judged.
        bars: of the sessions.
        luck: what the first agent's results owe to luck; None on bars that it was trained or chosen
            on.
    """

    conditions: Conditions
    entries: dict[str, PolicyResult]
    expected_best_pips: float | None
    agents: tuple[str, ...]
    bars: SessionBars
    luck: Luck | None = None

    @property
    def judged(self) -> dict[str, Backtest]:
        """What the judged policies played, by name."""
        return {name: self.entries[name].backtest for name in self.agents}

    @property
    def baselines(self) -> dict[str, Backtest]:
        """What all others played, by name."""
        others = self.entries.keys() - set(self.agents)
        return {n: entry.backtest for n, entry in self.entries.items() if n in others}

    def after(self, looks: Looks | None, luck: Luck | None) -> "Comparison":
        """This comparison as one of so many `looks` at its bars, with what it owes to luck."""
        return replace(self, conditions=replace(self.conditions, looks=looks), luck=luck)

    def reaching(self, bars: int) -> "Comparison":
        """This comparison of agents whose examples of training reach over so many `bars`."""
        return replace(self, conditions=replace(self.conditions, reach_bars=bars))

    @property
    def metrics(self) -> dict[str, Metrics]:
        """Metrics by policy name."""
        return {name: entry.backtest.metrics for name, entry in self.entries.items()}

    def tables(self) -> Tables:
        """Sessions, trades, equity and decisions of the agents, daily returns (`result_tables`)."""
        played = {name: entry.backtest for name, entry in self.entries.items()}
        actions = list(next(iter(self.metrics.values())).action_frac)
        return result_tables(played, self.agents, self.bars, self.conditions.unit, actions)

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for each policy: its name, all of its `Metrics`, its decisions per second.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
        """
        rows = {
            name: entry.backtest.metrics.as_row() | {"decisions_per_s": entry.decisions_per_s}
            for name, entry in self.entries.items()
        }
        return frame_of_rows("policy", rows, library)

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        unit = self.conditions.unit
        expected = {"expected_best_pips_per_session": self.expected_best_pips}
        return report_dict(self.conditions, self.metrics) | {
            "decisions_per_s": {n: entry.decisions_per_s for n, entry in self.entries.items()},
            **in_unit(expected, unit),
            "luck": None if self.luck is None else in_unit(self.luck.as_dict(), unit),
        }


def compare(
    agents: Sequence[Policy],
    dataset: MarketDataset,
    rules: TradingRules,
    split: Part,
    sessions: int | None,
    truth: dict[str, Any] | None,
    tick: Advance = lambda _decisions: None,
    doing: Doing = lambda _what, _total: None,
) -> Comparison:
    """Play `agents` and the baselines over the sessions of `split`.

    Args:
        agents: the policies to judge, with distinct names.
        dataset: the market.
        rules: actions and costs.
        split: which part of the data.
        sessions: maximum number of sessions, spread evenly over the split; None for all.
        truth: what is known about a synthetic market; None for real data.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.
    """
    starts = dataset.evaluation_starts(split, sessions)
    policies = [*agents, *baselines(dataset, rules, tick, doing).values()]
    expected = None
    # The stored optimum is valid only under the rules it was computed for.
    if truth is not None and plays_by(truth, dataset, rules):
        expected = float(truth["expected_pips_per_session"])
        if truth["kind"] in PLANTED:
            policies.append(BestPolicy(from_truth(truth)))
    entries = {}
    for policy in policies:
        doing(f"{policy.name}: decisions", len(starts) * dataset.config.session_bars)
        entries[policy.name] = play(policy, dataset, rules, starts, tick)
    conditions = conditions_of(dataset, rules, split, starts)
    names = tuple(policy.name for policy in agents)
    bars = SessionBars.of(dataset, starts, rules.pip_size)
    return Comparison(conditions, entries, expected, names, bars)


def play(
    policy: Policy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    tick: Advance = lambda _decisions: None,
) -> PolicyResult:
    """Play one policy over the sessions at `starts` ``i64[n]``, and time it."""
    began = time.perf_counter()
    played = backtest(policy, dataset, rules, starts, tick)
    seconds = time.perf_counter() - began
    return PolicyResult(played, len(starts) * dataset.config.session_bars / seconds)


def search_variants(searchers: Mapping[str, Agent], simulations: Sequence[int]) -> list[Policy]:
    """Every way to search, at each number of simulations.

    Args:
        searchers: the agent to judge, by how it searches.
        simulations: numbers of simulations per decision.
    """
    return [
        SearchPolicy(agent, count, f"{search} {count}")
        for search, agent in searchers.items()
        for count in simulations
    ]


def baselines(
    dataset: MarketDataset,
    rules: TradingRules,
    tick: Advance = lambda _decisions: None,
    doing: Doing = lambda _what, _total: None,
) -> dict[str, Policy]:
    """Policies without a network, by family; trend lookbacks are chosen on the validation split."""
    starts = dataset.evaluation_starts("validation")

    def best(family: Callable[[int], Trend]) -> Trend:
        candidates = [family(bars) for bars in LOOKBACKS_BARS]
        net_pips = [
            backtest(candidate, dataset, rules, starts, tick).metrics.net_pips
            for candidate in candidates
        ]
        return candidates[int(np.argmax(net_pips))]

    rule = FixRule()
    decisions = 2 * len(LOOKBACKS_BARS) * len(starts) * dataset.config.session_bars
    doing("choosing lookbacks on the validation split: decisions", decisions)
    return {
        "flat": FLAT_POLICY,
        "buy_and_hold": BUY_AND_HOLD,
        "random": RandomPolicy(seed=0),
        "momentum": best(momentum),
        "mean_reversion": best(mean_reversion),
        "perfect_foresight": PerfectForesight(),
        **({rule.name: rule} if all(map(is_fixed_in_tokyo, dataset.symbols)) else {}),
        **fit_rivals(dataset, rules, tick, doing),
        **registered_baselines(),
    }


def plays_by(truth: dict[str, Any], dataset: MarketDataset, rules: TradingRules) -> bool:
    """Whether the truth of a synthetic market was computed for these sessions, rules and fills."""
    wanted = (
        truth["session_bars"],
        costs_of(truth),
        truth["parameters"]["pip_size"],
        max_entries_of(truth),
        exposure_limit_of(truth),
    )
    played = (
        dataset.config.session_bars,
        rules.costs,
        rules.pip_size,
        rules.max_entries,
        rules.exposure_limit,
    )
    at_close = np.array_equal(dataset.fill_prices(rules.fill), dataset.close)
    free = not (rules.swap.charges or rules.funding.fixed_rate or rules.limits.note)
    return at_close and free and wanted == played


def conditions_of(
    dataset: MarketDataset, rules: TradingRules, split: Part, starts: I64
) -> Conditions:
    """Describe the sessions at `starts` ``i64[n]`` of `split`, in words and numbers."""
    first = dataset.open_time_ns[starts].min()
    last = dataset.open_time_ns[starts + dataset.config.session_bars].max()
    price = float(np.median(dataset.close[starts]))
    spread_bps = usual_spread_bps(dataset, rules.costs, split)
    return Conditions(
        data=dataset.label,
        split=split,
        sessions=len(starts),
        available_sessions=len(dataset.evaluation_starts(split)),
        session_bars=dataset.config.session_bars,
        round_trip_cost_pips=rules.costs.round_trip_pips,
        first=utc_text(int(first)),
        last=utc_text(int(last)),
        fill=rules.fill,
        fill_cost_bps=rules.costs.fill_bps,
        cost_clock_minutes=rules.costs.clock_minutes,
        cost_clock_pips=rules.costs.clock_pips,
        max_entries=rules.max_entries,
        unit=rules.unit,
        cost_bps=round_trip_bps(rules.costs, price, rules.pip_size, spread_bps or 0.0),
        spread_bps=spread_bps,
        spread_pips=None if spread_bps is None else spread_pips(spread_bps, price, rules.pip_size),
        swap_long_pips=rules.swap.long_pips,
        swap_short_pips=rules.swap.short_pips,
        funding=rules.funding.note_on(dataset),
        max_total_exposure=0.0 if rules.exposure_limit is None else rules.exposure_limit.total,
        wide_steps=wide_steps(dataset, rules.costs, rules.pip_size),
        fx_week=dataset.fx_week,
        session_start=dataset.config.session_start,
        limits=rules.limits.note,
        gap_bars=gap_bars(dataset.config),
    )


def usual_spread_bps(
    dataset: MarketDataset, costs: Costs, split: Part | None = None
) -> float | None:
    """Median of ask less bid at the closes, of `split` or all, in bps; None unless it is paid."""
    if not costs.quoted:
        return None
    relative = dataset.close_spreads / dataset.close
    if split is not None:
        span, time_ns = dataset.ranges[split], dataset.open_time_ns
        relative = relative[(time_ns >= span.first_ns) & (time_ns < span.end_ns)]
    return float(np.median(relative)) / BASIS_POINT


def wide_steps(dataset: MarketDataset, costs: Costs, pip_size: float) -> tuple[str, ...]:
    """Results of `cost_size.step_note` for the pairs of `dataset`."""
    by_pair = ((pair, dataset.close[dataset.pair == pair]) for pair in np.unique(dataset.pair))
    notes = (
        step_note(dataset.config.pairs[pair], close, costs, pip_size) for pair, close in by_pair
    )
    return tuple(note for note in notes if note)
