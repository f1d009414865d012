"""The search phase, MuZero: the agent plays its own episodes, and a backtest validates it."""

from collections.abc import Iterable
from dataclasses import replace
from functools import partial

import numpy as np

from mlx_muzero.config.choices import ExportBackend
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.evaluation.outcome_forecast import forecast_outcomes
from mlx_muzero.evaluation.race import race, race_order
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.machine import performance_cores
from mlx_muzero.training.background_collector import BackgroundCollector
from mlx_muzero.training.collector import Collector, Round
from mlx_muzero.training.decision_recording import record_decisions
from mlx_muzero.training.phases.cadence import falls_on
from mlx_muzero.training.phases.phase import Phase, PhaseContext
from mlx_muzero.training.player import Player
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.refresher import Refresher
from mlx_muzero.training.round_under_way import RoundUnderWay
from mlx_muzero.types import F64, I64, Advance

_FORECAST_BARS = 512
"""Bars of the validation sessions at which outcome probabilities are judged."""


class SearchPhase(Phase):
    """Plays each round with the newest weights; learning pauses meanwhile."""

    def __init__(self, context: PhaseContext) -> None:
        super().__init__(context)
        self.collector = Collector(context.config, context.dataset, context.rules)
        self._starts = race_order(context.validation_starts, context.dataset.together)

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round | None:
        """Play `count` episodes of self-play."""
        player, learner = self.context.player, self.context.learner
        player.take(learner.playing_weights())
        return self.collector.play_round(player.agent, learner.steps, first_episode, count, tick)

    def validate(self, counters: Counters, tick: Advance) -> bool:
        """Race the agent against the best before it, and record a few of its decisions."""
        context, rules = self.context, self.context.rules
        agent, simulations = context.player.agent, context.config.search.num_simulations

        def play(starts: I64) -> Backtest:
            return backtest(SearchPolicy(agent, simulations), context.dataset, rules, starts, tick)

        def score(played: Backtest) -> F64:
            return self._scores(played, counters)

        best = counters.best_sessions
        comparable = np.array(best) if len(best) == len(self._starts) else None
        raced = race(play, self._starts, score, comparable, rules, context.dataset.together)
        metrics = raced.backtest.metrics
        counters.validated_at = counters.episodes
        is_best = not raced.dropped and self._is_best(metrics, counters)
        if is_best:
            counters.best_pips = self._pips(metrics)
            counters.best_sqn = metrics.sqn
            counters.best_sessions = score(raced.backtest).tolist()
        market = context.dataset, rules, context.validation_starts
        forecast = forecast_outcomes(context.player.model, *market, _FORECAST_BARS)
        dropped_of = len(self._starts) if raced.dropped else None
        context.journal.validated(metrics, forecast, counters, is_best, dropped_of)
        decisions = context.folder.decisions_path
        record_decisions(decisions, agent, *market, simulations, counters.episodes)
        context.listener.validated(metrics, counters, is_best, dropped_of)
        context.looked(metrics)
        return is_best

    def _is_best(self, metrics: Metrics, counters: Counters) -> bool:
        """Whether the pips are the best yet; SQN breaks ties (FX "Validation Process", ADR 13)."""
        if counters.best_pips is None:
            return True
        best = (counters.best_pips, counters.best_sqn)
        return (self._pips(metrics), metrics.sqn) > best

    def _scores(self, played: Backtest, counters: Counters) -> F64:
        """``f64[n]`` of sessions, whose mean exceeds the best's where `_pips` does.

        More pips a trade than the best's e means more pips than e for each trade in total.
        """
        pips = played.equity_pips[:, -1]
        if self.context.config.train.best_by != "expectancy":
            return np.asarray(pips)
        trades = np.bincount(played.trades.account, minlength=len(pips))
        return np.asarray(pips - (counters.best_pips or 0.0) * trades)

    def _pips(self, metrics: Metrics) -> float:
        by_trade = self.context.config.train.best_by == "expectancy"
        return metrics.expectancy_pips if by_trade else metrics.net_pips_per_session


class AheadSearchPhase(SearchPhase):
    """Plays the next round in another thread, with the weights of when it is begun.

    That is when the round before was finished, except where a validation or a checkpoint falls: the
    round after it is begun afterwards. What a run does depends on its counters alone.
    """

    def __init__(self, context: PhaseContext) -> None:
        super().__init__(context)
        config = context.config
        # One core learns, the others play; the search is the same on any number of threads.
        threads = config.search.threads or max(performance_cores() - 1, 1)
        config = replace(config, search=replace(config.search, threads=threads))
        self._ahead = Player(config, context.rules)
        self._under_way = RoundUnderWay()

    def play_ahead(self, first_episode: int) -> bool:
        """See `Phase.play_ahead`."""
        count = self.collector.round_size(first_episode)
        if not count or falls_on(self.context.config, first_episode):
            return False
        learner = self.context.learner
        self._ahead.take(learner.playing_weights())
        play = self.collector.play_round
        self._under_way.begin(partial(play, self._ahead.agent, learner.steps, first_episode, count))
        return True

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round | None:
        """The round that was begun, or one played now; `count` is the same in both."""
        if self._under_way.begun:
            return self._under_way.wait(tick)
        return super().play_round(first_episode, count, tick)

    def close(self) -> None:
        """Abandon the round in progress."""
        self._under_way.close()


class BackgroundSearchPhase(SearchPhase):
    """Plays in the background with exported weights, whose age depends on timing."""

    def __init__(self, context: PhaseContext, backend: ExportBackend) -> None:
        super().__init__(context)
        exports = context.folder.collector_path
        refresher = Refresher(context.config, backend, context.dataset, context.rules, exports)
        self.background = BackgroundCollector(
            context.config, context.rules, self.collector, context.learner, refresher
        )

    def play_round(self, first_episode: int, count: int, tick: Advance) -> Round:
        """The round started in the background; `count` is the same on every rank."""
        return self.background.collect(first_episode, tick)

    def learned(self) -> None:
        """Export the new weights if due."""
        self.background.learned()

    def events(self) -> Iterable[EngineEvent]:
        """What happened to the programs that play."""
        return self.background.events()

    def close(self) -> None:
        """Abandon the round in progress and end its processes."""
        self.background.close()
