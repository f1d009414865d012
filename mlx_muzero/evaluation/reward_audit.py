"""The reward audit: what each reward scheme pays scripted policies for, next to their net pips.

An agent becomes what it is paid for. A scheme that pays a losing policy more than a better one has
a degenerate optimum there, however good its intentions (ADR 8). The returns the policies collect
also show how wide the support of the value has to be.
"""

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, get_args

import numpy as np

from mlx_muzero.config.choices import RewardScheme
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import (
    BUY_AND_HOLD,
    FLAT_POLICY,
    Churn,
    PerfectForesight,
    RandomPolicy,
    momentum,
)
from mlx_muzero.evaluation.policy import Policy
from mlx_muzero.evaluation.rank_correlation import spearman
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.returns import discounted_returns
from mlx_muzero.types import F64, I64
from mlx_muzero.untrusted.json_values import in_unit

SCHEMES: tuple[RewardScheme, ...] = get_args(RewardScheme)
"""The built-in reward schemes."""


def audited_policies() -> list[Policy]:
    """The scripted policies; the one that sees the future is last."""
    return [
        FLAT_POLICY,
        BUY_AND_HOLD,
        Churn(),
        RandomPolicy(seed=0),
        momentum(5),
        momentum(60),
        PerfectForesight(),
    ]


Range = tuple[float, float]
"""Lowest and highest value."""


@dataclass(frozen=True)
class Earned:
    """Earnings of one policy, as means per session.

    Attributes:
        net_pips: pips after costs.
        reward: sum of a session's rewards, by scheme.
        returns: lowest and highest discounted return from any step on, by scheme.
    """

    net_pips: float
    reward: dict[str, float]
    returns: dict[str, Range]


@dataclass(frozen=True)
class SchemeAudit:
    """What one scheme pays for.

    Attributes:
        rank_correlation: Spearman's correlation of reward and net pips over the policies; None if
            the scheme pays all of them the same.
        returns: lowest and highest discounted return of any policy from any step on, which a value
            support has to contain.
        degenerate: in words, what it pays more than something better; empty if nothing.
    """

    rank_correlation: float | None
    returns: Range
    degenerate: tuple[str, ...]


@dataclass(frozen=True)
class RewardAudit:
    """The audit of one market.

    Attributes:
        pairs: symbols of the bars.
        unit: "pips" or "bps", the unit of net pips.
        sessions: sessions played by every policy.
        policies: earnings of each policy, by name.
        schemes: what each scheme pays for, by name.
    """

    pairs: str
    unit: str
    sessions: int
    policies: dict[str, Earned]
    schemes: dict[str, SchemeAudit]

    def as_dict(self) -> dict[str, Any]:
        """The numbers for JSON, with keys in the audit's unit."""
        return in_unit(asdict(self), self.unit)


def audit_reward(
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    discount: float,
    schemes: Sequence[str] = SCHEMES,
    tick: Callable[[int], None] = lambda _decisions: None,
) -> RewardAudit:
    """Play the scripted policies over the sessions at `starts` under each of `schemes`.

    `discount` is per step and applies to the returns.
    """
    policies = {
        policy.name: _play(policy, dataset, rules, starts, discount, schemes, tick)
        for policy in audited_policies()
    }
    return RewardAudit(
        pairs=dataset.label,
        unit=rules.unit,
        sessions=len(starts),
        policies=policies,
        schemes={scheme: judge(policies, scheme, rules.unit) for scheme in schemes},
    )


def _play(
    policy: Policy,
    dataset: MarketDataset,
    rules: TradingRules,
    starts: I64,
    discount: float,
    schemes: Sequence[str],
    tick: Callable[[int], None],
) -> Earned:
    played = {
        scheme: backtest(policy, dataset, replace(rules, reward=scheme), starts, tick)
        for scheme in schemes
    }
    return Earned(
        # The same for all schemes: rewards do not change accounts.
        net_pips=played[schemes[0]].metrics.net_pips_per_session,
        reward={
            scheme: float(result.reward.sum(axis=1).mean()) for scheme, result in played.items()
        },
        returns={scheme: _range(result.reward, discount) for scheme, result in played.items()},
    )


def _range(reward: F64, discount: float) -> Range:
    returns = discounted_returns(reward, discount)
    return float(returns.min()), float(returns.max())


def judge(policies: dict[str, Earned], scheme: str, unit: str = "pips") -> SchemeAudit:
    """Judge `scheme` by what the policies earned."""
    pips = np.array([earned.net_pips for earned in policies.values()])
    reward = np.array([earned.reward[scheme] for earned in policies.values()])
    ranges = [earned.returns[scheme] for earned in policies.values()]
    return SchemeAudit(
        rank_correlation=spearman(reward, pips),
        returns=(min(low for low, _ in ranges), max(high for _, high in ranges)),
        degenerate=tuple(_degenerate(policies, scheme, unit)),
    )


def _degenerate(policies: dict[str, Earned], scheme: str, unit: str) -> list[str]:
    """Cases where a policy that cannot see the future is paid for something other than pips."""
    honest = {n: e for n, e in policies.items() if n != PerfectForesight().name}
    flat, found = policies[FLAT_POLICY.name], []
    paid = max(honest, key=lambda name: honest[name].reward[scheme])
    best = max(honest, key=lambda name: honest[name].net_pips)
    if honest[paid].net_pips < honest[best].net_pips:
        found.append(
            f"It pays {paid} most, {honest[paid].reward[scheme]:+.3g} a session for "
            f"{honest[paid].net_pips:+.1f} {unit}; {best} makes {honest[best].net_pips:+.1f} and "
            f"is paid {honest[best].reward[scheme]:+.3g}: an agent learns to be {paid}."
        )
    losers = [
        name
        for name, earned in honest.items()
        if earned.net_pips < flat.net_pips and earned.reward[scheme] > flat.reward[scheme]
    ]
    if losers:
        found.append(
            f"It pays for losing: staying flat ({flat.reward[scheme]:+.3g} a session) is paid less "
            f"than {', '.join(losers)}, which {'loses' if len(losers) == 1 else 'lose'}: an "
            "agent learns to be in the market whatever it costs."
        )
    return found
