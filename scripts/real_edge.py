"""What is there to earn on a real currency pair, and who finds it: rules, rivals and trained runs.

    python scripts/real_edge.py STORE [--symbol USDJPY] [--fit 2015-2018] [--choose 2015-2019]
        [--test 2020] [--pips 0.2,0.4,0.8,4] [--rivals NAME ...] [--seeds S ...] [--steps N]
        [--train FOLDER [--factors 1,2,4]] [--run RUN ...] [--walk STORE2]
        [--set KEY=VALUE] [--json]

The market is the preset fx_intraday's: its features, its sessions of a trading day, fills at the
next open. Every rival is fitted on the years of --fit. Its parameters are those that earned most in
the years of --choose, each played by a fit that left it out. Then all play every day of --test, at
each round trip. The number of steps of `fitted_q` is chosen with its first seed; what it earned is
told of each seed and of their mean. With --train, a factored model is trained for every seed on the
years of --fit alone, at the preset's costs; its cost factor is chosen by the years left out, and
where none of them paid, it is not trained. Its runs, and those of --run, which must not know the
test either, play the same days at the same costs. Intervals (95 %) draw whole days. The ledger next
to STORE counts the looks, and what was tried on the years left out. With --walk, the same bars with
random signs are written to STORE2, and all of it is done there, where there is nothing to find.

Six years of minutes take about a gigabyte, and a rival up to a minute for each round trip,
`fitted_q` six. Import the bars first: mlx-muzero data import FILE --symbol USDJPY --db STORE
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from bench.by_years import CANDIDATES, RULE, Candidates, choose, fitted, of_fitted_q
from bench.days import Beyond, Earned, beyond, earned
from bench.factored_years import FACTORED, of_factored
from bench.report import Report
from bench.trained import train_runs, trained_policies
from bench.walk import write_walk
from bench.years import Fold, YearlyMarket, left_out
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.experiment.looks import looked_bars, record_training
from mlx_muzero.runlog.look_ledger import LookLedger
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import TradingRules

FITTED_Q = "fitted_q"
RIVALS = (*CANDIDATES, FITTED_Q)


@dataclass(frozen=True)
class InYear:
    """What a policy earned in a year that its fit left out, net pips a day.

    Attributes:
        pips: round trip.
        policy: its name.
        year: the year.
        net: mean of its days.
    """

    pips: float
    policy: str
    year: int
    net: float


class Study:
    """Fits, chooses and judges on one market."""

    def __init__(self, options: argparse.Namespace, config: Config) -> None:
        self._options, self._config = options, config
        dataset, self._store = load_dataset(config, options.store)
        self._market = YearlyMarket(dataset)
        self._folds = left_out(self._market, options.fit, options.choose)
        self._last = Fold(self._market, tuple(options.fit), tuple(options.choose[-1:]))
        self.starts = self._market.starts(options.test)
        self.by_year: list[InYear] = []
        self.beyond: list[Beyond] = []
        self.notes: dict[str, None] = {}

    @property
    def looks(self) -> str:
        """How often the test was looked at, as a sentence."""
        return self._looks.words

    def rows(self) -> Iterator[Earned]:
        """Every policy at every round trip."""
        for pips in self._options.pips:
            rules = replace(TradingRules.from_config(self._config), costs=Costs(pips))
            rule = self._judge(RULE, rules)
            self._keep(pips, RULE.name, self._rule_by_year(rules))
            yield earned(pips, RULE.name, [rule], rule)
            of_rivals: list[Backtest] = []
            for name in self._options.rivals:
                played = list(self._rival(name, rules))
                of_rivals = played if name == FITTED_Q else of_rivals
                for seed, one in zip(self._options.seeds, played, strict=False):
                    if name == FITTED_Q:
                        yield earned(pips, f"{name} {seed}", [one], rule)
                yield earned(pips, name, played, rule)
            runs = []
            for policy in self._trained(pips):
                runs.append(self._judge(policy, rules))
                yield earned(pips, policy.name, runs[-1:], rule)
            if len(runs) > 1:
                yield earned(pips, "all runs", runs, rule)
            if runs and of_rivals:
                self.beyond.append(beyond(pips, "all runs", runs, FITTED_Q, of_rivals))

    def _trained(self, pips: float) -> Iterator[Policy]:
        options = self._options
        runs = [*options.run, *self._trained_here]
        played = (runs, options.store, self._market, options.test[0], pips)
        return trained_policies(*played, lambda note: self.notes.update({note: None}))

    @cached_property
    def _trained_here(self) -> list[Path]:
        """The runs of --train, if any year left out paid."""
        options, config = self._options, self._config
        if options.train is None:
            return []
        rules, factors = TradingRules.from_config(config), options.factors
        for factor in factors:
            tried = replace(config, search=replace(config.search, cost_factor=factor))
            label = Path(f"{FACTORED}, years left out, costs {factor:g} times")
            record_training(self._store, self._market.dataset, tried, label)
        choice = choose(partial(of_factored, config, factors), rules, self._folds)
        self._keep(rules.costs.round_trip_pips, FACTORED, choice.by_year)
        if choice.place is None:
            self.notes["no year left out paid: no factored model was trained, and none trades"] = (
                None
            )
            return []
        search = replace(config.search, cost_factor=factors[choice.place])
        chosen, end = replace(config, search=search), options.fit[-1] + 1
        return train_runs(chosen, options.train, options.seeds, options.store, self._market, end)

    def _rival(self, name: str, rules: TradingRules) -> Iterator[Backtest]:
        """Plays the test, once for every seed of a rival that has one; the first chooses."""
        of_seeds = self._candidates(name)
        choice = choose(of_seeds[0], rules, self._folds)
        self._keep(rules.costs.round_trip_pips, name, choice.by_year)
        for candidates in of_seeds:
            yield self._judge(fitted(candidates, rules, self._last, choice), rules, name)

    def _candidates(self, name: str) -> list[Candidates]:
        if name in CANDIDATES:
            return [CANDIDATES[name]]
        recipe = FittedQRecipe(steps=(600, self._options.steps))
        return [partial(of_fitted_q, seed, recipe) for seed in self._options.seeds]

    def _judge(self, policy: Policy, rules: TradingRules, name: str = "") -> Backtest:
        """Play the test, and record the look."""
        played = backtest(policy, self._market.dataset, rules, self.starts)
        label = f"{name or policy.name} at {rules.costs.round_trip_pips:g} pips"
        text = f"{label}\n{config_toml.dumps(self._config)}"
        digest = hashlib.sha256(text.encode()).hexdigest()
        for year in self._options.test:
            looked = looked_bars(self._market.of(year), "test")
            self._looks = LookLedger(self._store).add("evaluated", looked, digest, label)
        return played

    def _rule_by_year(self, rules: TradingRules) -> list[float]:
        dataset = self._market.dataset
        played = (backtest(RULE, dataset, rules, fold.starts) for fold in self._folds)
        return [each.metrics.net_pips_per_session for each in played]

    def _keep(self, pips: float, policy: str, by_year: Sequence[float]) -> None:
        years = zip(self._options.choose, by_year, strict=True)
        self.by_year += [InYear(pips, policy, year, net) for year, net in years]


def main() -> None:
    """Print what every policy earned on the test, and in the years that chose it."""
    options = _arguments()
    if options.walk is not None:
        options.store = write_walk(options.store, options.symbol, options.walk)
    config = load_config("fx_intraday", None, options.set, options.symbol, options.store)
    study = Study(options, config)
    report = Report(
        options.json,
        data=f"{options.symbol}, {options.store.name}",
        sessions=f"{config.market.session_bars} bars from {config.market.session_start}",
        fitted=_words(options.fit),
        chosen=f"{_words(options.choose)}, each left out in turn",
        test=f"{_words(options.test)}, {len(study.starts)} days",
        fills=config.trading.fill,
    )
    report.table("test", "Net pips a day of the test, and beyond the rule:", study.rows())
    if study.beyond:
        report.table("beyond", "The same days, beyond a rival:", study.beyond)
    report.table("years", "Net pips a day of each year, left out by the fit:", study.by_year)
    for note in study.notes:
        report.note(note)
    report.note(study.looks)
    report.end()


def _years(text: str) -> list[int]:
    first, _, last = text.partition("-")
    return list(range(int(first), int(last or first) + 1))


def _words(years: Sequence[int]) -> str:
    return f"{years[0]} to {years[-1]}" if len(years) > 1 else str(years[0])


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("store", type=Path, help="bar store")
    parser.add_argument("--symbol", default="USDJPY", help="a currency pair in it")
    parser.add_argument("--fit", type=_years, default=_years("2015-2018"), help="years to fit on")
    parser.add_argument("--choose", type=_years, default=_years("2015-2019"), help="left out")
    parser.add_argument("--test", type=_years, default=_years("2020"), help="judged at the end")
    parser.add_argument(
        "--pips",
        type=lambda text: [float(pips) for pips in text.split(",")],
        default=[0.2, 0.4, 0.8, 4.0],
        help="round trips (default: 0.2,0.4,0.8,4)",
    )
    parser.add_argument("--rivals", nargs="*", choices=RIVALS, default=RIVALS, metavar="NAME")
    parser.add_argument(
        "--seeds", type=int, nargs="+", default=[0, 1, 2], help="of fitted_q and --train"
    )
    parser.add_argument("--steps", type=int, default=6000, help="most training steps of fitted_q")
    parser.add_argument("--train", type=Path, help="folder for factored models, one for each seed")
    parser.add_argument(
        "--factors",
        type=lambda text: [float(factor) for factor in text.split(",")],
        default=[2.0],
        help="cost factors to choose from (default: 2)",
    )
    parser.add_argument("--run", type=Path, nargs="*", default=[], help="trained runs to judge")
    parser.add_argument("--walk", type=Path, help="new store for a random walk, studied instead")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE")
    parser.add_argument("--json", action="store_true", help="print everything as JSON at the end")
    options = parser.parse_args()
    if set(options.test) & {*options.fit, *options.choose}:
        parser.error("a year of --test is among those of --fit or --choose")
    return options


if __name__ == "__main__":
    main()
