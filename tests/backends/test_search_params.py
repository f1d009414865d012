"""A configuration's constants of a search are the search's own."""

from dataclasses import asdict, fields

from mlx_muzero.backends.search_params import search_params
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.search import SearchParams

NAMES = [field.name for field in fields(SearchParams)]


def test_a_configuration_sets_every_constant_but_those_for_checking():
    configured = SearchConfig(
        depth_limit=4, discount=0.9, root="gumbel", leaves_per_step=2, expansion="single_outcome"
    )
    params = search_params(configured, 11)
    missing = [name for name in NAMES if not hasattr(configured, name)]
    assert missing == ["compatibility"]
    expected = asdict(configured) | {"num_simulations": 11, "compatibility": "none"}
    assert asdict(params) == {name: expected[name] for name in NAMES}


def test_a_configuration_has_the_same_defaults():
    config = SearchConfig()
    assert search_params(config, config.num_simulations) == SearchParams()
