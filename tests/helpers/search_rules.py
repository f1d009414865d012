"""Every set of rules a search may follow, for tests that draw searches at random."""

from hypothesis import strategies as st

RULES = [
    ("all_outcomes", "none", "puct"),
    ("single_outcome", "none", "puct"),
    ("single_outcome", "mctx", "puct"),
    ("all_outcomes", "none", "gumbel"),
    ("single_outcome", "none", "gumbel"),
]


@st.composite
def rules(draw):
    """The fields of `SearchParams` that choose between rules."""
    expansion, compatibility, root = draw(st.sampled_from(RULES))
    return {
        "legal_actions": draw(st.sampled_from(["tree", "root", "off"])),
        "expansion": expansion,
        "compatibility": compatibility,
        "root": root,
        "max_num_considered_actions": draw(st.integers(1, 7)),
        "leaves_per_step": 1 if compatibility == "mctx" else draw(st.sampled_from([1, 2, 3, 8])),
    }
