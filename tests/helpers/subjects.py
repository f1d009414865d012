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


def figures(target, step_ms=10.0, leaves_per_s=1000.0, **changes) -> BackendProfile:
    """Figures of a target that takes so long for 16 pairs with 50 simulations."""
    calls = tuple(CallTimes(n, 9.0, 1.0, 2.0, 3.0, 5) for n in (1, 64))
    steps = tuple(
        StepTimes(pairs, simulations, step_ms, 2 * step_ms, leaves_per_s, 5)
        for pairs in (8, 16)
        for simulations in (0, 25, 50)
    )
    return BackendProfile(target, 1.0, calls, steps, memory_mb=100.0, **changes)
