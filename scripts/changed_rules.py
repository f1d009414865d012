"""What planning is worth under rules that nobody was trained for.

    python scripts/changed_rules.py RUN ... [--told RUN ...] [--rules NAME ...] [--sessions N]
        [--depths D ...] [--fresh-seed N] [--json]

The runs are factored models trained on a planted market at its own cost, as in the folder of
scripts/known_optimum.py, with the market's fresh twin in the same store. Every policy plays the
same sessions of that twin under each rule: a round trip of 1, 2, 4 or 8 pips; 6 pips, but 2 at
every fifth minute; or flat after two thirds of the session.

- search: the run's agent, which plans with the rules in force, without another training;
- raw network: its networks with the rules in force at the next decision, and no search;
- as trained: its search by the rules of its training; accounts are held to those in force;
- line, line_dp, fitted_q by the training's rules: fitted under them, played here;
- the same retrained: fitted under the rules in force;
- told: runs that were trained with costs drawn from a range (`train.cost_high_pips`) and told them:
  their search and their raw networks, with the cost in force as an input;
- the best policy under the rules in force.

--depths also plays the search of the first run of either kind at other depths, to see what more
simulations add. Differences are paired by session; intervals (95 %) draw groups of sessions at the
same hours.
"""

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from bench.fresh_sessions import FRESH_SEED, starts_of, twin_of
from bench.report import Report
from mlx_muzero.config.local_times import SessionBar
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.agent_policies import NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.baselines import BestPolicy
from mlx_muzero.evaluation.full_comparison import difference
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.fitted import fit_rivals
from mlx_muzero.experiment.loading import load_truth
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.market.synthetic.optima import from_truth
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import TradingRules

RIVALS = ("line", "line_dp", "fitted_q")


@dataclass(frozen=True)
class Rule:
    """What differs from the rules of the training.

    Attributes:
        costs: in force; None for those of the training.
        flat_frac: share of a session after which all must be flat.
    """

    costs: Costs | None = None
    flat_frac: float = 1.0

    def applied(self, rules: TradingRules, session_bars: int) -> TradingRules:
        """`rules` with what differs, in sessions of so many bars."""
        bar = round(self.flat_frac * session_bars)
        limits = replace(rules.limits, flat_by=SessionBar(bar) if bar < session_bars else None)
        return replace(rules, costs=self.costs or rules.costs, limits=limits)


RULES = {
    "1 pip": Rule(Costs(1.0)),
    "2 pips": Rule(Costs(2.0)),
    "4 pips": Rule(Costs(4.0)),
    "8 pips": Rule(Costs(8.0)),
    "6 pips, every 5th minute 2": Rule(Costs(6.0, clock_minutes=5, clock_pips=2.0)),
    "flat after 2/3": Rule(flat_frac=2 / 3),
}
"""By the names they have in the table."""


@dataclass(frozen=True)
class Row:
    """One policy under one rule, in net pips a session of the fresh market.

    Attributes:
        rule: its name.
        policy: what played.
        net_pips: what it earned.
        of_best: share of what the best policy under that rule earned.
        trades: a session.
        beyond: what the searching agent of the first run earned beyond it.
        low: lower end of its interval.
        high: upper end.
    """

    rule: str
    policy: str
    net_pips: float
    of_best: float
    trades: float
    beyond: float
    low: float | None
    high: float | None


def main() -> None:
    parser = argparse.ArgumentParser(description="Planning under rules nobody was trained for.")
    parser.add_argument("runs", type=Path, nargs="+", metavar="RUN")
    parser.add_argument("--rules", choices=RULES, nargs="+", default=list(RULES))
    parser.add_argument("--told", type=Path, nargs="+", default=[], metavar="RUN")
    parser.add_argument("--depths", type=int, nargs="+", default=[], help="other depths of search")
    parser.add_argument("--sessions", type=int, default=2000)
    parser.add_argument("--fresh-seed", type=int, default=FRESH_SEED, help="of the fresh twin")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    named = {name: [str(run) for run in getattr(options, name)] for name in ("runs", "told")}
    report = Report(options.json, **named, rules=options.rules, depths=options.depths)
    study = Study(options.runs, options.told, options.depths, options.sessions, options.fresh_seed)
    rows = (row for name in options.rules for row in study.rows(name))
    report.table("rules", "net pips a session of the fresh market:", rows)
    report.end()


