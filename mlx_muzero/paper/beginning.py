"""Starts a session from options or resumes one: its settings and the agent that plans it."""

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from shlex import quote
from typing import NamedTuple

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.backend_choice import (
    asked_for,
    computed_precision,
    fallback,
    in_precision,
)
from mlx_muzero.agent.make import make_agent, require_entries
from mlx_muzero.config.choices import Backend, PrecisionChoice
from mlx_muzero.config.schema import Config, MarketConfig
from mlx_muzero.errors import ConfigError, MuZeroError, RunError
from mlx_muzero.experiment.auto_backend import exports_of, settled_to_play
from mlx_muzero.experiment.loading import instrument_of
from mlx_muzero.experiment.validated_costs import advice
from mlx_muzero.exports.deployment import Deployment, EngineEvent
from mlx_muzero.exports.played_export import current_manifest
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.exports.weights import digest, weights_of
from mlx_muzero.market.fit import require_tradable
from mlx_muzero.market.store.bar_store import store_at
from mlx_muzero.networks.kinds import Model
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.agent_planner import AgentPlanner
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.session_setup import calendars_of, market_of_pair, with_entries
from mlx_muzero.paper.settings import PaperSettings, SessionSettings, fills_of, risk_of
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.training.models import load_model
from mlx_muzero.training.run import RunFolder
from mlx_muzero.venues.names import venue_names


@dataclass(frozen=True)
class SessionOptions:
    """Options of a new session; None means not given."""

    model: Path | None
    pairs: str | None
    feed: str | None
    checkpoint: str
    backend: Backend | None
    simulations: int | None
    database: Path | None
    replay_from: str | None
    replay_to: str | None
    speed: float | None
    overrides: tuple[str, ...]
    root_backend: Backend | None = None
    precision: PrecisionChoice | None = None


def settings_of(
    folder: PaperFolder,
    options: SessionOptions,
    report: Callable[[EngineEvent], None],
    tell: Callable[[str], None],
) -> PaperSettings:
    """Read or build the settings of the session in `folder`: `kept_settings` or `new_settings`."""
    if folder.exists:
        return kept_settings(folder, options)
    return new_settings(options, report, tell)


def new_settings(
    options: SessionOptions,
    report: Callable[[EngineEvent], None],
    tell: Callable[[str], None],
) -> PaperSettings:
    """Build the settings of a new session from options and from what the model was trained on.

    `report` receives what happens to the programs of an export, `tell` what plays where that was
    left open.

    Raises:
        ConfigError: no training run is named, or a setting or pair is wrong.
        RunError: the run or checkpoint does not exist.
    """
    if options.model is None:
        raise ConfigError("a new session needs a training run")
    folder = RunFolder(options.model)
    config = folder.config()
    names = options.pairs.split(",") if options.pairs else config.market.pairs
    rules = TradingRules.from_config(config)
    model, checkpoint = load_model(folder, rules.table, options.checkpoint)
    asked = asked_for(config.search, options.backend, options.root_backend)
    if options.precision is not None:
        asked = in_precision(asked, options.precision)
    search = settled_to_play(
        folder,
        checkpoint,
        model,
        asked,
        Deployment(exports_of(folder, model), report),
        tell,
        named_backend=options.backend is not None,
        named_roots=options.root_backend is not None,
        begin=True,
    )
    feed = options.feed or "replay"
    database = options.database or Path(folder.market().store)
    stored = feed == "replay" or bool(config.market.macro)
    settings = PaperSettings(
        pairs=venue_names(names, feed),
        session=SessionSettings(
            model=str(options.model),
            checkpoint=checkpoint,
            feed=feed,
            database=str(database) if stored else "",
            replay_from=options.replay_from or "",
            replay_to=options.replay_to or "",
            speed=options.speed or 0.0,
            backend=search.backend,
            root_backend=search.root_backend,
            precision=computed_precision(search),
            simulations=options.simulations or config.search.num_simulations,
        ),
        fills=fills_of(config.trading),
        risk=risk_of(config),
    )
    settings = paper_settings.override(settings, options.overrides)
    require_quotes(settings)
    require_planned(settings, config)
    _require_bars(settings, Path(folder.market().store))
    for symbol in settings.pairs:
        require_tradable(config.market, symbol, database)
        market_of_pair(config, settings, symbol)
    return replace(
        settings, pips=_pips(settings, config, database), calendars=calendars_of(settings)
    )


