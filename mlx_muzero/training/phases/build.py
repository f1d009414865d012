"""Builds the phase a configuration asks for."""

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.training.phases.bars import BarsPhase
from mlx_muzero.training.phases.phase import Phase, PhaseContext
from mlx_muzero.training.phases.search import AheadSearchPhase, BackgroundSearchPhase, SearchPhase
from mlx_muzero.training.phases.value import ValuePhase
from mlx_muzero.training.phases.world_model import WorldModelPhase


def build_phase(name: PhaseName, context: PhaseContext) -> Phase:
    """Build the phase `name`; searches play in the background if `collect` says so.

    Raises:
        ConfigError: this machine cannot run `collect.backend`.
    """
    if name == "world-model":
        return WorldModelPhase(context)
    if name == "value":
        return ValuePhase(context)
    if context.config.model.kind == "factored":
        return BarsPhase(context)
    if context.config.collect.ahead:
        return AheadSearchPhase(context)
    backend = context.config.collect.backend
    if backend == "same":
        return SearchPhase(context)
    return BackgroundSearchPhase(context, backend)
