"""The agent of a factored model: reads the market ahead, and does the account's arithmetic."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.backend_choice import computed_precision, fallback, make_market
from mlx_muzero.agent.leaf_change import LeafChange
from mlx_muzero.agent.moment import UNKNOWN, Moment
from mlx_muzero.agent.timetable import Timetable
from mlx_muzero.backends.search_params import search_params
from mlx_muzero.config.choices import Backend, Precision
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.errors import EngineLost
from mlx_muzero.exports.deployment import Deployment, EngineEvent, warn
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.account_table import AccountTable
from mlx_muzero.search.chain_values import ChainMarket
from mlx_muzero.search.choice_policy import choice_policy
from mlx_muzero.search.expectimax import MarketLayer, depth_within, expectimax
from mlx_muzero.search.exposure_price import ExposureMarket
from mlx_muzero.search.market_evaluator import KnownAhead, MarketEvaluator
from mlx_muzero.search.market_leaves import MarketLeaves
from mlx_muzero.search.market_tree import market_tree
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.search.search import Search
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, F64, I32, I64, U64

_T = TypeVar("_T")


@dataclass(frozen=True, eq=False)
class _Plan:
    """Decisions of B accounts.

    Attributes:
        layers: inner states by depth.
        worth: ``f64[n, S]`` of account states by depth, as `expectimax` returns it.
        terms: under which they are taken.
        condition: ``i64[B, d + 1]`` of the terms by depth.
        choices: ``f64[B, A]`` what each action is worth; minus infinity where illegal.
        raw: ``f64[B, A]`` the same by the networks alone.
        account: ``i32[B]`` states of the accounts.
    """

    layers: list[MarketLayer]
    worth: list[F64]
    terms: Terms
    condition: I64
    choices: F64
    raw: F64
    account: I32


class FactoredAgent(Agent):
    """An `Agent` that plans with a model of the market under `rules`.

    Where `rules` are not those that the model was trained under, the worth of a state in a leaf
    changes by what the model's market chain says that the rules change. Networks learn from bars
    without limits of the clock, swap and funding that plans expect, which the search adds.

    Args:
        model: the networks; the weights they have now, or at the last `refresh`, are played.
        search: how to plan, and the backend. An expectimax evaluates as many market states for a
            decision as it has simulations, at most; a sampling search always masks illegal actions.
        rules: account states and costs in force.
        trained_rules: those of the training; None if they are the same.
        market: computes the networks, and is never replaced; None: what `search.backend` names.
        deployment: the export that such a backend runs, permanently replaced by another backend if
            it is lost; its `report` is called, and the current plan starts over.

    Raises:
        ConfigError: `search.backend` is "auto", which `mlx_muzero.agent.backend_choice.settle`
            replaces, or needs a deployment.
        SearchError: the backend cannot represent the model.
        ExportError: the deployment's export cannot be used, or is of other weights.
    """

    def __init__(
        self,
        model: FactoredModel,
        search: SearchConfig,
        rules: TradingRules,
        trained_rules: TradingRules | None = None,
        market: MarketEvaluator | None = None,
        deployment: Deployment | None = None,
    ) -> None:
        self._model = model
        self._search = search
        self._rules = rules
        self._trained_rules = trained_rules or rules
        self._known = model.known
        self._session_bars = model.known.session_bars or rules.session_bars
        now, then = rules.states, self._trained_rules.states
        self._seen = None if now.max_entries == then.max_entries else now.seen_as(then)
        self._deployment = deployment
        self._replaceable = market is None
        self._market = market or self._made_market()
        self._tree: Callable[[int], TreeTable]
        self.refresh()

    @property
    def backend(self) -> Backend:
        """The backend that computes the networks now."""
        return self._search.backend

    @property
    def precision(self) -> Precision:
        """The number format of that backend's large products."""
        return computed_precision(self._search)

    def refresh(self) -> None:
        """Plan with the model's current weights from now on; call after they change."""
        self._market.refresh()
        for cached in ("_timetable", "_leaf_change", "_chain"):
            self.__dict__.pop(cached, None)

    def close(self) -> None:
        """End other processes that evaluate; the agent cannot plan any more."""
        self._market.close()

    def network_action(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> I32:
        """``i32[B]`` what the networks would do without search, or any other planning.

        They know the costs in force at this decision, and those of the training after it; `moment`
        is as in `plan`.
        """
        weights = self.network_weights(observation, account, moment)
        return weights.argmax(axis=1).astype(np.int32)

    def network_weights(self, observation: F32, account: I32, moment: Moment = UNKNOWN) -> F64:
        """``f64[B, A]`` pips that `network_action` weighs; minus infinity where illegal."""
        plan = self._by_one_backend(lambda: self._planned(observation, account, moment, 0))
        return plan.raw

    def plan(
        self,
        observation: F32,
        account: I32,
        seed: U64,
        *,
        simulations: int,
        noise: bool,
        moment: Moment = UNKNOWN,
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and account states ``i32[B]``.

        `moment` is needed where costs, limits, swap or funding follow a clock, or limits or worth
        count the bars of a session. Where only costs of the training did, the mean of its minutes
        stands for an unknown one. Nothing is read beyond the end of a session whose bars count.
        Where fills pay the quotes, its spread is what they pay now, and the usual one later.

        An expectimax draws nothing, so neither `seed` nor `noise` has an effect on it. Its visits
        count the market states evaluated below each legal action, the same number for all. Those of
        a sampling search are simulations, `seed` ``u64[B]`` seeds each root's random numbers, and
        `noise` explores at the root.
        """
        if self._search.planner == "sampling" and self._depth(moment, len(account), 1):
            return self._by_one_backend(
                lambda: self._sampled(observation, account, seed, simulations, noise, moment)
            )
        depth = depth_within(simulations, self._model.outcomes, self._search.depth_limit)
        plan = self._by_one_backend(lambda: self._planned(observation, account, moment, depth))
        self._tree = lambda root: self._tree_of(plan, root)
        return self._result(plan)

    def tree(self, root: int, *, simulations: int) -> TreeTable:
        """The tree of `root` in the last plan, which must have had as many simulations."""
        return self._tree(root)

    def _sampled(
        self,
        observation: F32,
        account: I32,
        seed: U64,
        simulations: int,
        noise: bool,
        moment: Moment,
    ) -> SearchResult:
        """What simulations over the market find."""
        params = search_params(replace(self._search, legal_actions="tree"), simulations)
        limit = self._depth(moment, len(account), params.depth_limit)
        params = replace(params, depth_limit=limit, discount=self._discount)
        depth = min(limit, simulations)
        left = self._bars_left(moment, len(account))
        terms, condition = self._timetable.in_force(moment, len(account), depth)

        def in_force(worth: F64, cluster: I32, root: I64, bars: I64) -> F64:
            return self._changed(worth, cluster, moment.later(root, bars), 0)

        def told(root: I64, bars: I64) -> F32 | None:
            return self._known_rows(left[root] - bars)

        market, pips = self._market, self._pips
        leaves = MarketLeaves(market, terms, condition, account, in_force, pips, told)
        table = AccountTable(terms, condition)
        search = Search(params, table.next_row, self._model.outcomes)
        roots = self._market.roots(observation, self._known_rows(left))
        rows, prediction = table.rows(account), leaves.prediction(roots)
        result = search.run(leaves, roots, *prediction, rows, seed, noise)
        self._tree = search.tree
        worth = self._of_states(roots.worth.astype(np.float64))
        raw = terms.choices(worth, condition[:, 0])[np.arange(len(account)), account]
        return replace(
            result,
            raw_value=raw.max(axis=1).astype(np.float32),
            statistics=replace(result.statistics, evaluations=leaves.evaluations),
        )

    def _planned(self, observation: F32, account: I32, moment: Moment, depth: int) -> _Plan:
        """The decisions of B accounts, at most `depth` bars read ahead."""
        row = np.arange(len(account))
        left = self._bars_left(moment, len(account))
        depth = self._depth(moment, len(account), depth)
        terms, condition = self._timetable.in_force(moment, len(account), depth)
        known = KnownAhead(*(self._known_rows(left - bars) for bars in (0, depth)))
        ahead = self._market.ahead(observation, depth, known)
        leaf_worth = self._changed(ahead.leaf_worth, ahead.leaf_cluster, moment, depth)
        worth = expectimax(ahead.layers, leaf_worth, terms, condition, self._discount)
        choices = terms.choices(worth[0], condition[:, 0])[row, account]
        raw = terms.choices(self._of_states(ahead.root_worth), condition[:, 0])[row, account]
        return _Plan(ahead.layers, worth, terms, condition, choices, raw, account)

    def _depth(self, moment: Moment, accounts: int, depth: int) -> int:
        """At most `depth` bars to read ahead: none beyond the end of a session that counts them."""
        if not self._session_bars:
            return depth
        return min(depth, int(self._bars_left(moment, accounts).min()) - 1)

    def _bars_left(self, moment: Moment, accounts: int) -> I64:
        """``i64[B]`` decisions of the session left, with this one; 0 where it does not matter."""
        if not self._session_bars:
            return np.zeros(accounts, np.int64)
        if moment.bar is None:
            raise ValueError("worth that ends with the session needs the decisions already made")
        return np.maximum(self._session_bars - moment.bar, 1)

    def _known_rows(self, left: I64) -> F32 | None:
        """``f32[B, I]`` known inputs with so many bars left, at the cost in force; None if none."""
        if not self._known.columns:
            return None
        cost = self._known_rules.costs.round_trip_pips
        return self._known.rows(left, np.full(len(left), cost))

    @cached_property
    def _known_rules(self) -> TradingRules:
        """The rules that the networks count with: the training's, at the cost in force.

        A cost that is an input is the mean of the minutes, as near as it was learned for.
        """
        if self._known.cost_pips is None:
            return self._trained_rules
        usual = float(np.mean(self._rules.costs.by_minute))
        costs = replace(self._trained_rules.costs, round_trip_pips=self._known.learned_cost(usual))
        return replace(self._trained_rules, costs=costs)

    def _tree_of(self, plan: _Plan, root: int) -> TreeTable:
        prior = choice_policy(plan.raw[root], self._pips).tolist()
        account, condition = int(plan.account[root]), plan.condition[root]
        return market_tree(plan.layers, plan.worth, root, account, prior, plan.terms, condition)

    def _by_one_backend(self, work: Callable[[], _T]) -> _T:
        """What `work` returns; it starts over with another backend if the export is lost."""
        try:
            return work()
        except EngineLost as lost:
            if not self._replaceable:
                raise
            self._market = self._fallen_back(lost)
        return work()

    def _made_market(self) -> MarketEvaluator:
        try:
            return make_market(self._model, self._search, self._deployment)
        except EngineLost as lost:
            return self._fallen_back(lost)

    def _fallen_back(self, lost: EngineLost) -> MarketEvaluator:
        """What computes the networks from now on, as the export cannot any more."""
        self._search = replace(self._search, backend=fallback(self._model), precision="float32")
        report = warn if self._deployment is None else self._deployment.report
        report(EngineEvent("engine_lost", str(lost), self._search.backend))
        return make_market(self._model, self._search)

    def _result(self, plan: _Plan) -> SearchResult:
        """What to do, given what was planned."""
        choices, raw, depth = plan.choices, plan.raw, len(plan.layers)
        legal = np.isfinite(choices)
        evaluations = sum(self._model.outcomes**d for d in range(1, depth + 1))
        count = np.full(len(choices), evaluations, np.int32)
        deepest = np.full(len(choices), depth, np.int32)
        none = np.zeros_like(count)
        return SearchResult(
            visits=np.where(legal, evaluations, 0).astype(np.int32),
            value=choices.max(axis=1).astype(np.float32),
            q=np.where(legal, choices, 0.0).astype(np.float32),
            prior=choice_policy(raw, self._pips),
            policy=choice_policy(choices, self._pips),
            action=choices.argmax(axis=1).astype(np.int32),
            raw_value=raw.max(axis=1).astype(np.float32),
            statistics=SearchStatistics(
                deepest, deepest.astype(np.float64), count, count, none, none, none, none
            ),
        )

    def _changed(self, worth: F64, cluster: I32, moment: Moment, depth: int) -> F64:
        """``f64[n, S]`` worth of account states under the rules in force, so many bars later."""
        worth = self._of_states(worth)
        if self._leaf_change is None:
            return worth
        accounts = len(worth) // self._model.outcomes**depth
        change, row = self._leaf_change.of(moment, accounts, depth)
        return np.asarray(worth + change[np.repeat(row, len(worth) // accounts), cluster])

    def _of_states(self, worth: F64) -> F64:
        """``f64[n, S]`` what the networks say of the account states in force, as learned."""
        return worth if self._seen is None else worth[:, self._seen]

    @property
    def _discount(self) -> float:
        """Of a bar; it stands for an end that nobody knows, so it is 1 where one is known."""
        return 1.0 if self._session_bars else self._search.discount

    @property
    def _pips(self) -> float:
        """A deviation of a bar's move is worth a factor of e in a policy."""
        return float(self._model.usual.move_pips)

    @cached_property
    def _timetable(self) -> Timetable:
        """That of the rules in force; where accounts share a limit, exposure has a price."""
        timetable, limit = self._timetable_of(self._rules), self._rules.exposure_limit
        if limit is None:
            return timetable
        shared = ExposureMarket(self._chain, limit.accounts, limit.total)
        return timetable.priced(shared.price(timetable.terms, np.arange(timetable.phases)))

    @cached_property
    def _chain(self) -> ChainMarket:
        chain = self._model.chain
        transition, move = (np.array(a).astype(np.float64) for a in (chain.transition, chain.move))
        return ChainMarket(transition, move, self._search.discount)

    @cached_property
    def _leaf_change(self) -> LeafChange | None:
        """What the rules in force change; None if nothing."""
        trained = self._timetable_of(self._known_rules.learnable)
        same_end = self._timetable.session_bars == trained.session_bars
        if same_end and self._timetable.terms.same_as(trained.terms):
            return None
        return LeafChange(self._chain, self._timetable, trained, self._seen)

    def _timetable_of(self, rules: TradingRules) -> Timetable:
        """The timetable of `rules` at the market's usual price and spread."""
        usual = self._model.usual
        factor = self._search.cost_factor
        return Timetable(rules, float(usual.price), float(usual.spread), factor)
