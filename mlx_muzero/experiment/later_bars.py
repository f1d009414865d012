"""Bars a run has not seen: those its store has gained since the run started."""

from collections.abc import Callable
from dataclasses import replace

from mlx_muzero.errors import ConfigError, DataError
from mlx_muzero.experiment.loading import load_bars
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import SplitRange
from mlx_muzero.training.run import MarketRecord

_OPEN_END_NS = 2**63 - 1


def later_bars(
    run: TrainedRun,
    begun: MarketRecord,
    first: str | None,
    end: str | None,
    names: tuple[str, str] = ("--from", "--to"),
    tell: Callable[[str], None] = lambda _text: None,
) -> tuple[MarketDataset, str]:
    """The run's bars plus those after them, as the part "later", and a description of these.

    The run's splits do not change. Windows of the first decisions may reach back into its own bars.

    Args:
        run: loaded with its own bars.
        begun: record of those bars.
        first: UTC time of the first decision; by default the end of the run's own bars.
        end: UTC time before which bars open; by default the store's end.
        names: names of the two times in errors.
        tell: receives where a large dataset is kept.

    Raises:
        ConfigError: a time is invalid, or before the run's test split.
        DataError: the store does not have the bars.
    """
    splits, own_end_ns = run.dataset.ranges, begun.end_ns
    first_ns = own_end_ns if first is None else _time_ns(names[0], first)
    end_ns = _OPEN_END_NS if end is None else _time_ns(names[1], end)
    if first_ns < splits["test"].first_ns:
        until = fitted_until(splits["train"], splits["validation"])
        raise ConfigError(
            f"{names[0]} {utc_text(first_ns)}: {until}. Start there, at its test "
            f"split, or at {utc_text(own_end_ns)}, where its own bars end; --split evaluates each "
            "of its splits."
        )
    if end_ns <= first_ns:
        raise ConfigError(f"{names[1]} {utc_text(end_ns)} is not after {utc_text(first_ns)} UTC")
    market = replace(run.config.market, first_utc="", end_utc="")
    dataset, store = load_bars(
        replace(run.config, market=market),
        run.store,
        tell=tell,
        # All points of series: what settles in later bars is paid, whenever it became known.
        period=lambda pair: replace(begun.period(pair), end_ns=end_ns, series_from_ns=None),
    )
    ends = {symbol: last_ns for symbol, (_, last_ns) in dataset.spans_ns.items()}
    last_ns = max(ends.values())
    if last_ns < first_ns:
        raise DataError(
            f"{store}: its bars of {begun.symbol} end at {utc_text(last_ns)} UTC, before "
            f"{utc_text(first_ns)}. Import later ones."
        )
    own = {**splits, "test": replace(splits["test"], end_ns=own_end_ns)}
    later = SplitRange(first_ns, end_ns, seen_from_ns=begun.first_ns)
    dataset = replace(dataset, config=run.config.market).with_later(own, later)
    words = _in_words(first_ns, last_ns, own_end_ns, begun)
    ended = [symbol for symbol, end in ends.items() if end < first_ns]
    return dataset, f"{words} There are none of {', '.join(ended)}." if ended else words


def fitted_until(train: SplitRange, validation: SplitRange) -> str:
    """Until when bars have made a run that has such splits, in words."""
    return (
        f"the run was trained on the bars before {utc_text(train.end_ns)} UTC and its checkpoint "
        f"chosen on those before {utc_text(validation.end_ns)} UTC"
    )


def _in_words(first_ns: int, last_ns: int, own_end_ns: int, begun: MarketRecord) -> str:
    span = f"Bars from {utc_text(first_ns)} to {utc_text(last_ns)} UTC"
    if first_ns >= own_end_ns:
        return (
            f"{span}, after everything the run was trained, chosen and tested on "
            f"({begun.days}): no part of it was fitted to them."
        )
    return (
        f"{span}, after all that the run was trained and chosen on; those before "
        f"{utc_text(own_end_ns)} UTC are its test split."
    )


def _time_ns(name: str, text: str) -> int:
    try:
        return utc_ns(text)
    except ValueError as error:
        raise ConfigError(f"{name}: {error}") from error
