"""Builds `SearchParams` from the configuration."""

from dataclasses import fields

from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.search.params import SearchParams


def search_params(config: SearchConfig, num_simulations: int) -> SearchParams:
    """The search constants in `config`, with `num_simulations` simulations."""
    shared = {
        field.name: getattr(config, field.name)
        for field in fields(SearchParams)
        if hasattr(config, field.name)
    }
    return SearchParams(**shared | {"num_simulations": num_simulations})
