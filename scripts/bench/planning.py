"""What an agent earns on sessions, and what its decisions take."""

import time
from dataclasses import dataclass

from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.policy import SessionView
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import I64


@dataclass(frozen=True)
class Planned:
    """Sessions played by one way to plan.

    Attributes:
        states: evaluated for a decision, on average.
        cpu_us: microseconds of processor time for a decision, the market and the account included.
        played: the sessions.
    """

    states: float
    cpu_us: float
    played: Backtest


class _CountedPolicy(SearchPolicy):
    """A `SearchPolicy` that counts its decisions and their states."""

    decisions = states = 0

    def search(self, env: SessionView) -> SearchResult:
        """What the search found."""
        result = super().search(env)
        self.decisions += len(result.action)
        self.states += int(result.statistics.evaluations.sum())
        return result


def plan_sessions(run: TrainedRun, search: SearchConfig, simulations: int, starts: I64) -> Planned:
    """Play the sessions at `starts` with the run's model, planned as `search` says."""
    policy = _CountedPolicy(run.agent_with(search), simulations)
    began = time.process_time()
    played = backtest(policy, run.dataset, run.rules, starts)
    seconds = time.process_time() - began
    return Planned(policy.states / policy.decisions, 1e6 * seconds / policy.decisions, played)
