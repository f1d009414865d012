"""The value phase: one policy plays, and the model learns its returns."""

import mlx.core as mx
import numpy as np

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.session_groups import SessionGroups
from mlx_muzero.evaluation.value_ranking import ValueReport
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.networks.model import StochasticMuZero
from mlx_muzero.trading.env import observations
from mlx_muzero.training.phases.behaviors import behavior
from mlx_muzero.training.phases.phase import PhaseContext
from mlx_muzero.training.phases.supervised import SupervisedPhase, chunks
from mlx_muzero.training.replay import Episodes
from mlx_muzero.types import F64, Advance


class ValuePhase(SupervisedPhase):
    """Plays with `train.value_policy`; validated by how well values rank what follows."""

    def __init__(self, context: PhaseContext) -> None:
        super().__init__(context, (context.config.train.value_policy,))

    def judge(self, episodes: Episodes, tick: Advance) -> ValueReport:
        """Collect predicted and realized values, and the pips still to come."""
        context = self.context
        return ValueReport.of(
            context.config.train.value_policy,
            _values(context.muzero, episodes, context.dataset, tick),
            episodes.value.astype(np.float64),
            self._net_pips_to_come(tick),
            SessionGroups.of_sessions(context.dataset, context.validation_starts),
        )

    def _net_pips_to_come(self, tick: Advance) -> F64:
        """Net pips ``f64[E, T]`` of the value policy from each state to the end of its session."""
        context, train = self.context, self.context.config.train
        policy = behavior(train.value_policy, train.seed)
        played = backtest(policy, context.dataset, context.rules, context.validation_starts, tick)
        equity = played.equity_pips
        before = np.pad(equity[:, :-1], ((0, 0), (1, 0)))
        return np.asarray(equity[:, -1:] - before)


def _values(
    model: StochasticMuZero, episodes: Episodes, dataset: MarketDataset, tick: Advance
) -> F64:
    """Value ``f64[E, T]`` predicted for every state of `episodes`."""
    count, steps = episodes.action.shape
    predicted = np.empty(count * steps)
    for rows in chunks(count * steps):
        slot, step = rows // steps, rows % steps
        window = observations(
            dataset, episodes.start[slot] + step, episodes.position_features[slot, step]
        )
        predicted[rows] = np.array(model.value(model.representation(mx.array(window))))
        tick(0)
    return predicted.reshape(count, steps)
