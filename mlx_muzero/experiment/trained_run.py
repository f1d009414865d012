"""A trained run with bars for it to play."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import get_args

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.backend_choice import asked_for, fallback, in_precision
from mlx_muzero.agent.make import make_agent, require_entries, to_the_end
from mlx_muzero.config import fx_targets
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import Backend, PrecisionChoice, Root
from mlx_muzero.config.schema import Config, SearchConfig, TradingConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.evaluation.agent_policies import AGENT, NetworkPolicy, SearchPolicy
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.experiment.auto_backend import exports_of, settled_to_play
from mlx_muzero.experiment.loading import load_dataset, of_symbols
from mlx_muzero.exports.deployment import Deployment, EngineEvent, warn
from mlx_muzero.exports.manifest import export_format
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.fit import require_tradable
from mlx_muzero.market.store.bar_store import store_at
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.trading.cost_size import cost_note
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.training.models import build_model, counters_of, load_model, validation_warning
from mlx_muzero.training.run import MarketRecord, RunFolder


@dataclass(frozen=True, eq=False)
class TrainedRun:
    """A run's model and bars for it to play.

    Attributes:
        folder: the run's folder.
        config: the run's configuration for the symbol of `dataset`, its search backend settled.
        rules: trading rules in force.
        trained_rules: those the model was trained under.
        model: loaded from the checkpoint.
        checkpoint: its name.
        dataset: bars with features and outcomes.
        store: the store they came from.
        deployment: the exports that a backend like coreml plays, if they exist.
    """

    folder: RunFolder
    config: Config
    rules: TradingRules
    trained_rules: TradingRules
    model: Model
    checkpoint: str
    dataset: MarketDataset
    store: Path
    deployment: Deployment

    @property
    def warning(self) -> str | None:
        """A warning to show if no validation chose the checkpoint."""
        return validation_warning(self.folder, self.checkpoint)

    @property
    def stage(self) -> fx_targets.Stage | None:
        """The stage in FX's timeline reached by the checkpoint of a currency pair's self-play."""
        if isinstance(self.model, FactoredModel):
            return None
        reached = counters_of(self.folder, self.checkpoint)
        if self.rules.unit != fx_targets.UNIT or reached.phase != "search":
            return None
        return fx_targets.stage_of(reached.episodes, reached.steps)

    def agent(self) -> Agent:
        """An agent that plays with the run's model."""
        return make_agent(
            self.model, self.config.search, self.planned_rules, self.deployment, self.trained_rules
        )

    @property
    def planned_rules(self) -> TradingRules:
        """The rules that the agent plans with: those in force, and that a session ends."""
        return to_the_end(self.rules, self.config)

    def searchers(self) -> dict[str, Agent]:
        """Agents with the run's model, by every way in which it can search."""
        search, roots = self.config.search, get_args(Root)
        if not isinstance(self.model, FactoredModel):
            return {root: self.agent_with(replace(search, root=root)) for root in roots}
        exact = {"expectimax": self.agent_with(replace(search, planner="expectimax"))}
        sampling = replace(search, planner="sampling")
        return exact | {root: self.agent_with(replace(sampling, root=root)) for root in roots}

    def agent_with(self, search: SearchConfig) -> Agent:
        """An agent that plans as `search` says instead."""
        return replace(self, config=replace(self.config, search=search)).agent()

    def agents(self, agent: Agent, simulations: int) -> list[Policy]:
        """The run's `agent`, its network without search, and its untrained self."""
        return [
            SearchPolicy(agent, simulations, AGENT),
            NetworkPolicy(agent, "agent (raw network)"),
            SearchPolicy(self.untrained_agent(), simulations, "untrained (search)"),
        ]

    def untrained_agent(self) -> Agent:
        """An agent with the networks' initial weights, which have no export."""
        search = self.config.search
        model = build_model(self.config, self.rules.table)
        if {search.backend, search.root_backend} & PLAYS.keys():
            search = replace(search, backend=fallback(model), root_backend="auto")
        entries = self.trained_rules.max_entries, self.trained_rules.session_bars
        known = replace(self.rules, max_entries=entries[0], session_bars=entries[1])
        return make_agent(model, search, self.rules, trained_rules=known)


