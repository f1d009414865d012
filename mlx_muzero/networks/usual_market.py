"""What bars usually look like in the training data, for arithmetic next to the networks."""

from typing import Any

import mlx.core as mx
import mlx.nn as nn


class UsualMarket(nn.Module):
    """Figures measured on training bars; stored with the weights and not learned.

    Attributes:
        move_pips: ``f32[]`` standard deviation of the move from one fill to the next; also the
            unit in which networks learn moves and worth.
        price: ``f32[]`` median close, at which costs in basis points are counted in pips.
        spread: ``f32[]`` median of ask less bid; 0 where fills do not pay it.
    """

    def __init__(self) -> None:
        super().__init__()
        self.move_pips = mx.array(1.0)
        self.price = mx.array(1.0)
        self.spread = mx.array(0.0)
        self.freeze(recurse=False)

    def unfreeze(self, *args: Any, **kwargs: Any) -> nn.Module:
        """Does nothing: there is nothing to learn."""
        return self
