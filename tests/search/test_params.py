"""One list of a search's constants: the core's, which Python mirrors."""

from dataclasses import asdict, fields
from enum import Enum

import pytest

from mlx_muzero import _core
from mlx_muzero.search import SearchParams

NAMES = [field.name for field in fields(SearchParams)]


def test_the_core_has_the_same_constants_in_the_same_order():
    assert [
        name for name, what in vars(_core.Params).items() if isinstance(what, property)
    ] == NAMES


@pytest.mark.parametrize("name", NAMES)
def test_the_core_has_the_same_default(name):
    default = getattr(_core.Params(), name)
    expected = asdict(SearchParams())[name]
    assert (default.name if isinstance(default, Enum) else default) == expected


def test_the_core_takes_what_it_is_given():
    params = _core.Params(num_simulations=7, discount=0.5, root=_core.Root.gumbel)
    assert (params.num_simulations, params.discount, params.root.name) == (7, 0.5, "gumbel")


@pytest.mark.parametrize(
    ("field", "message"),
    [
        ({"breadth": 1}, "no constant named breadth"),
        ({"num_simulations": 2**40}, "num_simulations cannot be 1099511627776"),
        ({"num_simulations": 2.5}, "num_simulations cannot be 2.5"),
        ({"discount": "high"}, "discount cannot be 'high'"),
        ({"root": "puct"}, "root cannot be 'puct'"),
    ],
)
def test_the_core_refuses_what_it_cannot_hold(field, message):
    with pytest.raises(TypeError, match=message):
        _core.Params(**field)