def _require_bars(settings: PaperSettings, store: Path) -> None:
    """Raise ConfigError if candidates could not be trained, as the run's bars are not here."""
    if settings.retrain.every_days and not store.is_file():
        raise ConfigError(
            f"--retrain: candidates are trained on the bars of {store} and those that follow, but "
            "there is no such file. Restore it, or start without --retrain"
        )


def require_quotes(settings: PaperSettings) -> None:
    """Raise ConfigError if fills pay quotes that the feed never has; a replay's store is read."""
    feed = settings.session.feed
    if settings.fills.cost == "quotes" and feed not in ("replay", "oanda"):
        raise ConfigError(
            f'fills.cost = "quotes": {feed} sends bars of trades, without bid and ask. Give what '
            "you expect to pay: --set fills.cost=fixed --set fills.half_spread_pips=N"
        )


def require_planned(settings: PaperSettings, config: Config) -> None:
    """Raise ConfigError if an agent that plans with a session's rules cannot with these."""
    trained = TradingRules.from_config(config)
    require_entries(config.model.kind, trained, rules_in_force(trained, settings, config.market))
    if config.model.kind != "factored":
        return
    if settings.fills.cost == "quotes" and config.trading.cost != "quotes":
        raise ConfigError(
            'fills.cost = "quotes": the model was trained with trading.cost = "fixed" and knows no '
            "usual spread to plan with. Give what you expect to pay: --set fills.cost=fixed "
            "--set fills.half_spread_pips=N"
        )


def _pips(settings: PaperSettings, config: Config, database: Path) -> dict[str, float]:
    """Pip sizes of the pairs the model was not trained on, if the run counts in pips.

    The store at `database` knows them, or else their names tell.

    Raises:
        ConfigError: a pair is counted in basis points.
        UnknownInstrument: the pip size of a pair is unknown.
    """
    if config.market.features == "crypto":
        return {}
    others = [symbol for symbol in settings.pairs if symbol != config.market.symbol]
    with store_at(database) as store:
        pips = {symbol: instrument_of(symbol, store).pip_size for symbol in others}
    for symbol in (symbol for symbol, pip in pips.items() if not pip):
        raise ConfigError(f"{symbol} is counted in basis points, but the run counts in pips")
    return pips


class LoadedPlanner(NamedTuple):
    """A planner, and what it was loaded from.

    Attributes:
        config: the configuration of the run that the session was started with.
        planner: plans.
        weights: SHA-256 of its model's weights.
    """

    config: Config
    planner: AgentPlanner
    weights: str


def load_planner(
    settings: PaperSettings,
    report: Callable[[EngineEvent], None],
    candidate: RunFolder | None = None,
    checkpoint: str = "",
) -> LoadedPlanner:
    """Load the agent of a session, with the model it was started with or that of a candidate.

    Where the session plays exports and the candidate has none of its weights, the backend that
    replaces a failed export plays it.

    Args:
        settings: the session's settings.
        report: receives what happens to the programs of an export; so does the journal.
        candidate: the run of a candidate that took over; None for the session's own.
        checkpoint: of the candidate.
    """
    begun = RunFolder(Path(settings.session.model))
    config = begun.config()
    rules = TradingRules.from_config(config)
    folder = candidate or begun
    model, _ = load_model(folder, rules.table, checkpoint or settings.session.checkpoint)
    in_force = rules_in_force(rules, settings, config.market)
    if config.model.kind == "muzero":  # plans with no limit of size, as in sessions of 0.1.0
        in_force = replace(in_force, limits=replace(in_force.limits, max_exposure=1.0))
    of_session = settings.session.backend, settings.session.root_backend
    in_session = settings.session.precision
    if candidate is not None:
        in_session = "float32"  # another precision is verified for a checkpoint, and not for this
        if _lacks_export(candidate, model, of_session):
            of_session = fallback(model), "auto"

    def agent(
        journal: Callable[[EngineEvent], None], backends: tuple[str, str] | None = None
    ) -> Agent:
        leaves, roots = backends or of_session
        search = replace(
            config.search,
            backend=leaves,  # type: ignore[arg-type]
            root_backend=roots,  # type: ignore[arg-type]
            precision=in_session or config.search.precision,  # type: ignore[arg-type]
        )
        if of_session[0] in PLAYS:  # no choice there; what takes over keeps to float32 too
            search = replace(search, precision="float32")

        def tell(event: EngineEvent) -> None:
            report(event)
            journal(event)

        deployment = Deployment(exports_of(folder, model), tell)
        return make_agent(model, search, in_force, deployment, rules)

    return LoadedPlanner(config, AgentPlanner(agent), digest(weights_of(model)))


