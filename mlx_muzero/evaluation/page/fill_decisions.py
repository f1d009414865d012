"""The decisions behind a policy's fills: as kept while it played, or planned once more.

A session that is played again with the same actions has the same accounts at the same bars, and a
search with the same seed finds the same tree. So trees never have to be kept while a policy plays,
and where nothing was, only the decisions that moved money are planned.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np

from mlx_muzero.agent.agent import Agent
from mlx_muzero.agent.moment import Moment, moment_of
from mlx_muzero.evaluation.agent_policies import planned
from mlx_muzero.evaluation.backtest import SESSIONS_AT_ONCE, Backtest
from mlx_muzero.evaluation.joint_session import blocks
from mlx_muzero.evaluation.page.contents import Decisions, Nodes
from mlx_muzero.evaluation.page.kept_searches import KeptSearches, next_chances, searched
from mlx_muzero.evaluation.page.outlook import moves_after
from mlx_muzero.evaluation.page.played import market_of, net_of_round_trips
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcome_cone import MOST_BARS
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES, outcome_thresholds
from mlx_muzero.runlog.decision_log import bounded_tree
from mlx_muzero.search.result import SearchResult
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.trading.env import SessionEnv, observations
from mlx_muzero.types import F32, F64, I8, I32, I64, Advance, Bool

MOST_TREES = 200
"""Whole trees on a page."""

MOST_NODES = 512
"""Nodes of a tree on a page, the most visited ones."""


@dataclass(frozen=True, eq=False)
class Played:
    """What is to be explained.

    Attributes:
        backtest: what an agent played.
        starts: ``i64[n]`` first decision bars of its sessions.
        dataset: that holds them.
        rules: that it played under.
        agent: plans as it did.
        simulations: of each search.
        kept: what its searches found, if that was kept.
    """

    backtest: Backtest
    starts: I64
    dataset: MarketDataset
    rules: TradingRules
    agent: Agent
    simulations: int
    kept: KeptSearches | None = None


@dataclass(frozen=True, eq=False)
class _Roots:
    """Sessions of a block that decide at the same step.

    Attributes:
        session: ``i64[k]`` their numbers.
        step: of the sessions.
        bar: ``i64[k]`` last known bars.
        account: ``i32[k]`` states of the accounts.
        seen: ``f32[k, P]`` features of the accounts.
        moment: of the decisions.
        held: ``f64[k]`` exposures.
        taken: ``i8[k]`` actions that were played.
    """

    session: I64
    step: int
    bar: I64
    account: I32
    seen: F32
    moment: Moment
    held: F64
    taken: I8


def decisions_behind(
    played: Played,
    command: str,
    most_trees: int = MOST_TREES,
    tick: Advance = lambda _count: None,
) -> Decisions | None:
    """Every decision of `played` that led to a fill, and the trees of the most telling ones.

    None if nothing was filled.

    Args:
        played: what is to be explained.
        command: shows the tree of one decision, followed by the time of its bar.
        most_trees: how many of them are kept whole.
        tick: called with the number of decisions explained.
    """
    filled, nets = _filled(played)
    if not filled.any():
        return None
    thresholds = outcome_thresholds(played.dataset.close)
    number = np.full(filled.shape, -1, np.int64)
    parts: list[dict[str, Any]] = []
    count = 0
    known = _known(played, filled)
    for wanted, found in ((filled & known, _kept), (filled & ~known, _planned)):
        for roots in _roots_of(played, wanted):
            parts.append(_columns(played, roots, thresholds) | found(played, roots))
            number[roots.session, roots.step] = np.arange(count, count + len(roots.bar))
            count += len(roots.bar)
            tick(len(roots.bar))
    columns: dict[str, Any] = {
        name: np.concatenate([part[name] for part in parts]) for name in parts[0]
    }
    net = np.zeros(count)
    net[number[filled]] = nets[filled]
    chosen = telling(columns["prior"], columns["wanted"], net, most_trees)
    return Decisions(
        action_names=played.rules.table.action_names,
        outcome_names=OUTCOME_NAMES,
        **columns,
        command=np.zeros(count, np.int8),
        trees=_trees(played, number, chosen),
        commands=(command,),
        note=_note(columns["wanted"], columns["taken"], int(np.sum(filled & ~known))),
    )


def telling(prior: F32, wanted: I8, net: F64, most: int) -> I64:
    """Which decisions tell most: entries that cost or earned most, and overruled policies.

    Half of the room is for each, and what one leaves is the other's.

    Args:
        prior: ``f32[M, A]`` the policies before the search.
        wanted: ``i8[M]`` what it chose.
        net: ``f64[M]`` of the round trip that each entered, 0 where it entered none.
        most: decisions to choose.
    """
    order = np.argsort(-abs(net), kind="stable")
    entries = order[net[order] != 0.0]
    overruled = order[(prior.argmax(axis=1) != wanted)[order]]
    half = most // 2
    ranked = [entries[:half], overruled[:half], entries[half:], overruled[half:]]
    chosen = list(dict.fromkeys(np.concatenate(ranked).tolist()))[:most]
    return np.array(sorted(chosen), np.int64)


def _filled(played: Played) -> tuple[Bool, F64]:
    """``bool[n, steps]`` where decisions led to fills, and what those that entered earned."""
    trades, starts = played.backtest.trades, played.starts
    session = trades.account.astype(np.int64)
    filled = np.zeros(played.backtest.actions.shape, np.bool_)
    net = np.zeros(filled.shape)
    entry, exit_ = (bar - starts[session] for bar in (trades.entry_bar, trades.exit_bar))
    filled[session, entry] = True
    inside = exit_ < played.dataset.config.session_bars  # at the end of a session nobody decides
    filled[session[inside], exit_[inside]] = True
    net[session, entry] = np.where(trades.previous < 0, net_of_round_trips(played.backtest), 0.0)
    return filled, net


def _roots_of(played: Played, wanted: Bool) -> Iterator[_Roots]:
    """The decisions at the steps ``bool[n, steps]`` that are wanted, those of a step together."""
    together = played.rules.exposure_limit is not None
    actions = played.backtest.actions
    for block in blocks(played.dataset, played.starts, SESSIONS_AT_ONCE, together):
        if not wanted[block].any():
            continue
        env = SessionEnv(played.dataset, played.rules, played.starts[block])
        while not env.done:
            step = env.step_index
            rows = np.flatnonzero(wanted[block, step])
            if len(rows):
                yield _roots(env, rows, block.start, actions[block, step])
            env.step(actions[block, step].astype(np.int32))


def _roots(env: SessionEnv, rows: I64, first: int, actions: I8) -> _Roots:
    moment, bar = moment_of(env), env.bar[rows]
    seen = env.position_features()[rows]
    known: dict[str, Any] = {n: None if of is None else of[rows] for n, of in vars(moment).items()}
    return _Roots(
        session=rows + first,
        step=env.step_index,
        bar=bar,
        account=env.account_state[rows],
        seen=seen,
        moment=Moment(**known),
        held=env.core.exposure[rows],
        taken=actions[rows],
    )


def _known(played: Played, filled: Bool) -> Bool:
    """``bool[n, steps]`` which of the decisions that `filled` were kept whole."""
    known = np.zeros_like(filled)
    if played.kept is not None:
        session, step = np.nonzero(filled)
        taken = played.backtest.actions[session, step]
        known[session, step] = played.kept.explains(session, step, taken)
    return known


def _kept(played: Played, roots: _Roots) -> dict[str, Any]:
    """What the searches from `roots` found while the agent played."""
    assert played.kept is not None
    columns = played.kept.columns
    names = columns.keys() - {"explained"}
    return {name: columns[name][roots.session, roots.step] for name in names}


def _planned(played: Played, roots: _Roots) -> dict[str, Any]:
    """What they find now."""
    result = _plan(played, roots)
    trees = (
        played.agent.tree(root, simulations=played.simulations) for root in range(len(roots.bar))
    )
    after = zip(trees, roots.taken.tolist(), strict=True)
    chances = np.array([next_chances(tree, action) for tree, action in after], np.float32)
    return searched(result) | {"chances": chances}


def _plan(played: Played, roots: _Roots) -> SearchResult:
    observation = observations(played.dataset, roots.bar, roots.seen)
    found = observation, roots.account, roots.bar, roots.moment
    return planned(played.agent, played.simulations, *found)


def _trees(played: Played, number: I64, chosen: I64) -> dict[int, Nodes]:
    """Trees of the `chosen` decisions ``i64[k]``, whose numbers are `number` ``i64[n, steps]``."""
    trees = {}
    for roots in _roots_of(played, np.isin(number, chosen)):
        _plan(played, roots)
        for root, session in enumerate(roots.session.tolist()):
            tree = played.agent.tree(root, simulations=played.simulations)
            moves = _moves(played, int(roots.bar[root]))
            nodes = Nodes(bounded_tree(vars(tree), MOST_NODES), len(tree.parent), moves)
            trees[int(number[session, roots.step])] = nodes
    return dict(sorted(trees.items()))


def _columns(played: Played, roots: _Roots, thresholds: F64) -> dict[str, Any]:
    """Columns of `Decisions` about `roots` that no search says."""
    dataset, bar = played.dataset, roots.bar
    pip = pip_price(dataset.close[bar], played.rules.pip_size)
    return {
        "market": market_of(dataset)[dataset.pair[bar]],
        "bar_ns": dataset.open_time_ns[bar],
        "held": roots.held,
        "taken": roots.taken,
        "threshold": thresholds[bar + 1] / pip,
        "moved": (dataset.close[bar + 1] - dataset.close[bar]) / pip,
    }


def _moves(played: Played, bar: int) -> F64:
    """The moves of the closes after `bar`, of the same pair."""
    dataset = played.dataset
    ahead = slice(bar, bar + 1 + MOST_BARS)
    same = dataset.pair[ahead] == dataset.pair[bar]
    return moves_after(dataset.close[ahead][same], played.rules.pip_size)


def _note(wanted: I8, taken: I8, planned_again: int) -> str:
    """How the decisions were found, and what may seem wrong with them."""
    again = "planned once more with the same seeds, as they were when the agent played."
    if planned_again == len(taken):
        text = f"Decisions are {again}"
    else:
        others = f" and {planned_again:,} other decisions" if planned_again else ""
        text = f"Decisions as kept when the agent played; trees{others} are {again}"
    differ = int(np.sum(wanted != taken))
    if differ:
        text += (
            f" {differ:,} of {len(taken):,} took another action than their search chose: an "
            "exposure limit that pairs share, or the rounding of another batch, had its way."
        )
    return text
