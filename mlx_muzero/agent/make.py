"""Makes the agent that plays a model."""

from dataclasses import replace

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.config.choices import ModelKind
from mlx_muzero.config.schema import Config, SearchConfig
from mlx_muzero.errors import ConfigError
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.rules import TradingRules


def make_agent(
    model: Model,
    search: SearchConfig,
    rules: TradingRules,
    deployment: Deployment | None = None,
    trained_rules: TradingRules | None = None,
) -> Agent:
    """The agent that plays `model` under `rules`; arguments and errors as the agents' own.

    A model of market and account (`StochasticMuZero`) has learned the rules of its training: it
    plays by them, whatever the rules in force.
    """
    if isinstance(model, FactoredModel):
        return FactoredAgent(model, search, rules, trained_rules, deployment=deployment)
    return MuZeroAgent(model, search, rules.states, model.outcomes, deployment, rules.limits)


def to_the_end(rules: TradingRules, config: Config) -> TradingRules:
    """`rules` for plans in the sessions of `config`, which close every position at their end.

    A model of the market alone learns worth as if there were no end, unless its sessions are those
    of days. Any other observes none.
    """
    if config.model.kind != "factored" or config.market.session_start:
        return rules
    return replace(rules, session_bars=config.market.session_bars)


def require_entries(kind: ModelKind, trained: TradingRules, played: TradingRules) -> None:
    """Raise ConfigError if a model cannot play with as many entries as `played` allows.

    One of the market alone can with any number. Any other observes how many are left, or does not.
    """
    then, now = trained.max_entries, played.max_entries
    if kind == "factored" or bool(then) == bool(now):
        return
    observes = "observes" if then else "does not observe"
    raise ConfigError(
        f"max_entries = {now}: this model was trained with trading.max_entries = {then} (0: no "
        f"limit), so it {observes} how many entries are left. Train one with --set "
        f'trading.max_entries={now}; one of model.kind = "factored" plays with any'
    )