def _lacks_export(folder: RunFolder, model: Model, backends: tuple[str, str]) -> bool:
    """Whether one of `backends` plays an export that the run in `folder` has not of `model`."""
    exports = exports_of(folder, model)
    for played in (PLAYS[name] for name in backends if name in PLAYS):
        try:
            current_manifest(model, exports[played.format], played.format)
        except MuZeroError:
            return True
    return False


def rules_in_force(
    trained: TradingRules, settings: PaperSettings, market: MarketConfig
) -> TradingRules:
    """The rules of a training, at a session's costs and limits; an agent plans with what it can."""
    fills, risk = settings.fills, settings.risk
    limit = ExposureLimit(risk.max_total_exposure, len(settings.pairs))
    in_force = replace(
        trained,
        costs=fills.whole_costs(trained.pip_size),
        swap=fills.swap,
        funding=fills.funded,
        limits=risk.limits,
        exposure_limit=None if limit.fits(trained.table) else limit,
    )
    return with_entries(in_force, settings, market)


def costs_advice(settings: PaperSettings, folder: RunFolder) -> str | None:
    """What is known of the session's checkpoint in `folder` at its costs; None at those trained."""
    config, session = folder.config(), settings.session
    trained = TradingRules.from_config(config)
    in_force = rules_in_force(trained, settings, config.market)
    return advice(folder, session.checkpoint, in_force, trained, session.simulations)


def kept_settings(folder: PaperFolder, options: SessionOptions) -> PaperSettings:
    """Read the settings of the session in `folder`; options may repeat them but not change them.

    Raises:
        RunError: an option differs from what the session was started with.
    """
    settings = folder.settings()
    begun = settings.session
    names = options.pairs and venue_names(options.pairs.split(","), begun.feed)
    # "best" and "latest" move on to newer checkpoints; the session keeps its own.
    asked = {
        "--model": (_real(options.model), _real(Path(begun.model))),
        "--pairs": (names and sorted(names), sorted(map(Symbol, settings.pairs))),
        "--feed": (options.feed, begun.feed),
        "--backend": (_named(options.backend), begun.backend),
        "--root-backend": (_named(options.root_backend), begun.root_backend),
        "--precision": (named := _named(options.precision), named and _precision_of(begun)),
        "--simulations": (options.simulations, begun.simulations),
        "--db": (_real(options.database), _real(Path(begun.database))),
        "--from": (options.replay_from, begun.replay_from),
        "--to": (options.replay_to, begun.replay_to),
        "--speed": (options.speed, begun.speed),
        "--set": (paper_settings.override(settings, options.overrides), settings),
    }
    for option, (now, then) in asked.items():
        if now is not None and now != then:
            raise RunError(
                f"{folder.path} holds a session that was started with another {option}. Resume "
                f"it with --run {quote(str(folder.path))} alone, or choose another --run."
            )
    return settings


def _named(choice: str | None) -> str | None:
    return None if choice == "auto" else choice


def _precision_of(session: SessionSettings) -> str:
    """What the session computes in; one of an earlier build has that of its run."""
    return session.precision or RunFolder(Path(session.model)).config().search.precision


def _real(path: Path | None) -> str | None:
    """The path with all links resolved; unlike `Path.resolve` it survives circular links."""
    return None if path is None else os.path.realpath(path)
