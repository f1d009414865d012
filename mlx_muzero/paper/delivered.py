"""Compares what a model was trained on with what a session's feed delivers to it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.observation.context import context_columns
from mlx_muzero.market.series import Series, SeriesByName, max_age_ns
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.training.run import MarketRecord


def trained_beside_delivered(
    trained: MarketRecord,
    config: Config,
    settings: PaperSettings,
    series: Mapping[str, SeriesByName],
    live: Mapping[str, Sequence[str]] | None = None,
) -> Iterator[str]:
    """Lines to show before a session starts.

    Args:
        trained: what the run was trained on.
        config: the run's configuration.
        settings: the session's settings.
        series: series of each pair in addition to its bars, as far as they are in a store.
        live: names of the series of each pair that a live feed delivers.
    """
    yield (
        f"trained on {trained.symbol}, {utc_text(trained.first_ns)} to "
        f"{utc_text(trained.last_ns)} UTC; trades {', '.join(settings.pairs)} on "
        f"{settings.session.feed}"
    )
    coverage = trained.coverage
    if coverage is not None:
        sessions = coverage.sessions.get("train", {})
        for pair in (pair for pair in settings.pairs if sessions.get(pair) == 0):
            yield f"note: {pair} had no training session"
    if config.market.features != "crypto":
        return
    for column in context_columns(config.market):
        has = [
            pair
            for pair in settings.pairs
            if column.series in (live or {}).get(pair, ())
            or (
                column.series in series.get(pair, {})
                and _reaches(series[pair][column.series], settings)
            )
        ]
        shares = {} if coverage is None else coverage.known.get(column.name, {})
        known = f"known at {_mean(shares):.0%} of the bars it was trained on" if shares else ""
        yield (
            f"{column.name}: {known or 'its share of the training bars is not recorded'}, "
            f"{_delivered(has, settings)}"
        )


def _reaches(series: Series, settings: PaperSettings) -> bool:
    """Whether `series` has any values during the replay."""
    replay = settings.session
    first_ns = utc_ns(replay.replay_from) if replay.replay_from else 0
    end_ns = utc_ns(replay.replay_to) if replay.replay_to else np.iinfo(np.int64).max
    fresh = series.known_ns + max_age_ns(series.name) >= first_ns
    return bool((fresh & (series.known_ns < end_ns)).any())


def _mean(shares: Mapping[str, float]) -> float:
    return sum(shares.values()) / len(shares)


def _delivered(pairs: list[str], settings: PaperSettings) -> str:
    if not pairs:
        return "not delivered here"
    if len(pairs) == len(settings.pairs):
        return "delivered here"
    return f"delivered here for {', '.join(pairs)} only"
