"""The agent of a factored model: reads the market ahead, and does the account's arithmetic."""

from dataclasses import dataclass
from functools import cached_property

import mlx.core as mx
import numpy as np

from mlx_muzero.config.choices import Backend
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.chain_values import solve_chain
from mlx_muzero.search.expectimax import MarketLayer, depth_within, expectimax
from mlx_muzero.search.market_tree import market_tree
from mlx_muzero.search.result import SearchResult, SearchStatistics, TreeTable
from mlx_muzero.search.terms import Terms
from mlx_muzero.trading.gains import fill_costs
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import F32, F64, I32, U64


@dataclass(frozen=True, eq=False)
class _Plan:
    """The last plan, kept for `FactoredAgent.tree`."""

    layers: list[MarketLayer]
    worth: list[F64]
    position: I32
    prior: F32
    terms: Terms


class FactoredAgent:
    """Plans with `model` under `rules`; holds no state between decisions.

    Where `rules` are not those that the model was trained under, the worth of a position in a leaf
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
        self.refresh()

    @property
    def backend(self) -> Backend:
        """What evaluates latents."""
        return "mlx"

    def refresh(self) -> None:
        """Plan with the model's current weights from now on; call after they change."""
        self.__dict__.pop("_terms", None)
        self.__dict__.pop("_change_by_state", None)

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def network_action(self, observation: F32, position: I32) -> I32:
        """``i32[B]`` what the networks would do without search, under the rules in force."""
        return self._decided(self._read(observation, 0), position).action

    def plan(
        self, observation: F32, position: I32, seed: U64, *, simulations: int, noise: bool
    ) -> SearchResult:
        """Search from observations ``f32[B, W, F]`` and positions ``i32[B]``.

        Nothing is drawn, so neither `seed` nor `noise` has an effect. Visits count the market
        states evaluated below each legal action, which is the same number for all.
        """
        depth = depth_within(simulations, self._model.outcomes, self._search.depth_limit)
        return self._decided(self._read(observation, depth), position)

    def explain(
        self, observation: F32, position: I32, *, simulations: int
    ) -> tuple[SearchResult, TreeTable]:
        """Decide once, for ``f32[1, W, F]`` and ``i32[1]``; also return the tree."""
        seed = np.zeros(1, np.uint64)
        result = self.plan(observation, position, seed, simulations=simulations, noise=False)
        return result, self.tree(0, simulations=simulations)

    def tree(self, root: int, *, simulations: int) -> TreeTable:
        """The tree of `root` in the last plan, which must have had as many simulations."""
        last = self._last
        prior = last.prior[root].tolist()
        return market_tree(
            last.layers, last.worth, root, int(last.position[root]), prior, last.terms
        )

    def _read(self, observation: F32, depth: int) -> tuple[list[MarketLayer], F64, F64]:
        """The market ahead: its inner layers, the leaves' worth and the roots' own."""
        model = self._model
        model.eval()
        latent = model.representation(mx.array(observation))
        root, inner = latent, []
        for _ in range(depth):
            probs = mx.softmax(model.outcome_logits(latent), axis=-1)
            inner.append((probs, model.moves(latent)))
            states = latent.shape[0]
            outcome = mx.tile(mx.arange(model.outcomes, dtype=mx.int32), states)
            latent = model.dynamics(mx.repeat(latent, model.outcomes, axis=0), outcome)
        seen = [self._worth(root, 0), self._worth(latent, depth)]
        mx.eval(inner, seen)
        layers = [MarketLayer(np.array(probs), np.array(moves)) for probs, moves in inner]
        at_root, at_leaves = (self._changed(*arrays, ahead) for arrays, ahead in seen)
        return layers, at_leaves, at_root

    def _worth(self, latent: mx.array, ahead: int) -> tuple[tuple[mx.array, mx.array], int]:
        """The worth that the networks see, and the chain's state, `ahead` bars from now."""
        model = self._model
        return (model.worth(latent), model.chain.nearest(model.summary(latent))), ahead

    def _changed(self, worth: mx.array, state: mx.array, ahead: int) -> F64:
        """``f64[n, P]`` worth of positions under the rules in force."""
        seen = np.array(worth).astype(np.float64)
        if self._change_by_state is None:
            return seen
        change = self._change_by_state[ahead % len(self._change_by_state)]
        return np.asarray(seen + change[np.array(state)])

    def _decided(self, read: tuple[list[MarketLayer], F64, F64], position: I32) -> SearchResult:
        layers, leaf_worth, root_worth = read
        terms, depth = self._terms, len(layers)
        worth = expectimax(layers, leaf_worth, terms, self._search.discount)
        row = np.arange(len(position))
        choices = terms.choices(worth[0], 0)[row, position]
        legal = np.isfinite(choices)
        q = np.where(legal, choices, 0.0).astype(np.float32)
        raw = terms.choices(root_worth, 0)[row, position]
        prior, policy = (self._softmax(values) for values in (raw, choices))
        evaluations = sum(self._model.outcomes**d for d in range(1, depth + 1))
        count = np.full(len(position), evaluations, np.int32)
        deepest = np.full(len(position), depth, np.int32)
        self._last = _Plan(layers, worth, position, prior, terms)
        return SearchResult(
            visits=np.where(legal, evaluations, 0).astype(np.int32),
            value=choices.max(axis=1).astype(np.float32),
            q=q,
            prior=prior,
            policy=policy,
            action=choices.argmax(axis=1).astype(np.int32),
            raw_value=raw.max(axis=1).astype(np.float32),
            statistics=SearchStatistics(deepest, deepest.astype(np.float64), count, count),
        )

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
        """``f64[H, G, P]`` what the rules in force change, by cluster; None if nothing."""
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
        usual, table = self._model.usual, rules.table
        price, spread = np.array([float(usual.price)]), np.array([float(usual.spread)])
        costs = fill_costs(price, rules, spread if rules.costs.quoted else None)
        return Terms(table.exposures, table.next_position, costs)
