"""Rolling windows over years of bars, each with its own three splits.

Every window has the same number of bars and advances by the length of its test split, so the test
splits follow each other without gap or overlap, and the last ends with the last bar. Nothing from
after a window's test appears in that window or an earlier one. Anchored windows have the same
validation and test splits, and train on all that came before.
"""

from dataclasses import replace

import numpy as np

from mlx_muzero.config.schema import MarketConfig
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import utc_text
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.types import I64


def rolling_windows(
    open_time_ns: I64, config: MarketConfig, count: int, *, anchored: bool = False
) -> list[MarketConfig]:
    """`config` for each of `count` windows, earliest first.

    The bars of several pairs are counted together, as for the splits.

    Args:
        open_time_ns: ``i64[T]`` opens of all bars of all pairs.
        config: how each window is split.
        count: number of windows, at least 1.
        anchored: whether all of them begin with the first bar.

    Raises:
        DataError: there are too few bars.
    """
    times = np.sort(open_time_ns)
    before_test = config.train_frac + config.validation_frac
    # bars + (count - 1) x tested bars must not exceed what there is.
    bars = int(len(times) / (1.0 + (count - 1) * (1.0 - before_test)))
    tested = bars - round(bars * before_test)
    while bars + (count - 1) * tested > len(times):
        bars -= 1
        tested = bars - round(bars * before_test)
    if tested < 1:
        raise DataError(f"{len(times):,} bars are too few for {count} windows; choose fewer")
    ends = np.append(times, times[-1] + MINUTE_NS)
    last = len(times) - tested * np.arange(count - 1, -1, -1)
    if anchored:
        validated = round(bars * before_test) - round(bars * config.train_frac)
        return [
            replace(
                config,
                first_utc=utc_text(int(times[0])),
                end_utc=utc_text(int(ends[end])),
                train_frac=float(end - tested - validated) / end,
                validation_frac=float(validated) / end,
            )
            for end in last.tolist()
        ]
    return [
        replace(
            config, first_utc=utc_text(int(times[end - bars])), end_utc=utc_text(int(ends[end]))
        )
        for end in last
    ]
