"""What search is worth: every way to decide, a supervised rival, and the effect of costs."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from mlx_muzero.agent.agent import Agent
from mlx_muzero.evaluation.agent_policies import NetworkPolicy
from mlx_muzero.evaluation.backtest import Backtest, Doing
from mlx_muzero.evaluation.comparison import Comparison, compare, search_variants
from mlx_muzero.evaluation.cost_sweep import CostSweep, sweep_costs
from mlx_muzero.evaluation.forecasts import OutcomeForecast
from mlx_muzero.evaluation.outcome_forecast import forecast_outcomes
from mlx_muzero.evaluation.ppo.rival import Rival
from mlx_muzero.evaluation.session_groups import interval
from mlx_muzero.evaluation.transformer_teaching import (
    RECIPE,
    Recipe,
    TaughtTransformer,
    teach_transformer,
)
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.sessions import Part
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.types import Advance
from mlx_muzero.untrusted.json_values import in_unit

SIMULATIONS = (8, 25, 50, 200)
"""Simulations of the searches compared, for each kind of root."""


RAW_NETWORK = "raw network"
"""The policy that search has to beat."""


@dataclass(frozen=True)
class Difference:
    """Net pips per session gained over another policy on the same sessions.

    Attributes:
        mean: mean over sessions.
        low: lower end of its 95 % bootstrap interval over groups of overlapping sessions; None with
            a single group.
        high: upper end.
    """

    mean: float
    low: float | None
    high: float | None


@dataclass(frozen=True, eq=False)
class FullComparison:
    """All results of the full comparison.

    Attributes:
        comparison: the policies on the same sessions.
        beyond_raw: what each earned beyond the raw network.
        sweep: the same trades at other costs.
        forecast: the model's outcome probabilities on the same sessions.
        transformer: the supervised rival and how it was trained.
        ppo: the rival that learned by trying (`evaluation.ppo`), or why there is none, in words.
    """

    comparison: Comparison
    beyond_raw: dict[str, Difference]
    sweep: CostSweep
    forecast: OutcomeForecast
    transformer: TaughtTransformer
    ppo: Rival | str = ""

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        transformer, unit = self.transformer, self.comparison.conditions.unit
        taught = {
            "seed": transformer.seed,
            "recipe": asdict(transformer.recipe),
            "validation_net_pips_by_steps": transformer.checked_net_pips,
            "chosen_steps": transformer.chosen_steps,
        }
        return self.comparison.as_dict() | {
            "beyond_raw_network": {n: asdict(value) for n, value in self.beyond_raw.items()},
            "cost_sweep": asdict(self.sweep),
            "outcome_forecast": asdict(self.forecast),
            "transformer": in_unit(taught, unit),
            "ppo": {"note": self.ppo}
            if isinstance(self.ppo, str)
            else in_unit(self.ppo.as_dict(), unit),
        }


def compare_fully(
    agent: Agent,
    searchers: Mapping[str, Agent],
    model: Model,
    dataset: MarketDataset,
    rules: TradingRules,
    split: Part,
    sessions: int | None,
    truth: dict[str, Any] | None,
    simulations: Sequence[int] = SIMULATIONS,
    seed: int = 0,
    recipe: Recipe = RECIPE,
    ppo: Rival | str = "",
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> FullComparison:
    """Play everything over the sessions of `split`; nothing is fitted to them.

    Args:
        agent: the agent to judge.
        searchers: the same agent, by how it searches.
        model: the agent's networks.
        dataset: the market.
        rules: actions and costs.
        split: which part of the data.
        sessions: maximum number of sessions, spread evenly over the split; None for all.
        truth: what is known about a synthetic market; None for real data.
        simulations: numbers of simulations per decision.
        seed: seed of the supervised rival.
        recipe: sizes of the supervised rival and its training.
        ppo: the rival that learned by trying, or why there is none.
        tick: called with the number of decisions made, or of the rival's training steps.
        doing: called with what begins and its amount.
    """
    doing("training the transformer: steps", recipe.steps)
    transformer = teach_transformer(dataset, rules, seed, recipe, tick)
    comparison = compare(
        [
            *search_variants(searchers, simulations),
            NetworkPolicy(agent, RAW_NETWORK),
            transformer.policy,
            *([] if isinstance(ppo, str) else [ppo.policy]),
        ],
        dataset,
        rules,
        split,
        sessions,
        truth,
        tick,
        doing,
    )
    doing("forecasting outcomes", None)
    backtests = {name: entry.backtest for name, entry in comparison.entries.items()}
    return FullComparison(
        comparison,
        {name: difference(played, backtests[RAW_NETWORK]) for name, played in backtests.items()},
        sweep_costs(backtests, rules),
        forecast_outcomes(model, dataset, rules, dataset.evaluation_starts(split, sessions)),
        transformer,
        ppo,
    )


def difference(one: Backtest, other: Backtest) -> Difference:
    """What `one` earned beyond `other`, both played over the same sessions."""
    pips = one.equity_pips[:, -1] - other.equity_pips[:, -1]
    return Difference(float(pips.mean()), *interval(one.groups.resampled_means(pips)))
