"""The market upside down, in which BUY earns what SELL earns here."""

import numpy as np

from mlx_muzero.market.observation.fx_features import FEATURE_NAMES
from mlx_muzero.types import F32

_TURNED = {"price_change_pips": (-1.0, 0.0)} | dict.fromkeys(
    ("position_in_range_60", "min_max_scaled_momentum_60", "min_max_scaled_momentum_5"),
    (-1.0, 1.0),
)
"""Factor and offset of the FX columns that turn around; the others stay as they are."""

_FACTOR, _OFFSET = (
    np.array([_TURNED.get(name, (1.0, 0.0))[part] for name in FEATURE_NAMES], np.float32)
    for part in (0, 1)
)


def mirror(windows: F32) -> F32:
    """``f32[..., 9]`` what `fx_features` show of the same bars with every price change reversed.

    Equal to the features of such closes to float32 rounding.
    """
    return np.asarray(windows * _FACTOR + _OFFSET, np.float32)
