"""Where each decision of a page expected the next closes, as far as its tree reached; what came."""

from collections.abc import Iterator

import numpy as np

from mlx_muzero.evaluation.page.contents import Decisions
from mlx_muzero.market.observation.outcome_cone import (
    MEANS,
    MOST_BARS,
    ConeBar,
    chances_ahead,
    cone,
)
from mlx_muzero.runlog.decision_log import CHANCE
from mlx_muzero.trading.costs import pip_price
from mlx_muzero.types import F64


def cones_of(decisions: Decisions) -> Iterator[list[ConeBar]]:
    """The cone after the action of each, in their unit.

    It has one bar where the page has no tree, and none where the outcomes of the next bar or their
    threshold are not known.
    """
    chances, threshold = decisions.chances, decisions.threshold
    told = np.isfinite(chances).all(axis=1) & (threshold > 0)
    if chances.shape[1:] != (len(MEANS),):
        told[:] = False
    columns = chances.tolist(), threshold.tolist(), decisions.taken.tolist(), told.tolist()
    for at, (first, width, action, is_told) in enumerate(zip(*columns, strict=True)):
        tree = decisions.trees.get(at)
        if not is_told:
            yield []
        elif tree is None:
            yield cone([(first, 1.0)], width)
        else:
            yield cone(chances_ahead(tree.columns, action, first, CHANCE), width)


def moves_after(closes: F64, pip_size: float) -> F64:
    """Moves ``f64[k]`` that came: of the closes after a decision from its own, bar by bar.

    As many as a cone may have, or as there are.

    Args:
        closes: ``f64[1 + n]`` of one market, the decision's first.
        pip_size: price of a pip; 0 for basis points.
    """
    ahead = closes[1 : 1 + MOST_BARS]
    return np.asarray((ahead - closes[0]) / pip_price(closes[:1], pip_size))
