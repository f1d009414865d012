"""How many examples a property is tried with: by default a part of those that it deserves.

All of them are drawn by ``scripts/test -m "slow or hypothesis" --hypothesis-profile=thorough``, as
`.ci/run` does.
"""

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
