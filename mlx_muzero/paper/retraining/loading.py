"""Loads what a session plays: its own model, or a candidate that took over."""

from collections.abc import Callable
from pathlib import Path

from mlx_muzero.errors import RunError
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.paper.beginning import LoadedPlanner, load_planner
from mlx_muzero.paper.retraining.played_model import PlayedModel, run_of
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.training.run import RunFolder


def loaded(
    session: Path,
    settings: PaperSettings,
    report: Callable[[EngineEvent], None],
    model: PlayedModel | None,
) -> LoadedPlanner:
    """The planner of `model`.

    Args:
        session: the session's folder.
        settings: the session's settings.
        report: receives what happens to the programs of an export.
        model: None for the one that the session was started with.

    Raises:
        RunError: the model is missing, or has other weights than it should.
    """
    if model is None:
        return load_planner(settings, report)
    run = RunFolder(run_of(model, session, settings.session.model))
    found = load_planner(settings, report, run if model.number else None, model.checkpoint)
    if found.weights != model.weights:
        raise RunError(
            f"{run.path}: checkpoint {model.checkpoint} has other weights than the session played. "
            "Restore that folder from a copy."
        )
    return found
