"""The agent that plays with the model being learned."""

from collections.abc import Mapping

import mlx.core as mx

from mlx_muzero.agent.make import make_agent, to_the_end
from mlx_muzero.config.schema import Config
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model


class Player:
    """A separate model that takes over the learner's weights, and the agent that plays with it.

    Attributes:
        model: in evaluation mode.
        agent: searches with `model` on `search.backend`.
    """

    def __init__(self, config: Config, rules: TradingRules) -> None:
        self.model = build_model(config, rules.table)
        planned = to_the_end(rules, config)
        self.agent = make_agent(self.model, config.search, planned, trained_rules=rules)

    def take(self, weights: Mapping[str, mx.array]) -> None:
        """Play with `weights` from now on."""
        self.model.load_weights(list(weights.items()), strict=True)
        mx.eval(self.model.parameters())  # in this thread, as another may play with them
        self.agent.refresh()
