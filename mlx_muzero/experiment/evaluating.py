"""Plays a run's agent on chosen bars, and records the circumstances of the results."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from itertools import islice
from typing import Any

from mlx_muzero.agent.agent import Agent
from mlx_muzero.config import fx_targets
from mlx_muzero.config.choices import Precision
from mlx_muzero.evaluation.backtest import Backtest, Doing
from mlx_muzero.evaluation.comparison import Comparison, compare
from mlx_muzero.evaluation.full_comparison import SIMULATIONS, FullComparison, compare_fully
from mlx_muzero.evaluation.importance import Importance
from mlx_muzero.evaluation.page.kept_searches import KeptSearches
from mlx_muzero.experiment.judging import JudgedBars
from mlx_muzero.experiment.looks import record_evaluation
from mlx_muzero.experiment.luck import assess_luck
from mlx_muzero.experiment.rival import load_rival
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.experiment.validated_costs import AtCosts, validated_at_costs
from mlx_muzero.market.sessions import reach_bars
from mlx_muzero.types import Advance
from mlx_muzero.untrusted.json_values import in_unit


@dataclass(frozen=True, eq=False)
class Evaluation:
    """Results of a run's agent next to the baselines.

    Attributes:
        checkpoint: name of the checkpoint that played.
        validated: whether a validation chose it.
        stage: its stage in the FX specification's timeline; None if that does not apply.
        period: the later bars it played on, in words; None for a split.
        simulations: simulations per decision, one for each search compared.
        backend: backend that evaluated the leaves.
        root_backend: backend that evaluated the roots.
        precision: number format of its large products.
        comparison: the policies on the same sessions.
        at_costs: what the agent earns on the validation split at the costs in force; None if they
            are those of its training, but no validation chose the checkpoint.
        full: additional results of `evaluate_fully`; None from `evaluate`.
        importance: of groups of features (`importance_of`); None unless it was asked for.
        kept: what the agent's searches found; None unless it was to be kept.
    """

    checkpoint: str
    validated: bool
    stage: fx_targets.Stage | None
    period: str | None
    simulations: tuple[int, ...]
    backend: str
    root_backend: str
    precision: Precision
    comparison: Comparison
    at_costs: AtCosts | None
    full: FullComparison | None = None
    importance: tuple[Importance, ...] | None = None
    kept: KeptSearches | None = None

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON."""
        return (self.full or self.comparison).as_dict() | {
            "checkpoint": self.checkpoint,
            "validated": self.validated,
            "stage": None if self.stage is None else asdict(self.stage),
            "period": self.period,
            "simulations": self.simulations,
            "backend": self.backend,
            "root_backend": self.root_backend,
            "precision": self.precision,
            "validated_at_costs": self.at_costs and self.at_costs.as_dict(),
            **self._importance,
        }

    @property
    def _importance(self) -> dict[str, Any]:
        if self.importance is None:
            return {}
        groups = [each.as_dict() for each in self.importance]
        return in_unit({"importance": groups}, self.comparison.conditions.unit)


def evaluate(
    run: TrainedRun,
    bars: JudgedBars,
    sessions: int | None = None,
    simulations: int | None = None,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
    *,
    keep: bool = False,
) -> Evaluation:
    """Play the agent of `run`, its raw network, its untrained self and the baselines over `bars`.

    Args:
        run: loaded with its own bars.
        bars: the bars to play on.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision; None for the run's.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.
        keep: what the agent's searches find, for a page.
    """
    agent = run.agent()
    count = simulations or run.config.search.num_simulations
    at_costs = validated_at_costs(run, count, tick, doing)
    market = (bars.dataset, run.rules, bars.part, sessions, bars.truth)
    agents = run.agents(agent, count)
    kept = KeptSearches(agent, count, agents[0].name) if keep else None
    comparison = compare(agents if kept is None else [kept, *agents[1:]], *market, tick, doing)
    comparison = comparison.reaching(reach_bars(run.config))
    judged = dict(islice(comparison.judged.items(), 1))
    recorded = record_evaluation(run, bars.dataset, bars.part, judged)
    luck = assess_luck(run, bars, comparison, judged, recorded)
    comparison = comparison.after(recorded.looks, luck)
    found = _evaluation(run, bars, (count,), agent, comparison, at_costs)
    return replace(found, kept=kept)


def evaluate_fully(
    run: TrainedRun,
    bars: JudgedBars,
    sessions: int | None = None,
    simulations: Sequence[int] = SIMULATIONS,
    seed: int = 0,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> Evaluation:
    """Play every kind of search, a supervised Transformer and the baselines over `bars`.

    Args:
        run: loaded with its own bars.
        bars: the bars to play on.
        sessions: maximum number of sessions, spread evenly; None for all.
        simulations: simulations per decision of the searches compared, for each kind of root.
        seed: seed of the Transformer.
        tick: called with the number of decisions made, or of the Transformer's training steps.
        doing: called with what begins and its amount.
    """
    agent = run.agent()
    at_costs = validated_at_costs(run, run.config.search.num_simulations, tick, doing)
    full = compare_fully(
        agent,
        run.searchers(),
        run.model,
        bars.dataset,
        run.rules,
        bars.part,
        sessions,
        bars.truth,
        simulations=simulations,
        seed=seed,
        ppo=load_rival(run),
        tick=tick,
        doing=doing,
    )
    full = replace(full, comparison=full.comparison.reaching(reach_bars(run.config)))
    judged = _own_first(run, full.comparison.judged)
    recorded = record_evaluation(run, bars.dataset, bars.part, judged)
    luck = assess_luck(run, bars, full.comparison, judged, recorded)
    full = replace(full, comparison=full.comparison.after(recorded.looks, luck))
    counts = tuple(simulations)
    return _evaluation(run, bars, counts, agent, full.comparison, at_costs, full)


def _own_first(run: TrainedRun, judged: Mapping[str, Backtest]) -> dict[str, Backtest]:
    """The judged policies, the run's own way to search before all others, if it is among them."""
    search = run.config.search
    own = {f"{how} {search.num_simulations}" for how in (search.planner, search.root)}
    return dict(sorted(judged.items(), key=lambda named: named[0] not in own))


def _evaluation(
    run: TrainedRun,
    bars: JudgedBars,
    simulations: tuple[int, ...],
    agent: Agent,
    comparison: Comparison,
    at_costs: AtCosts | None,
    full: FullComparison | None = None,
) -> Evaluation:
    return Evaluation(
        checkpoint=run.checkpoint,
        validated=run.warning is None,
        stage=run.stage,
        period=bars.period,
        simulations=simulations,
        backend=agent.backend,
        root_backend=agent.root_backend,
        precision=agent.precision,
        comparison=comparison,
        at_costs=at_costs,
        full=full,
    )
