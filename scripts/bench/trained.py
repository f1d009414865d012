"""Trains runs, and lets trained ones be judged next to rivals that know nothing of them."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path

from bench.factored_years import FACTORED
from bench.years import YearlyMarket
from mlx_muzero.api.running import train
from mlx_muzero.config.schema import Config, MarketConfig
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.experiment.trained_run import load_run

_UNTOLD = 0.01
"""Share of its bars that a run keeps for a test of its own, which every configuration has."""

_OF_SPAN = ("first_utc", "end_utc", "train_frac", "validation_frac", "embargo_bars")


def train_runs(
    config: Config, folder: Path, seeds: Sequence[int], store: Path, market: YearlyMarket, end: int
) -> list[Path]:
    """A run of `config` for each seed, trained until the year `end`; finished ones are kept.

    Args:
        config: the study's; its checkpoint is the last, and validations only tell of it.
        folder: receives a folder for each run.
        seeds: of the runs.
        store: the store of `market`.
        market: the bars, and what comes after them.
        end: first year that is not learned from.
    """
    opens, first_ns = market.dataset.open_time_ns, market.of(end).ranges["test"].first_ns
    # Those after the end are validated on: a test that they were part of could not be judged.
    known = int((opens < first_ns).sum())
    validated = market.of(end + 1).ranges["test"].first_ns
    share = known / int((opens < validated).sum())
    span = replace(
        config.market,
        end_utc=f"{end + 1}-01-01",
        train_frac=share,
        validation_frac=1.0 - share - _UNTOLD,
    )
    runs = []
    for seed in seeds:
        settings = replace(config, market=span, train=replace(config.train, seed=seed))
        runs.append(train(settings, folder / f"{FACTORED} {seed}", store=store).run)
    return runs


def trained_policies(
    runs: Sequence[Path],
    store: Path,
    market: YearlyMarket,
    first_test_year: int,
    pips: float,
    tell: Callable[[str], None],
) -> Iterator[Policy]:
    """The best checkpoint of each of `runs`, searching as it was configured to.

    Args:
        runs: their folders.
        store: the store of `market`.
        market: what they are to play.
        first_test_year: when the test begins.
        pips: round trip in force, whatever it cost in training.
        tell: receives notes.

    Raises:
        SystemExit: a run observes other bars, plays other sessions, or has seen the test.
    """
    test_ns = int(market.of(first_test_year).ranges["test"].first_ns)
    for path in runs:
        run = load_run(path, "best", store, tell=tell, cost=pips)
        if differing := sorted(_differing(run.config.market, market.dataset.config)):
            raise SystemExit(
                f"{path}: its {', '.join(differing)} differ from this study's: give the run's by "
                "--set, or train it with the preset fx_intraday"
            )
        if run.dataset.ranges["validation"].end_ns > test_ns:
            raise SystemExit(
                f"{path}: bars of {first_test_year} trained it or chose its checkpoint: train it "
                f"with --set market.end_utc={first_test_year}-01-01, or judge later years"
            )
        yield SearchPolicy(run.agent(), run.config.search.num_simulations, path.name)


def _differing(one: MarketConfig, other: MarketConfig) -> Iterator[str]:
    for name in vars(one):
        if name not in _OF_SPAN and getattr(one, name) != getattr(other, name):
            yield f"market.{name}"
