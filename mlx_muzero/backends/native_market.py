"""A factored model's networks, computed in C++ with weights copied from the model."""

from typing import Any

import mlx.core as mx
import numpy as np
from mlx.utils import tree_flatten

from mlx_muzero import _core
from mlx_muzero.backends.native_parameters import floats, load_parameters
from mlx_muzero.config.choices import Precision
from mlx_muzero.config.known_inputs import KnownInputs
from mlx_muzero.kernel_choice import kernels_here
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.expectimax import MarketLayer
from mlx_muzero.search.market_evaluator import UNTOLD, KnownAhead, MarketAhead, MarketStates
from mlx_muzero.types import F32

_NOT_COMPUTED = {"usual.price", "usual.spread", "chain.transition", "chain.move"}
"""Arrays next to the networks that only the search's arithmetic reads."""


class NativeMarket:
    """A `MarketEvaluator` in C++ (cpp/networks/market), without the GIL; sums and heads in float32.

    Uses the model's weights as of the last `refresh`. A state is independent of the others in the
    batch, bit for bit, except where Accelerate does the products (macOS), and always independent of
    the number of threads.
    """

    def __init__(
        self,
        model: FactoredModel,
        threads: int,
        kernels: str | None = None,
        precision: Precision = "float32",
    ) -> None:
        """Copy the model's weights.

        Args:
            model: the networks.
            threads: threads that share the states.
            kernels: one of `_core.kernels()`; by default `kernels_here` in that precision.
            precision: number format of the large products.

        Raises:
            SearchError: a network differs from `FactoredModel`'s, which names the parameter.
        """
        self._model = model
        self._core = _core.MarketEvaluator(
            features=model.features,
            window_bars=model.window_bars,
            history=model.history,
            width=model.config.latent_width,
            members=len(model.members),
            outcomes=model.outcomes,
            positions=model.account_states,
            longest=model.longest,
            shortest=model.shortest,
            clusters=model.config.chain_states,
            kernels=kernels or kernels_here(precision).name,
            threads=threads,
            precision=precision,
            **_known_sizes(model.known),
        )
        self.refresh()

    def refresh(self) -> None:
        """Copy the model's weights again after they have changed.

        Raises:
            SearchError: a parameter is missing, unknown or has another shape.
        """
        arrays: dict[str, mx.array] = dict(tree_flatten(self._model.parameters()))
        computed = {name: floats(a) for name, a in arrays.items() if name not in _NOT_COMPUTED}
        load_parameters(self._core, computed)

    def close(self) -> None:
        """Does nothing: everything runs in this process."""

    def roots(self, observation: F32, known: F32 | None = None) -> MarketStates:
        """The states that observations ``f32[B, W, F]`` show."""
        return MarketStates(*self._core.roots(_contiguous(observation), *_told(known)))

    def successors(self, latent: F32, known: F32 | None = None) -> MarketStates:
        """The states one bar after latents ``f32[n, D]``, ``n * C`` rows."""
        return MarketStates(*self._core.successors(_contiguous(latent), *_told(known)))

    def ahead(self, observation: F32, depth: int, known: KnownAhead = UNTOLD) -> MarketAhead:
        """All states to `depth` below observations ``f32[B, W, F]``."""
        told = *_told(known.now), *_told(known.later)
        found = self._core.ahead(_contiguous(observation), depth, *told)
        probs, moves, leaf_worth, leaf_cluster, root_worth = found
        sizes = [len(observation) * self._model.outcomes**d for d in range(depth)]
        layers = [slice(sum(sizes[:d]), sum(sizes[: d + 1])) for d in range(depth)]
        return MarketAhead(
            [MarketLayer(probs[layer], moves[layer]) for layer in layers],
            leaf_worth.astype(np.float64),
            leaf_cluster,
            root_worth.astype(np.float64),
        )


def _known_sizes(known: KnownInputs) -> dict[str, Any]:
    """What the C++ networks need to know of known inputs; nothing where there are none."""
    if not known.columns:
        return {}
    return {"usual": known.usual_row()[0].tolist(), "session_bars": known.session_bars}


def _told(known: F32 | None) -> tuple[F32, ...]:
    return () if known is None else (_contiguous(known),)


def _contiguous(array: F32) -> F32:
    return np.ascontiguousarray(array, np.float32)
