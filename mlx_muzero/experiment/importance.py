"""Which features a run's agent earns with."""

from mlx_muzero.evaluation.agent_policies import AGENT, SearchPolicy
from mlx_muzero.evaluation.backtest import Doing
from mlx_muzero.evaluation.comparison import Comparison, play
from mlx_muzero.evaluation.importance import Importance, permutation_importance
from mlx_muzero.experiment.judging import JudgedBars
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.types import Advance


def importance_of(
    run: TrainedRun,
    bars: JudgedBars,
    comparison: Comparison,
    simulations: int | None = None,
    seed: int = 0,
    tick: Advance = lambda _count: None,
    doing: Doing = lambda _what, _total: None,
) -> tuple[Importance, ...]:
    """The importance of each group of features to the agent of `run`, on the sessions compared.

    Args:
        run: loaded with its own bars.
        bars: the bars that were played on.
        comparison: of the agent and others on sessions of these bars.
        simulations: simulations per decision; None for the run's.
        seed: seed of the permutations.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.
    """
    policy = SearchPolicy(run.agent(), simulations or run.config.search.num_simulations, AGENT)
    starts, entry = comparison.bars.starts, comparison.entries.get(AGENT)
    if entry is None:
        doing(f"{AGENT}: decisions", len(starts) * bars.dataset.config.session_bars)
        entry = play(policy, bars.dataset, run.rules, starts, tick)
    return permutation_importance(
        policy, bars.dataset, run.rules, starts, entry.backtest, seed, tick=tick, doing=doing
    )
