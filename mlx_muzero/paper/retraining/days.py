"""Cuts a candidate's bars: the newest days judge it, and it is trained and chosen on those before.

Training and validation share what is left as they share it in the run that the session was started
with.
"""

from dataclasses import replace

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.timeunits import DAY_NS
from mlx_muzero.types import I64

_MOST_TRAINED_FRAC = 0.9
"""Of all bars, as a configuration may say; whatever is beyond it helps to choose."""

_MOST_JUDGED_FRAC = 0.5
"""Of all bars; a candidate trained on less than it is judged on would be no candidate."""


def cut_for_judging(dataset: MarketDataset, judged_days: int) -> MarketConfig:
    """The market of `dataset`, split so that test sessions begin on at least `judged_days` days.

    Raises:
        DataError: there are too few bars.
    """
    times = np.sort(dataset.open_time_ns)
    days = np.unique(times // DAY_NS)[::-1]
    for first_day in days[judged_days - 1 :].tolist():
        market = _split_at(dataset.config, times, int(np.searchsorted(times, first_day * DAY_NS)))
        if market is None:
            break
        if _judged_days(replace(dataset, config=market)) >= judged_days:
            return market
    raise DataError(
        f"the {len(times):,} bars of {dataset.label} are too few to judge a candidate on sessions "
        f"of {judged_days} days (retrain.judged_days) and to train it on as many before"
    )


def _split_at(market: MarketConfig, times: I64, judged_from: int) -> MarketConfig | None:
    """`market` whose test split begins with bar `judged_from`; None if that is too early."""
    bars = len(times)
    if judged_from < bars * (1.0 - _MOST_JUDGED_FRAC):
        return None
    share = market.train_frac / (market.train_frac + market.validation_frac)
    trained = min(round(judged_from * share), int(bars * _MOST_TRAINED_FRAC))
    return replace(
        market,
        first_utc="",
        end_utc="",
        train_frac=trained / bars,
        validation_frac=(judged_from - trained) / bars,
    )


def _judged_days(dataset: MarketDataset) -> int:
    """Number of UTC days on which sessions of the test split begin."""
    try:
        starts = dataset.evaluation_starts("test")
    except DataError:
        return 0
    return len(np.unique(dataset.open_time_ns[starts] // DAY_NS))
