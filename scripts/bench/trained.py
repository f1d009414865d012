"""Trained runs, to be judged next to rivals that know nothing of them."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from bench.years import YearlyMarket
from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.experiment.trained_run import load_run

_OF_SPAN = ("first_utc", "end_utc", "train_frac", "validation_frac")


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
