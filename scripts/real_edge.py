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
years of --fit alone, at the preset's costs; its cost factor is chosen by the years left out. Its
runs, and those of --run, which must not know the test either, play the same days at the same costs.

Whether they play at a cost is up to the years left out: every run's recipe is trained once more
without each of them. Where the 95 % interval of what these models earn at that cost, an account
with a share in each, is not above 0, the runs stay flat, and where it is not at the preset's costs,
--train trains none. Intervals draw whole days. The ledger next to STORE counts the looks, and what
was tried on the years left out; the verdicts at the end are deflated by all of it. With --walk, the
same bars with random signs are written to STORE2, and all of it is done there, where there is
nothing to find.

Six years of minutes take about a gigabyte, and a rival up to a minute for each round trip,
`fitted_q` six; a run's recipe takes twelve for its years left out, and one for each round trip.
With --rivals alone, without names, nothing is fitted, and the rule may be judged on any years.
Import the bars first: mlx-muzero data import FILE --symbol USDJPY --db STORE
"""

import argparse
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property, partial
from pathlib import Path

from bench.by_years import CANDIDATES, RULE, Candidates, choose, fitted, of_fitted_q
from bench.days import Beyond, Earned, beyond, earned
from bench.factored_years import FACTORED, LeftOut
from bench.report import Report
from bench.trained import train_runs, trained_policies
from bench.verdicts import JudgedTest, Said
from bench.walk import write_walk
from bench.years import Fold, YearlyMarket, left_out
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.backtest import Backtest, backtest, joined
from mlx_muzero.evaluation.baselines import FLAT_POLICY
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rivals.fitted_q import FittedQRecipe
from mlx_muzero.evaluation.validated import Validated
from mlx_muzero.experiment.loading import load_config, load_dataset
from mlx_muzero.experiment.looks import record_training
from mlx_muzero.trading.costs import Costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.run import RunFolder

FITTED_Q = "fitted_q"
ALL_RUNS = "all runs"
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
        self._judged = JudgedTest(self._market, options.test, self._store)
        self.starts = self._judged.starts
        self.by_year: list[InYear] = []
        self.beyond: list[Beyond] = []
        self.notes: dict[str, None] = {}
        self._shown: dict[tuple[float, tuple[LeftOut, ...]], bool] = {}

    @property
    def looks(self) -> str:
        """How often the test was looked at, as a sentence."""
        return self._judged.looks.words

    def verdicts(self) -> Iterator[Said]:
        """On every row, knowing everything that was tried."""
        return self._judged.verdicts()

    def rows(self) -> Iterator[Earned]:
        """Every policy at every round trip."""
        for pips in self._options.pips:
            rules = replace(TradingRules.from_config(self._config), costs=Costs(pips))
            rule = self._judge(RULE, rules)
            self._keep(pips, RULE.name, self._rule_by_year(rules))
            yield self._earned(rules, RULE.name, [rule], rule)
            of_rivals: list[Backtest] = []
            for name in self._options.rivals:
                played = list(self._rival(name, rules))
                of_rivals = played if name == FITTED_Q else of_rivals
                for seed, one in zip(self._options.seeds, played, strict=False):
                    if name == FITTED_Q:
                        yield self._earned(rules, f"{name} {seed}", [one], rule)
                yield self._earned(rules, name, played, rule)
            runs = []
            for name, policy in self._trained(rules):
                runs.append(self._judge(policy, rules, name))
                yield self._earned(rules, name, runs[-1:], rule)
            if len(runs) > 1:
                yield self._earned(rules, ALL_RUNS, runs, rule)
            if runs and of_rivals:
                self.beyond.append(beyond(pips, ALL_RUNS, runs, FITTED_Q, of_rivals))

    def _earned(
        self, rules: TradingRules, name: str, played: Sequence[Backtest], rule: Backtest
    ) -> Earned:
        self._judged.keep(rules, name, played)
        return earned(rules.costs.round_trip_pips, name, played, rule)

    def _trained(self, rules: TradingRules) -> Iterator[tuple[str, Policy]]:
        """Every run, or staying flat under its name where the years left out earn nothing."""
        options, pips = self._options, rules.costs.round_trip_pips
        runs = [*options.run, *self._trained_here]
        if not runs:
            return
        earns = self._earns(rules, [*self._given, *self._recipes])
        played = (runs, options.store, self._market, options.test[0], pips)
        for policy in trained_policies(*played, lambda note: self.notes.update({note: None})):
            yield policy.name, policy if earns else FLAT_POLICY

    def _earns(self, rules: TradingRules, recipes: Sequence[LeftOut]) -> bool:
        """Whether an account with a share in each recipe earns something in the years left out."""
        pips = rules.costs.round_trip_pips
        known = self._shown.get((pips, tuple(recipes)))
        if known is not None:
            return known
        years = [recipe.played(rules) for recipe in recipes]
        for recipe, of_one in zip(recipes, years, strict=True):
            by_year = [each.metrics.net_pips_per_session for each in of_one]
            self._keep(pips, f"{FACTORED} {recipe.seed}", by_year)
        found = Validated.of([joined(of_one, rules) for of_one in years])
        told = f"{found.words(rules.unit, 'day')}: it {'plays' if found.earns else 'stays flat'}"
        self.notes[f"{FACTORED} at {pips:g} {rules.unit}, years left out: {told}"] = None
        self._shown[pips, tuple(recipes)] = found.earns
        return found.earns

    @cached_property
    def _given(self) -> list[LeftOut]:
        """The recipes of --run, on the years left out."""
        configs = [RunFolder(path).config() for path in self._options.run]
        return [self._left_out(replace(each, market=self._config.market)) for each in configs]

    @cached_property
    def _trained_here(self) -> list[Path]:
        """The runs of --train, if the years left out earn anything."""
        options, rules = self._options, TradingRules.from_config(self._config)
        if options.train is None:
            return []
        if not self._earns(rules, self._recipes):
            self.notes["no factored model was trained, and none trades"] = None
            return []
        end = options.fit[-1] + 1
        chosen = self._configured(self._factor)
        return train_runs(chosen, options.train, options.seeds, options.store, self._market, end)

    @cached_property
    def _recipes(self) -> list[LeftOut]:
        """That of --train with every seed."""
        if self._options.train is None:
            return []
        chosen, seeds = self._configured(self._factor), self._options.seeds
        return [self._tries[self._factor], *(self._try(chosen, seed) for seed in seeds[1:])]

    @cached_property
    def _tries(self) -> dict[float, LeftOut]:
        """The recipe of --train with each cost factor, and the first seed."""
        factors, seed = self._options.factors, self._options.seeds[0]
        return {factor: self._try(self._configured(factor), seed) for factor in factors}

    @cached_property
    def _factor(self) -> float:
        """The cost factor that earned most in the years left out."""
        rules, tries = TradingRules.from_config(self._config), self._tries
        if len(tries) == 1:
            return next(iter(tries))
        earned_by = {
            factor: sum(each.metrics.net_pips_per_session for each in recipe.played(rules))
            for factor, recipe in tries.items()
        }
        return max(earned_by, key=lambda factor: earned_by[factor])

    def _configured(self, factor: float) -> Config:
        search = replace(self._config.search, cost_factor=factor)
        return replace(self._config, search=search)

    def _try(self, config: Config, seed: int) -> LeftOut:
        return self._left_out(replace(config, train=replace(config.train, seed=seed)))

    def _left_out(self, config: Config) -> LeftOut:
        factor, seed = config.search.cost_factor, config.train.seed
        label = f"{FACTORED}, years left out, costs {factor:g} times, seed {seed}"
        record_training(self._store, self._market.dataset, config, Path(label))
        return LeftOut(config, self._folds)

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
        self._judged.look(label, hashlib.sha256(text.encode()).hexdigest(), played)
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
    report.table("verdicts", "Luck or skill, after all that was tried:", study.verdicts())
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
    fits = options.rivals or options.run or options.train
    if fits and set(options.test) & {*options.fit, *options.choose}:
        parser.error("a year of --test is among those of --fit or --choose")
    return options


if __name__ == "__main__":
    main()
