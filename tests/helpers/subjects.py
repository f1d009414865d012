"""Models to profile, and figures made up for them."""

from mlx_muzero.profiling.figures import BackendProfile, CallTimes, StepTimes
from mlx_muzero.profiling.subject import Subject, with_random_heads
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_model


def small_subject(config, export=None, **changes) -> Subject:
    table = TradingRules.from_config(config).table
    model = with_random_heads(build_model(config, table))
    exports = {} if export is None else {"coreml": export}
    missing = dict.fromkeys({"coreml", "coreai"} - exports.keys(), "it was not exported")
    return Subject("a small one", config, model, exports, missing, **changes)


def figures(target, step_ms=10.0, leaves_per_s=1000.0, root_ms=None, **changes) -> BackendProfile:
    """Figures of a target that takes so long for 16 pairs with 50 simulations, and for roots."""
    root_ms = step_ms if root_ms is None else root_ms
    calls = tuple(CallTimes(n, 9.0, 1.0, 2.0, 3.0, 5) for n in (1, 64))
    steps = tuple(
        StepTimes(pairs, simulations, ms, 2 * ms, leaves_per_s, 5)
        for pairs in (8, 16)
        for simulations, ms in ((0, root_ms), (25, step_ms), (50, step_ms))
    )
    return BackendProfile(target, 1.0, calls, steps, memory_mb=100.0, **changes)