class Study:
    """Runs on one planted market, the rivals at its cost, and the sessions of its twin."""

    def __init__(
        self,
        paths: Sequence[Path],
        told: Sequence[Path],
        depths: Sequence[int],
        sessions: int,
        fresh_seed: int,
    ) -> None:
        self.runs, self.told = (
            [load_run(path, "best", None) for path in some] for some in (paths, told)
        )
        self.depths = depths
        first = self.runs[0]
        for run in (*self.runs, *self.told):
            if not isinstance(run.model, FactoredModel):
                raise ConfigError(f"{run.folder.path}: only factored models plan with other rules")
        twin = twin_of(first.config.market.symbol, fresh_seed)
        self.twin = load_run(paths[0], "best", None, symbol=twin)
        self.starts = starts_of(self.twin)[:sessions]
        self.truth = load_truth(first.config, first.store) or {}
        self.at_training = self._rivals(first.rules)

    def rows(self, name: str) -> Iterator[Row]:
        """Everything that plays under the rule of that name."""
        session_bars = self.twin.dataset.config.session_bars
        rules = RULES[name].applied(self.runs[0].rules, session_bars)
        best = from_truth(self._truth_under(rules, session_bars))
        played = {
            policy: backtest(plays, self.twin.dataset, rules, self.starts)
            for policy, plays in self._policies(rules).items()
        }
        played["best policy"] = backtest(BestPolicy(best), self.twin.dataset, rules, self.starts)
        first = next(iter(played.values()))
        for policy, result in played.items():
            yield _row(name, policy, result, first, played["best policy"])

    def _truth_under(self, rules: TradingRules, session_bars: int) -> dict[str, Any]:
        """The truth of the market, for the best policy under `rules`.

        Who must be flat by a bar plays a session of so many bars.
        """
        costs, truth = (
            rules.costs,
            self.truth
            | {
                "round_trip_cost_pips": rules.costs.round_trip_pips,
                "session_bars": rules.limits.playable(session_bars),
            },
        )
        if not costs.clock_minutes:
            return truth
        clock = {"cost_clock_minutes": costs.clock_minutes, "cost_clock_pips": costs.clock_pips}
        return truth | clock | {"kind": "planted_wait"}

    def _policies(self, rules: TradingRules) -> dict[str, Policy]:
        found: dict[str, Policy] = {}
        for number, run in enumerate(self.runs):
            agent = replace(run, rules=rules).agent()
            simulations = run.config.search.num_simulations
            found[f"search, run {number}"] = SearchPolicy(agent, simulations)
            found[f"raw network, run {number}"] = NetworkPolicy(agent)
            found[f"as trained, run {number}"] = SearchPolicy(run.agent(), simulations)
        for number, run in enumerate(self.told):
            agent = replace(run, rules=rules).agent()
            simulations = run.config.search.num_simulations
            found[f"told, run {number}"] = SearchPolicy(agent, simulations)
            found[f"told, raw network, run {number}"] = NetworkPolicy(agent)
        for name, run in (("search", self.runs[0]), *(("told", run) for run in self.told[:1])):
            for depth in self.depths:
                simulations = sum(run.model.outcomes**layer for layer in range(1, depth + 1))
                search = replace(run.config.search, depth_limit=depth)
                agent = replace(run, rules=rules).agent_with(search)
                deep = f"{name}, run 0, depth {depth} ({simulations} states)"
                found[deep] = SearchPolicy(agent, simulations)
        for name in RIVALS:
            found[f"{name}, training's rules"] = self.at_training[name]
        retrained = self._rivals(rules)
        return found | {f"{name}, retrained": retrained[name] for name in RIVALS}

    def _rivals(self, rules: TradingRules) -> Mapping[str, Policy]:
        return fit_rivals(self.runs[0].dataset, rules)


def _row(rule: str, policy: str, result: Backtest, first: Backtest, best: Backtest) -> Row:
    beyond = difference(first, result)
    net_pips = result.metrics.net_pips_per_session
    return Row(
        rule,
        policy,
        net_pips,
        net_pips / best.metrics.net_pips_per_session,
        result.metrics.trades_per_session,
        beyond.mean,
        beyond.low,
        beyond.high,
    )


if __name__ == "__main__":
    main()
