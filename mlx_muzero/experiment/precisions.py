"""What a precision of the native backend changes in what a run's model does."""

from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from typing import Any

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.backends.native import BACKEND, NativeEvaluator
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.config.choices import Precision
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.luck.paired_days import PairedDays, paired
from mlx_muzero.experiment.precision_drift import MarketWalk, MuZeroWalk, Walk, drift
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.figures import Drift
from mlx_muzero.exports.samples import Samples, draw_samples
from mlx_muzero.exports.search_agreement import SIMULATIONS
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import Advance
from mlx_muzero.untrusted.json_values import finite

SEARCHES = 512
SESSIONS = 142
SAME_ACTIONS = 0.995
"""Least share of searches that choose float32's action."""
MOVING = 0.15
"""Least share of float32's actions that change a position: agreement in holding shows nothing."""
MOST_PIPS = 2.0
"""How far the interval of net pips of a session may reach from 0, either way."""

_DRIFT_SAMPLES = 64


@dataclass(frozen=True)
class PrecisionFigures:
    """Results of a precision against float32, by the same backend.

    Attributes:
        precision: what was compared.
        searches: situations of the validation split that both searched.
        same: share of them with the same action.
        moving: share in which float32's action changes the position.
        value: mean absolute difference of the root values, in units of the reward.
        drift: after several numbers of steps.
        sessions: net pips of sessions of the validation split beyond float32's.
        unit: of these: pips, or basis points.
    """

    precision: Precision
    searches: int
    same: float
    moving: float
    value: float
    drift: tuple[Drift, ...]
    sessions: PairedDays
    unit: str

    def problems(self) -> list[str]:
        """The bounds it violates, one sentence each."""
        found = []
        if self.same < SAME_ACTIONS:
            found.append(
                f"searches agree on {self.same:.1%} of {self.searches} decisions; "
                f"{SAME_ACTIONS:.1%} is required"
            )
        if self.moving < MOVING:
            found.append(
                f"only {self.moving:.1%} of the actions change a position, so that agreement shows "
                f"little; {MOVING:.0%} is required: verify a run that trades"
            )
        low, high = self.sessions.low, self.sessions.high
        if low is None or high is None or not -MOST_PIPS <= low <= high <= MOST_PIPS:
            reach = "of a single session" if low is None else f"[{low:+.2f}, {high:+.2f}]"
            found.append(
                f"sessions earn {self.sessions.mean:+.2f} {self.unit} {reach} beyond float32's; "
                f"within {MOST_PIPS:g} is required"
            )
        return found

    def as_dict(self) -> dict[str, Any]:
        """All results for JSON, with the problems."""
        return dict(finite(asdict(self) | {"problems": self.problems()}))


def verify_precision(
    run: TrainedRun,
    precision: Precision,
    sessions: int = SESSIONS,
    tick: Advance = lambda _count: None,
    doing: Callable[[str, int], None] = lambda _what, _total: None,
) -> PrecisionFigures:
    """Compare the model of `run` in `precision` with itself in float32, on its validation split.

    Args:
        run: the run.
        precision: of the native backend.
        sessions: maximum number of sessions to play.
        tick: called with the number of decisions made.
        doing: called with what begins and its number of decisions.

    Raises:
        SearchError: the native backend cannot represent the model.
        DataError: the validation split is too short for a session.
    """
    samples = draw_samples(run.dataset, run.rules, SEARCHES)
    agents = [_agent(run, each) for each in (precision, "float32")]
    own, exact = (_planned(run, agent, samples) for agent in agents)
    held = run.rules.table.next_position[samples.position, exact.action] == samples.position
    some = samples.some(_DRIFT_SAMPLES)
    walk, exact_walk = (_walk(run, each, some) for each in (precision, "float32"))
    starts = run.dataset.evaluation_starts("validation", sessions)
    doing("sessions played", 2 * len(starts) * run.config.market.session_bars)
    count = run.config.search.num_simulations
    one, other = (
        backtest(SearchPolicy(agent, count), run.dataset, run.rules, starts, tick)
        for agent in agents
    )
    return PrecisionFigures(
        precision=precision,
        searches=len(samples),
        same=float((own.action == exact.action).mean()),
        moving=float(1.0 - held.mean()),
        value=float(np.abs(own.value - exact.value).mean()),
        drift=tuple(drift(walk, exact_walk, run.rules.table, some)),
        sessions=paired(one.equity_pips[:, -1], other.equity_pips[:, -1]),
        unit=run.rules.unit,
    )


def _agent(run: TrainedRun, precision: Precision) -> Agent:
    search = replace(run.config.search, backend="native", precision=precision)
    return replace(run, config=replace(run.config, search=search)).agent()


def _planned(run: TrainedRun, agent: Agent, samples: Samples) -> SearchResult:
    # All are planned together, and none reads beyond its session's end.
    last = max(run.config.market.session_bars - 1 - run.config.search.depth_limit, 0)
    return agent.plan(
        samples.observation,
        samples.account,
        np.zeros(len(samples), np.uint64),
        simulations=SIMULATIONS,
        noise=False,
        moment=Moment(samples.minute, np.minimum(samples.bar, last)),
    )


def _walk(run: TrainedRun, precision: Precision, samples: Samples) -> Walk:
    model = run.model
    if isinstance(model, FactoredModel):
        return MarketWalk(NativeMarket(model, 1, precision=precision), samples.observation)
    latent = BACKEND.encoder(model, 1, precision)(samples.observation)
    return MuZeroWalk(NativeEvaluator(model, precision=precision), latent)
