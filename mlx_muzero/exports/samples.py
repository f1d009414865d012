"""Real situations on which to compare an export with its model: market windows and accounts."""

from dataclasses import dataclass, fields

import numpy as np

from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.networks.kinds import Model
from mlx_muzero.trading.account_states import AccountStates
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.env import SessionEnv
from mlx_muzero.types import F32, I32, I64

SESSIONS = 16
KEEP_FRAC = 0.9
"""How often an account keeps its position, so that positions are held for about ten bars."""


@dataclass(frozen=True, eq=False)
class Samples:
    """Situations of the validation split.

    Attributes:
        observation: ``f32[n, W, F]``.
        position: ``i32[n]`` index into the action table.
        action: ``i32[n]`` a legal action.
        outcome: ``i32[n]`` a chance outcome.
        account: ``i32[n]`` state of the account.
        minute: ``i64[n]`` minutes since 1970 UTC at which the last known bars opened.
        bar: ``i64[n]`` decisions already made in the sessions.
    """

    observation: F32
    position: I32
    action: I32
    outcome: I32
    account: I32
    minute: I64
    bar: I64

    def __len__(self) -> int:
        """Number of situations."""
        return len(self.position)

    def some(self, count: int) -> "Samples":
        """At most `count` of them, spread evenly."""
        rows = np.linspace(0, len(self) - 1, min(count, len(self))).astype(np.int64)
        return Samples(**{field.name: getattr(self, field.name)[rows] for field in fields(self)})


def draw_samples(dataset: MarketDataset, rules: TradingRules, count: int) -> Samples:
    """At most `count` situations from sessions of the validation split; always the same.

    Accounts act at random, so that they hold all kinds of positions.

    Raises:
        DataError: the validation split is too short for a session.
    """
    random = np.random.default_rng(0)
    env = SessionEnv(dataset, rules, dataset.evaluation_starts("validation", SESSIONS))
    accounts = len(env.position)
    decisions = accounts * env.session_bars
    count = min(count, decisions)
    steps, rows = np.divmod(random.choice(decisions, count, replace=False), accounts)
    observation, position, action, account, minute = [], [], [], [], []
    while not env.done:
        chosen = _random_action(rules.states, env.account_state, random)
        here = rows[steps == env.step_index]
        if len(here):
            observation.append(env.observe()[here])
            position.append(env.position[here])
            action.append(chosen[here])
            account.append(env.account_state[here])
            minute.append(env.minute[here])
        env.step(chosen)
    return Samples(
        np.concatenate(observation),
        np.concatenate(position),
        np.concatenate(action),
        random.integers(0, len(OUTCOME_NAMES), count).astype(np.int32),
        np.concatenate(account),
        np.concatenate(minute),
        np.sort(steps),
    )


def random_samples(model: Model, count: int) -> Samples:
    """`count` random situations, for networks that know no market; always the same."""
    draw = np.random.default_rng(0)
    shape = (count, model.window_bars, model.features)
    rows = np.arange(count, dtype=np.int32)
    actions = 1 if isinstance(model, FactoredModel) else model.actions
    return Samples(
        observation=draw.normal(size=shape).astype(np.float32),
        position=np.zeros(count, np.int32),
        action=rows % np.int32(actions),
        outcome=rows % model.outcomes,
        account=np.zeros(count, np.int32),
        minute=np.zeros(count, np.int64),
        bar=np.zeros(count, np.int64),
    )


def _random_action(states: AccountStates, account: I32, random: np.random.Generator) -> I32:
    """Legal actions ``i32[B]``, mostly keeping the state if possible."""
    legal = states.legal_mask(account)
    keeps = legal & (states.next_state[account] == account[:, None])
    stays = keeps.any(axis=1) & (random.random(len(account)) < KEEP_FRAC)
    allowed = np.where(stays[:, None], keeps, legal)
    # Draw a positive number for each action; the largest allowed one wins.
    return (allowed * (1.0 - random.random(legal.shape))).argmax(axis=1).astype(np.int32)
