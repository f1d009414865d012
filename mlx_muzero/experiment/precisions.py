"""What a precision of the native backend changes in what a run's model does."""

from collections.abc import Callable
from dataclasses import replace

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.backends.native import BACKEND, NativeEvaluator
from mlx_muzero.backends.native_market import NativeMarket
from mlx_muzero.config.choices import Precision
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.luck.paired_days import paired
from mlx_muzero.experiment.precision_drift import MarketWalk, MuZeroWalk, Walk, drift
from mlx_muzero.experiment.precision_figures import PrecisionFigures
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.samples import Samples, draw_samples
from mlx_muzero.exports.search_agreement import SIMULATIONS
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.result import SearchResult
from mlx_muzero.types import Advance

SEARCHES = 512
SESSIONS = 142

_DRIFT_SAMPLES = 64


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
