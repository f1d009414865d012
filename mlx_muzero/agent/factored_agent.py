"""The agent of a factored model: reads the market ahead, and does the account's arithmetic."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.config.choices import Backend
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.chain_values import solve_chain
from mlx_muzero.search.expectimax import MarketLayer, depth_within, expectimax
from mlx_muzero.search.market_evaluator import MarketAhead, MarketEvaluator
from mlx_muzero.search.market_tree import market_tree
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, F64, I32, I64, U64


@dataclass(frozen=True, eq=False)
class _Plan:
    """Decisions of B accounts under one set of terms.

    Attributes:
        layers: inner states by depth.
        worth: ``f64[n, S]`` of account states by depth, as `expectimax` returns it.
        choices: ``f64[B, A]`` what each action is worth; minus infinity where illegal.
        raw: ``f64[B, A]`` the same by the networks alone.
        account: ``i32[B]`` states of the accounts.
        terms: under which they decided.
    """

    layers: list[MarketLayer]
    worth: list[F64]
    choices: F64
    raw: F64
    account: I32
    terms: Terms


class FactoredAgent:
    """Plans with `model` under `rules`; holds no state between decisions.

    Where `rules` are not those that the model was trained under, the worth of a state in a leaf
    changes by what value iteration over the model's market chain says that the rules change.

    Args:
        model: the networks, in evaluation mode.
        search: depth limit and discount; a decision evaluates as many market states as it has
            simulations, at most.
        rules: positions and costs in force.
        trained_rules: those of the training; None if they are the same.
    """

    def __init__(
        self,
        model: FactoredModel,
        search: SearchConfig,
        rules: TradingRules,
        trained_rules: TradingRules | None = None,
    ) -> None:
        self._model = model
        self._search = search
        self._rules = rules
        self._trained_rules = trained_rules or rules
        self._market: MarketEvaluator = MlxMarket(model)
        self.refresh()

    @property
    def backend(self) -> Backend:
        """What evaluates latents."""
        return "mlx"

    def refresh(self) -> None:
        """Plan with the model's current weights from now on; call after they change."""
        self._market.refresh()
        self.__dict__.pop("_terms", None)
        self.__dict__.pop("_change_by_state", None)

    def close(self) -> None:
        """End other processes that evaluate; the agent cannot plan any more."""
        self._market.close()

    def network_action(self, observation: F32, account: I32, minute: I64 | None = None) -> I32:
        """``i32[B]`` what the networks would do without search, or any other planning.

        They know the costs in force at this decision, and those of the training after it; `minute`
        is as in `plan`.
        """
        _, raw = self._weighed(observation, account, minute, 0)
        return raw.argmax(axis=1).astype(np.int32)

    def plan(
        self,
        observation: F32,
        account: I32,
        seed: U64,
        *,
        simulations: int,
        noise: bool,
        minute: I64 | None = None,
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and account states ``i32[B]``.

        Nothing is drawn, so neither `seed` nor `noise` has an effect. Visits count the market
        states evaluated below each legal action, which is the same number for all. `minute`
        ``i64[B]``, the minutes since 1970 UTC at which the last bars opened, is needed where costs
        follow a clock. Where only those of the training did, the mean of its minutes stands for an
        unknown one.
        """
        depth = depth_within(simulations, self._model.outcomes, self._search.depth_limit)
        return self._result(*self._weighed(observation, account, minute, depth), depth)

    def explain(
        self, observation: F32, account: I32, *, simulations: int, minute: I64 | None = None
    ) -> tuple[SearchResult, TreeTable]:
        """Decide once, for ``f32[1, W, F]`` and ``i32[1]``; also return the tree."""
        seed = np.zeros(1, np.uint64)
        result = self.plan(
            observation, account, seed, simulations=simulations, noise=False, minute=minute
        )
        return result, self.tree(0, simulations=simulations)

    def tree(self, root: int, *, simulations: int) -> TreeTable:
        """The tree of `root` in the last plan, which must have had as many simulations."""
        plan, row = next(
            (plan, int(np.flatnonzero(rows == root)[0]))
            for rows, plan in self._last
            if root in rows
        )
        prior = self._softmax(plan.raw[[row]])[0].tolist()
        account = int(plan.account[row])
        return market_tree(plan.layers, plan.worth, row, account, prior, plan.terms)

    def _weighed(
        self, observation: F32, account: I32, minute: I64 | None, depth: int
    ) -> tuple[F64, F64]:
        """``f64[B, A]`` what actions are worth, `depth` bars read ahead, and without any planning.

        Accounts whose costs are in one phase are planned for together.
        """
        ahead, phases = self._market.ahead(observation, depth), self._rules.costs.phases
        if minute is None and phases > 1:
            raise ValueError("costs that follow a clock need the minutes of the decisions")
        # The training's clock counts too: its costs are in what the networks have learned.
        phases = int(np.lcm(phases, self._trained_rules.costs.phases))
        phase = np.zeros(len(account), np.int64) if minute is None else minute % phases
        together = [np.flatnonzero(phase == each) for each in np.unique(phase)]
        self._last = []
        for rows in together:
            known = None if minute is None else int(phase[rows[0]])
            plan = self._planned(ahead.under(rows), account[rows], known)
            self._last.append((rows, plan))
        back = np.argsort(np.concatenate([rows for rows, _ in self._last]))
        choices = np.concatenate([plan.choices for _, plan in self._last])[back]
        raw = np.concatenate([plan.raw for _, plan in self._last])[back]
        return choices, raw

    def _result(self, choices: F64, raw: F64, depth: int) -> SearchResult:
        """What to do, given what `_weighed` found `depth` bars ahead."""
        legal = np.isfinite(choices)
        evaluations = sum(self._model.outcomes**d for d in range(1, depth + 1))
        count = np.full(len(choices), evaluations, np.int32)
        deepest = np.full(len(choices), depth, np.int32)
        return SearchResult(
            visits=np.where(legal, evaluations, 0).astype(np.int32),
            value=choices.max(axis=1).astype(np.float32),
            q=np.where(legal, choices, 0.0).astype(np.float32),
            prior=self._softmax(raw),
            policy=self._softmax(choices),
            action=choices.argmax(axis=1).astype(np.int32),
            raw_value=raw.max(axis=1).astype(np.float32),
            statistics=SearchStatistics(deepest, deepest.astype(np.float64), count, count),
        )

    def _planned(self, ahead: MarketAhead, account: I32, phase: int | None) -> _Plan:
        """The decisions of accounts whose bars are in one phase of the costs, None if unknown."""
        terms, later = self._terms.shifted(phase or 0), len(ahead.layers)
        leaf_worth = self._changed(ahead.leaf_worth, ahead.leaf_cluster, phase, later)
        worth = expectimax(ahead.layers, leaf_worth, terms, self._search.discount)
        row = np.arange(len(account))
        choices = terms.choices(worth[0], 0)[row, account]
        raw = terms.choices(ahead.root_worth, 0)[row, account]
        return _Plan(ahead.layers, worth, choices, raw, account, terms)

    def _changed(self, worth: F64, cluster: I32, phase: int | None, later: int) -> F64:
        """``f64[n, S]`` worth of account states under the rules in force, so many bars later."""
        change = self._change_by_state
        if change is None:
            return worth
        of_phase = change.mean(axis=0) if phase is None else change[(phase + later) % len(change)]
        return np.asarray(worth + of_phase[cluster])

    def _softmax(self, choices: F64) -> F32:
        """``f32[B, A]`` probabilities: a deviation of a bar's move is worth a factor of e."""
        pips = float(self._model.usual.move_pips)
        above = np.exp((choices - choices.max(axis=1, keepdims=True)) / pips)
        return np.asarray(above / above.sum(axis=1, keepdims=True), np.float32)

    @cached_property
    def _terms(self) -> Terms:
        return self._terms_of(self._rules)

    @cached_property
    def _change_by_state(self) -> F64 | None:
        """``f64[H, G, S]`` what the rules in force change, by cluster; None if nothing."""
        trained = self._terms_of(self._trained_rules)
        if self._terms.same_as(trained):
            return None
        chain, discount = self._model.chain, self._search.discount
        transition = np.array(chain.transition).astype(np.float64)
        move = np.array(chain.move).astype(np.float64)
        now, then = (
            solve_chain(transition, move, terms, discount) for terms in (self._terms, trained)
        )
        phases = np.arange(np.lcm(len(now), len(then)))
        return np.asarray(now[phases % len(now)] - then[phases % len(then)])

    def _terms_of(self, rules: TradingRules) -> Terms:
        """The terms of `rules` at the market's usual price and spread."""
        usual, states = self._model.usual, rules.states
        minute = np.arange(rules.costs.phases)
        price, spread = (np.full(len(minute), float(a)) for a in (usual.price, usual.spread))
        costs = fill_costs(price, rules, spread if rules.costs.quoted else None, minute)
        return Terms(states.exposures, states.next_state, costs)
