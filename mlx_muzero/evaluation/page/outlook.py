"""Where each decision of a page expected the next closes: as far ahead as its tree reached."""

from collections.abc import Iterator

import numpy as np

from mlx_muzero.evaluation.page.contents import Decisions
from mlx_muzero.market.observation.outcome_cone import MEANS, ConeBar, chances_ahead, cone
from mlx_muzero.runlog.decision_log import CHANCE


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