def load_run(
    path: Path,
    checkpoint: str,
    database: Path | None,
    symbol: str | None = None,
    backend: Backend | None = None,
    export: Path | None = None,
    tell: Callable[[str], None] = lambda _text: None,
    report: Callable[[EngineEvent], None] = warn,
    cost: float | None = None,
    overrides: Sequence[str] = (),
    root_backend: Backend | None = None,
    *,
    precision: PrecisionChoice | None = None,
    measure: bool = False,
) -> TrainedRun:
    """Load the run at `path` with the bars it was trained on, or with those of `symbol` alone.

    A model of several pairs can use only those; one of a single FX pair may be given another.

    `checkpoint` is "best", "latest" or a name; `backend` and `root_backend` replace the backends of
    the search, and one that plays exports plays `export` instead of those in the run's folder;
    `tell` receives what the bars lack, and `report` what happens to the programs of an export.
    `cost` is the round trip in force, in the run's unit, instead of the run's own costs;
    `overrides` are further ``key=value`` of `IN_FORCE`. `precision` replaces the run's, which only
    the native backend has; "auto" takes the fastest that was verified. With `measure`, backends
    that were left open are measured in the background for the next time, if this machine may have
    better ones.
    """
    folder = RunFolder(path)
    trained = folder.config()
    playing = {backend or trained.search.backend, root_backend}
    if export is not None and playing.isdisjoint((*PLAYS, "auto")):
        raise ConfigError(
            "--export names what a backend like coreml plays, but the backend here is "
            f"{backend or trained.search.backend}: add --backend with one of {', '.join(PLAYS)}, "
            "or leave out --export"
        )
    config, pairs = trained, None
    if symbol and trained.market.features == "crypto":
        pairs = _known_pairs(trained, symbol)
    elif symbol and (named := Symbol.listed(symbol)) != trained.market.pairs:
        path = database or Path(folder.market().store)
        for each in named:
            require_tradable(trained.market, each, path)
        with store_at(path) as known:
            config = of_symbols(trained, named, known)
    trained_rules = rules = TradingRules.from_config(config)
    in_force = config
    model, name = load_model(folder, rules.table, checkpoint)
    if cost is not None or overrides:
        in_force = _in_force(config, cost, overrides)
        played = TradingRules.from_config(in_force)
        rules = replace(
            rules,
            costs=played.costs,
            swap=played.swap,
            funding=played.funding,
            limits=played.limits,
            max_entries=played.max_entries,
            session_bars=played.session_bars,
        )
        require_entries(config.model.kind, trained_rules, rules)
    begun = folder.market()
    own = config.market.pairs == trained.market.pairs
    period = begun.period if own else None
    dataset, store = load_dataset(in_force, database or Path(begun.store), pairs, tell, period)
    rules = replace(rules, exposure_limit=ExposureLimit.of(in_force, len(dataset.symbols)))
    if pairs is None and own:
        folder.require_market(MarketRecord.of(store, dataset))
    if cost is not None or overrides:
        tell(_on_costs(model, rules, float(np.median(dataset.close))))
    exports = exports_of(folder, model) if export is None else {export_format(export): export}
    deployment = Deployment(exports, report)
    asked = asked_for(config.search, backend, root_backend)
    if precision is not None:
        asked = in_precision(asked, precision)
    search = settled_to_play(
        folder,
        name,
        model,
        asked,
        deployment,
        tell,
        named_backend=backend is not None,
        named_roots=root_backend is not None,
        begin=measure,
    )
    config = replace(config, search=search)
    return TrainedRun(folder, config, rules, trained_rules, model, name, dataset, store, deployment)


IN_FORCE = (
    *("round_trip_cost_pips", "cost_clock_minutes", "cost_clock_pips", "taker_fee_bps"),
    *("maker_fee_bps", "maker_frac", "spread_bps", "slippage_bps"),
    *("swap_long_pips", "swap_short_pips", "funding", "funding_at", "funding_bps"),
    *("flat_by", "no_entries", "max_exposure", "max_total_exposure", "max_entries"),
)
"""Keys of ``trading`` that may be another where a run plays than where it was trained."""


def _in_force(config: Config, cost: float | None, overrides: Sequence[str]) -> Config:
    """`config` at a round trip of `cost` and no other costs, and with `overrides`.

    Raises:
        ConfigError: an override is not of `IN_FORCE`, or its value is wrong.
    """
    if cost is not None:
        trained = config.trading
        trading = TradingConfig(
            actions=trained.actions,
            reward=trained.reward,
            round_trip_cost_pips=cost,
            flat_by=trained.flat_by,
            no_entries=trained.no_entries,
            max_exposure=trained.max_exposure,
            max_total_exposure=trained.max_total_exposure,
            max_entries=trained.max_entries,
        )
        config = replace(config, trading=trading)
    for key in (text.partition("=")[0].strip() for text in overrides):
        section, _, name = key.partition(".")
        if section != "trading" or name not in IN_FORCE:
            raise ConfigError(
                f"--set {key}: where a run plays, only these may differ from its training: "
                + ", ".join(f"trading.{name}" for name in IN_FORCE)
            )
    return config_toml.override(config, list(overrides))


def _on_costs(model: Model, rules: TradingRules, price: float) -> str:
    """What an agent with `model` makes of the costs in force, as a sentence."""
    notes = (rules.funding.note, rules.limits.note and f"limits: {rules.limits.note}")
    cost = "; ".join([cost_note(rules.costs, price, rules.pip_size), *filter(None, notes)])
    if isinstance(model, FactoredModel):
        return f"{cost}; the agent plans with that, whatever the rules of its training"
    return f"{cost}, but the model has learned the costs of its training and plays by those"


def _known_pairs(config: Config, symbols: str) -> tuple[Symbol, ...]:
    wanted = Symbol.listed(symbols)
    unknown = [symbol for symbol in wanted if symbol not in config.market.pairs]
    if unknown:
        raise ConfigError(
            f"the run does not know {', '.join(unknown)}; it was trained on {config.market.label}"
        )
    return wanted


def by_name(runs: Sequence[TrainedRun]) -> Mapping[str, TrainedRun]:
    """The runs by the folder's name, or by its whole path if names repeat."""
    names = [run.folder.path.name for run in runs]
    if len(set(names)) < len(names):
        names = [str(run.folder.path) for run in runs]
    return dict(zip(names, runs, strict=True))
