"""The constants of a search."""

from dataclasses import dataclass
from typing import Literal

from mlx_muzero.config.choices import ExpansionMode, LegalActions, Root

Compatibility = Literal["none", "mctx"]


@dataclass(frozen=True)
class SearchParams:
    """Constants of one search (ADR 18); `Search` checks their ranges.

    The core lists the same fields, defaults and ranges in cpp/search/params.def.

    Attributes:
        num_simulations: simulations per root.
        depth_limit: maximum depth, in environment steps from the root.
        discount: discount per environment step, in [0, 1].
        pb_c_init: weight of the prior relative to Q in pUCT.
        pb_c_base: visits at which that weight starts to grow.
        root_dirichlet_alpha: concentration of the Dirichlet noise over the legal root actions.
        root_exploration_fraction: fraction of noise in the root prior, in [0, 1].
        legal_actions: where illegal actions are masked: in the whole "tree", at the "root", or
            "off" (an illegal action then leaves the position as it is).
        expansion: what one simulation evaluates: "all_outcomes" of an action, or a
            "single_outcome" node as in Stochastic MuZero (Antonoglou et al. 2022).
        compatibility: "mctx" reproduces mctx's `stochastic_muzero_policy` visit for visit, to
            check one against the other: `depth_limit` is then its `max_depth`, counting edges of
            both kinds, and root actions are not each tried first. Needs "single_outcome".
        root: "puct", or "gumbel": sequential halving with Gumbel noise at the root, and below it
            visits in proportion to the improved policy (Danihelka et al. 2022).
        max_num_considered_actions: root actions with which sequential halving starts.
        leaves_per_step: leaves of one tree evaluated together; above 1 the first step expands every
            root action. The resulting tree depends on it.
    """

    num_simulations: int = 25
    depth_limit: int = 3
    discount: float = 0.997
    pb_c_init: float = 1.25
    pb_c_base: float = 19652.0
    root_dirichlet_alpha: float = 1.0
    root_exploration_fraction: float = 0.5
    legal_actions: LegalActions = "tree"
    expansion: ExpansionMode = "all_outcomes"
    compatibility: Compatibility = "none"
    root: Root = "puct"
    max_num_considered_actions: int = 16
    leaves_per_step: int = 1
