"""How much is tried by default: a part of what a property or a list of cases deserves.

All of it is tried by ``scripts/test -m "slow or not slow" --hypothesis-profile=thorough``, as in
`.ci/run`.
"""

from collections.abc import Iterable

import pytest
from hypothesis import settings

PART = 3
_FEWEST = 5


def examples(most: int, **others: object) -> settings:
    """Settings of a property that takes `most` examples to be sure of.

    Args:
        most: how many the profiles draw that are thorough.
        others: further settings.
    """
    part = settings.default.max_examples / settings.get_profile("thorough").max_examples
    return settings(max_examples=max(round(most * part), min(most, _FEWEST)), **others)


def cases(always: int, values: Iterable[object]) -> list:
    """Values of one parameter: the first `always` in every run, the others with the slow tests.

    For values that try one mechanism again and again, at a cost.
    """
    return [
        pytest.param(value, marks=() if n < always else pytest.mark.slow)
        for n, value in enumerate(values)
    ]
