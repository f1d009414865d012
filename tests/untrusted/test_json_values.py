"""What JSON lacks is written as null."""

import json
import math

from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.untrusted.json_values import finite, strict_json

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=3), inner),
    max_leaves=8,
)


@given(VALUES)
def test_strict_json_is_the_text_of_the_finite_value(value):
    assert strict_json(value) == json.dumps(finite(value), allow_nan=False)


def test_what_is_not_finite_is_null_at_any_depth():
    value = {"a": (math.nan, 1.5), "b": [{"c": -math.inf}]}
    assert strict_json(value, (",", ":")) == '{"a":[null,1.5],"b":[{"c":null}]}'
