"""Walks over a pair's recorded bars, from order to fill: whole numbers only, no prices."""

from dataclasses import dataclass

import numpy as np

from mlx_muzero.paper.report.order_times import OrderTimes
from mlx_muzero.trading.limits import FREE
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.types import I8, I32, I64, Bool

_NO_ORDER = -1


@dataclass(frozen=True, eq=False)
class Walk:
    """What one policy did with one pair.

    Attributes:
        action_counts: ``i64[A]`` how often it chose each action.
        bar: ``i64[F]`` bar at whose open each fill was, counted from the session's first.
        before: ``i32[F]`` position before each fill.
        after: ``i32[F]`` another position, after it.
    """

    action_counts: I64
    bar: I64
    before: I32
    after: I32


def walk(actions: I8, times: OrderTimes, rules: TradingRules, begins: Bool) -> Walk:
    """Let a policy trade, one order at a time.

    Args:
        actions: ``i8[D, S]`` its action at each decision in each account state.
        times: of its decisions and orders.
        rules: of the account.
        begins: ``bool[N]`` whether another session's entries are counted from each bar's close on.
    """
    states = rules.states
    next_state = rules.taken[FREE].tolist()
    position = states.position.tolist()
    moves = (rules.table.next_position[states.position] != states.position[:, None]).tolist()
    afresh = states.of(states.position, np.zeros_like(states.entries_made)).tolist()
    chosen, fills = bytearray(), []
    state, order_action, due, filled = 0, 0, _NO_ORDER, False
    at = np.full(len(begins), _NO_ORDER)
    at[times.bar] = np.arange(len(times.bar))
    table, width = actions.tobytes(), actions.shape[1]
    ends, fill = times.ends.tolist(), times.fills.tolist()
    for bar, (decision, anew) in enumerate(zip(at.tolist(), begins.tolist(), strict=True)):
        if bar == due:
            if filled:
                after = next_state[state][order_action]
                if position[after] != position[state]:
                    fills.append((bar, position[state], position[after]))
                state = after
            due = _NO_ORDER
        if anew:
            state = afresh[state]
        if decision >= 0:
            action = table[decision * width + state]
            chosen.append(action)
            if due < 0 and moves[state][action]:
                order_action, due, filled = action, ends[decision], fill[decision]
    counts = np.bincount(np.frombuffer(chosen, np.uint8), minlength=len(rules.table.action_names))
    columns = np.array(fills, np.int64).reshape(-1, 3)
    return Walk(
        counts, columns[:, 0], columns[:, 1].astype(np.int32), columns[:, 2].astype(np.int32)
    )
