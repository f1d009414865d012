"""Arrays come out of a page as they went in."""

import base64
import zlib

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from mlx_muzero.evaluation.page.packing import Packed, price_digits
from pages import unpacked

WHOLE = st.lists(st.integers(-(2**30), 2**30), max_size=40)


def read(packed, facts):
    return unpacked(facts, zlib.decompress(base64.b64decode(packed.text())))


@given(WHOLE, WHOLE)
def test_whole_numbers_come_back_delta_coded_or_not(one, other):
    packed = Packed()
    facts = {"one": packed.ints(one, delta=True), "small": packed.small([1, -1, 3])}
    facts["other"] = packed.ints(other)
    found = read(packed, facts)
    assert found["one"].tolist() == one
    assert found["small"].tolist() == [1, -1, 3]
    assert found["other"].tolist() == other


def test_a_number_that_does_not_fit_is_refused():
    with pytest.raises(OverflowError, match="32 bits"):
        Packed().ints([2**31])


def test_an_unknown_number_stays_unknown():
    packed = Packed()
    found = read(packed, packed.floats([1.5, np.nan]))
    assert found[0] == 1.5
    assert np.isnan(found[1])


@pytest.mark.parametrize(
    ("largest", "digits"), [(150.123, 4), (1.12345, 6), (67_123.4, 2), (0.00001234, 10), (0.0, 0)]
)
def test_prices_keep_seven_digits(largest, digits):
    assert price_digits(np.array([largest / 3, largest])) == digits
