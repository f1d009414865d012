"""Rivals of a full comparison that are taught in milliseconds."""

import dataclasses

from mlx_muzero.evaluation.transformer_policy import Sizes
from mlx_muzero.evaluation.transformer_teaching import RECIPE

TINY = dataclasses.replace(
    RECIPE, sizes=Sizes(4, 1, 1), sessions=8, validation_sessions=2, steps=4, check_every=2
)
"""A Transformer's."""
