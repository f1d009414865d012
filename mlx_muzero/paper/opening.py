"""Opens an engine over a session's folder, store and feed; creates the session if all is well."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

from mlx_muzero.agent.agent import played_by
from mlx_muzero.config.schema import Config
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.market.history import observes_spread
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.market.series import SeriesByName
from mlx_muzero.paper.agent_planner import AgentPlanner
from mlx_muzero.paper.beginning import costs_advice
from mlx_muzero.paper.companion import Companion, NoCompanion
from mlx_muzero.paper.delivered import Beside
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.feed import Feed
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.played_bars import count_replay
from mlx_muzero.paper.records.cross_check import open_store
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.origin import origin_of, require_here
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.retraining.loading import loaded
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.retraining.recorded import retraining_of
from mlx_muzero.paper.retraining.retraining import Retraining
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.session_setup import (
    begin_of_replay_ns,
    make_feed,
    make_session,
    replayed_series,
    wanted_series,
)
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.runlog.logs import CANDIDATES
from mlx_muzero.training.models import validation_warning
from mlx_muzero.training.run import RunFolder

Say = Callable[[str], None]
"""Receives text that someone at the console should see."""


def named_feed(settings: PaperSettings, config: Config, session: Session) -> Feed:
    """The feed that the settings name."""
    history_bars = next(iter(session.traders.values())).observer.history_bars
    return make_feed(
        settings,
        history_bars,
        wanted_series(config, settings),
        config.market.macro,
        spread_observed=observes_spread(config.market),
    )


@contextmanager
def opened(
    folder: PaperFolder,
    settings_of: Callable[[], PaperSettings],
    report: Callable[[EngineEvent], None],
    say: Say,
    minute_of: Callable[[Session, PaperSettings], Callable[[Row], None]],
    companion_of: Callable[[PaperSettings], Companion] = lambda _settings: NoCompanion(),
    feed_of: Callable[[PaperSettings, Config, Session], Feed] = named_feed,
) -> Iterator[Engine]:
    """Open the engine of the session in `folder`, new or existing, locked by this process.

    Args:
        folder: the session's folder.
        settings_of: makes or reads its settings once the folder is locked.
        report: receives what happens to the programs of an export.
        say: receives what is traded, by what, and any warnings.
        minute_of: makes the function that receives every minute's journal facts.
        companion_of: makes what runs next to the session.
        feed_of: makes its feed.

    Raises:
        RunError: another process trades it, it was moved away, or its model is missing.
        FeedError, DataError: the feed lacks something it needs.
    """
    with folder.held():
        require_here(folder)
        origin = origin_of(folder)
        if origin is not None:
            origin.require_still(folder)
            say(f"{folder.path} was restored from {origin}; it must not be traded there.")
        settings = settings_of()
        companion = companion_of(settings)
        plays = _plays(folder)
        config, planner, weights = loaded(folder.path, settings, report, plays)
        series = replayed_series(settings, config)
        session = _new_session(settings, config, planner, series)
        session.retraining.played = [plays or PlayedModel(0, settings.session.checkpoint, weights)]
        model = RunFolder(Path(settings.session.model))
        warning = validation_warning(model, settings.session.checkpoint)
        if warning is not None:
            say(warning)
        advice = costs_advice(settings, model)
        if advice is not None:
            say(f"checkpoint {settings.session.checkpoint}: {advice}")
        feed = feed_of(settings, config, session)
        beside = Beside(model.market(), config, settings, series, _live_series(settings, feed))
        for line in beside.lines():
            say(line)
        if not folder.exists:
            beside.require_known()
        say(_opening(settings, planner, folder.exists))
        # Create the session only after everything that options can get wrong has been checked.
        if not folder.exists:
            if isinstance(feed, ReplayFeed):
                of_store = Path(settings.session.database), feed.bars, session.begin_ns
                for line in count_replay(model, settings.session.checkpoint, *of_store):
                    say(line)
            folder.begin(settings)
        with open_store(folder) as store:
            yield Engine(
                folder,
                settings,
                session,
                store,
                Recorder(folder, store, Journal(folder.journal_path)),
                feed,
                feed.now_ns if isinstance(feed, LiveFeed) else None,
                _about(settings, session) | {"restored_from": origin and str(origin)},
                minute_of(session, settings),
                say,
                companion,
                _retraining(folder, settings, session, report),
            )


def _plays(folder: PaperFolder) -> PlayedModel | None:
    """The candidate that took over an existing session; None if none did."""
    if not (folder.path / CANDIDATES).is_dir() or not folder.store_path.exists():
        return None
    with PaperStore(folder.store_path, read_only=True) as store:
        playing = retraining_of(store).playing
    return playing if playing is not None and playing.number else None


def _retraining(
    folder: PaperFolder,
    settings: PaperSettings,
    session: Session,
    report: Callable[[EngineEvent], None],
) -> Retraining | None:
    if not settings.retrain.every_days:
        return None

    def load(model: PlayedModel) -> Planner:
        return loaded(folder.path, settings, report, model).planner

    return Retraining(folder.path, settings, session, load)


def _new_session(
    settings: PaperSettings,
    config: Config,
    planner: AgentPlanner,
    series: Mapping[str, SeriesByName],
) -> Session:
    replayed = settings.session.feed == "replay"
    begin_ns = begin_of_replay_ns(settings) if replayed else time.time_ns()
    return make_session(settings, config, planner, begin_ns, series)


def _opening(settings: PaperSettings, planner: AgentPlanner, resumed: bool) -> str:
    session = settings.session
    return (
        f"{'resumes' if resumed else 'starts'}: {', '.join(settings.pairs)} with checkpoint "
        f"{session.checkpoint} of {session.model}, {session.simulations} simulations per decision, "
        f"backend {played_by(planner.backend, planner.root_backend, planner.precision)}, "
        f"feed {session.feed}"
    )


def _live_series(settings: PaperSettings, feed: Feed) -> dict[str, tuple[str, ...]]:
    """Names of the series that a live feed delivers of each symbol; empty for a replay."""
    if not isinstance(feed, LiveFeed):
        return {}
    macro = feed.released()
    return {symbol: (*feed.wanted.get(pair, ()), *macro) for symbol, pair in settings.pairs.items()}


def _about(settings: PaperSettings, session: Session) -> Row:
    return {
        "model_run": settings.session.model,
        "checkpoint": settings.session.checkpoint,
        "outcomes": list(OUTCOME_NAMES),
        "unit": session.unit,
        "pip_size": session.pip_size,
    }
