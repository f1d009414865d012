"""The precision in which a run is played where `search.precision` leaves it open."""

from collections.abc import Callable
from dataclasses import replace

from mlx_muzero.agent.backend_choice import precision_speeds, speed_key
from mlx_muzero.agent.backend_speeds import WORTH_A_CHANGE, recall
from mlx_muzero.config.schema import SearchConfig
from mlx_muzero.experiment.precision_figures import kept_figures
from mlx_muzero.networks.kinds import Model
from mlx_muzero.training.run import RunFolder
from mlx_muzero.words import command


def precision_to_play(
    run: RunFolder, checkpoint: str, model: Model, search: SearchConfig, tell: Callable[[str], None]
) -> SearchConfig:
    """`search` with a precision of "auto" replaced: the fastest here that `checkpoint` may have.

    Those are the ones that `mlx-muzero verify --precision` passed for its weights. Another than
    float32 means the native backend, and has to be clearly faster.

    Args:
        run: the run's folder.
        checkpoint: its name.
        model: the model loaded from it.
        search: the search asked for.
        tell: receives what was chosen, and why.
    """
    if search.precision != "auto":
        return search
    plain = replace(search, precision="float32")
    if search.backend not in ("native", "auto"):
        tell(f"precision float32: the backend {search.backend} has no choice")
        return plain
    figures = kept_figures(run, checkpoint)
    passed = [each for each, found in figures.items() if not found.problems()]
    if not passed:
        verify = f"{command('verify', run.path, '--precision', 'bfloat16')} (or int8)"
        tell(f"precision float32: no other has passed for checkpoint {checkpoint}; {verify} tries")
        return plain
    speeds = precision_speeds(model, plain, passed)
    fastest = max(passed, key=speeds.__getitem__)
    times = speeds[fastest] / speeds["float32"]
    if times < WORTH_A_CHANGE:
        tell(f"precision float32: {fastest} is {times:.2f} times as fast here, not worth a change")
        return plain
    profiled = recall(speed_key(model, plain)) if search.backend == "auto" else None
    if profiled is not None:
        rates = profiled.leaves_per_s
        best = profiled.fastest
        if best != "native" and rates[best] > times * rates.get("native", 0.0):
            tell(f"precision float32: {best} is faster here than the native backend in {fastest}")
            return plain
    found = figures[fastest]
    tell(
        f"precision {fastest}: {times:.2f} times as fast here as float32, whose action it took in "
        f"{found.same:.1%} of {found.searches} searches with checkpoint {checkpoint}"
    )
    return replace(search, backend="native", precision=fastest)
