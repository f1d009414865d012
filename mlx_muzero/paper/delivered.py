"""Compares what a model was trained on with what a session's feed delivers to it."""

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from mlx_muzero.config.schema import Config
from mlx_muzero.errors import FeedError
from mlx_muzero.market.bars import utc_ns, utc_text
from mlx_muzero.market.observation.context import context_columns
from mlx_muzero.market.series import Series, SeriesByName, max_age_ns
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.training.run import MarketRecord

_ESSENTIAL = 0.5
"""Share of the training bars with a known value above which a session needs the column."""


class Beside:
    """A model's training beside a session's feed.

    Args:
        trained: what the run was trained on.
        config: the run's configuration.
        settings: the session's settings.
        series: series of each pair in addition to its bars, as far as they are in a store.
        live: names of the series of each pair that a live feed delivers.
    """

    def __init__(
        self,
        trained: MarketRecord,
        config: Config,
        settings: PaperSettings,
        series: Mapping[str, SeriesByName],
        live: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self._trained, self._settings = trained, settings
        crypto = config.market.features == "crypto"

        def delivers(name: str, pair: str) -> bool:
            stored = series.get(pair, {}).get(name)
            if stored is not None and _reaches(stored, settings):
                return True
            return name in (live or {}).get(pair, ())

        self._columns = [
            (column.name, [p for p in settings.pairs if delivers(column.series, p)])
            for column in (context_columns(config.market) if crypto else ())
        ]

    def lines(self) -> Iterator[str]:
        """Lines to show before a session starts: pairs and times, and a table of the columns."""
        trained, settings = self._trained, self._settings
        yield (
            f"trained on {trained.symbol}, {utc_text(trained.first_ns)} to "
            f"{utc_text(trained.last_ns)} UTC; trades {', '.join(settings.pairs)} on "
            f"{settings.session.feed}"
        )
        sessions = {} if trained.coverage is None else trained.coverage.sessions.get("train", {})
        for pair in (pair for pair in settings.pairs if sessions.get(pair) == 0):
            yield f"note: {pair} had no training session"
        rows = [
            (name, self._known_text(name), _delivered(has, settings)) for name, has in self._columns
        ]
        if rows:
            table = [("column", "known in training", "here"), *rows]
            widths = [max(len(row[i]) for row in table) for i in range(2)]
            for name, known, here in table:
                yield f"  {name:<{widths[0]}}  {known:<{widths[1]}}  {here}"

    def require_known(self) -> None:
        """Refuse a session whose feed lacks columns that the model usually knew in training.

        Raises:
            FeedError: it does, and the settings do not accept that.
        """
        lacking = [
            name
            for name, has in self._columns
            if len(has) < len(self._settings.pairs) and (self._share(name) or 0.0) > _ESSENTIAL
        ]
        if not lacking or self._settings.session.accept_unknown:
            return
        raise FeedError(
            f"{self._settings.session.feed} does not deliver {', '.join(lacking)} of every pair, "
            "which the model knew at most of its training bars. Choose a feed that has it (only "
            "perpetual contracts have funding and open interest: ccxt:binanceusdm, or pairs like "
            "BTC/USDT:USDT), or a store (--db) with the macro series; train without it "
            "(market.context, market.macro); or accept that the model sees it marked unknown: "
            "--set session.accept_unknown=true"
        )

    def _share(self, column: str) -> float | None:
        """Mean share of the training bars at which a column was known; None if not recorded."""
        coverage = self._trained.coverage
        shares = {} if coverage is None else coverage.known.get(column, {})
        return sum(shares.values()) / len(shares) if shares else None

    def _known_text(self, column: str) -> str:
        share = self._share(column)
        return "not recorded" if share is None else f"at {share:.0%} of the bars"


def _reaches(series: Series, settings: PaperSettings) -> bool:
    """Whether `series` has any values during the replay."""
    replay = settings.session
    first_ns = utc_ns(replay.replay_from) if replay.replay_from else 0
    end_ns = utc_ns(replay.replay_to) if replay.replay_to else np.iinfo(np.int64).max
    fresh = series.known_ns + max_age_ns(series.name) >= first_ns
    return bool((fresh & (series.known_ns < end_ns)).any())


def _delivered(pairs: list[str], settings: PaperSettings) -> str:
    if not pairs:
        return "not delivered"
    if len(pairs) == len(settings.pairs):
        return "delivered"
    return f"delivered for {', '.join(pairs)} only"
