"""An evaluation as text for 80 columns: what played, on which data, then the policies."""

from pathlib import Path

from rich.console import Group, RenderableType

from mlx_muzero.agent.agent import played_by
from mlx_muzero.experiment.evaluating import Evaluation
from muzero_cli.display.comparison import report
from muzero_cli.display.full_comparison import full_report
from muzero_cli.display.importance import importance_report
from muzero_cli.display.luck import luck_report, verdict_line


def evaluation_report(run: Path, found: Evaluation) -> Group:
    """The report of the evaluation `found` of the run at `run`."""
    comparison = found.comparison
    luck = comparison.luck
    parts: list[RenderableType] = [
        verdict_line(None if luck is None else luck.verdict),
        f"{run}, checkpoint {found.checkpoint}, {', '.join(map(str, found.simulations))} "
        f"simulations per decision, backend {_player(found)}",
    ]
    if found.stage is not None:
        parts.append(
            f"Stage of training by the FX specification: {found.stage.name}, {found.stage.hint}"
        )
    if found.period is not None:
        parts.append(found.period)
    if found.at_costs is not None and found.at_costs.telling:
        sentence = found.at_costs.words(comparison.conditions.unit)
        parts.append(f"{sentence[0].upper()}{sentence[1:]}.")
    if found.full is None:
        parts.append(report(comparison.conditions, comparison.metrics))
    else:
        parts.append(full_report(found.full))
    if luck is not None:
        factor = next(iter(comparison.metrics.values())).sharpe_factor
        parts += ["", luck_report(luck, comparison.conditions.unit, factor)]
    if found.importance is not None:
        parts += ["", importance_report(found.importance, comparison.conditions.unit)]
    if comparison.expected_best_pips is not None:
        parts.append(
            "Best policy that does not see the future, expected: "
            f"{comparison.expected_best_pips:+.1f} net {comparison.conditions.unit} per session."
        )
    return Group(*parts)


def _player(found: Evaluation) -> str:
    return played_by(found.backend, found.root_backend, found.precision)
