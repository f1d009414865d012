"""The assessment of a supervised phase, as one line and as tables."""

from rich import box
from rich.console import Group
from rich.table import Table
from rich.text import Text

from mlx_muzero.evaluation.value_ranking import RankCorrelation, ValueReport
from mlx_muzero.evaluation.world_model import WorldModelReport

Report = WorldModelReport | ValueReport


def assessment_line(report: Report, unit: str) -> str:
    """The figure that chooses the best checkpoint, next to what it has to beat."""
    if isinstance(report, ValueReport):
        return (
            f"value of {report.policy}: rank correlation with the return "
            f"{_correlation(report.by_return)}, with the net {unit} that followed "
            f"{_correlation(report.by_net_pips)}, MSE {report.mse:.4g} (of the mean "
            f"{report.variance:.4g})"
        )
    outcome, step = report.outcome, report.steps[0]
    return (
        f"outcome cross-entropy {outcome.cross_entropy:.4f} "
        f"(base rate {outcome.base_rate_cross_entropy:.4f}), next bar MSE {step.next_bar_mse:.4g} "
        f"(last value {step.last_value_mse:.4g})"
    )


def assessment_report(report: Report, unit: str) -> Group:
    """All figures of an assessment."""
    if isinstance(report, ValueReport):
        return Group(*_value(report, unit))
    return Group(*_world_model(report))


def _world_model(report: WorldModelReport) -> list[Table | Text]:
    outcome = report.outcome
    steps = _table("step", "outcome CE", "Brier", "reward MSE", "latent", "next bar", "last value")
    for number, step in enumerate(report.steps, 1):
        steps.add_row(
            str(number),
            f"{step.cross_entropy:.4f}",
            f"{step.brier:.4f}",
            f"{step.reward_mse:.4g}",
            f"{step.latent_distance:.4f}",
            f"{step.next_bar_mse:.4g}",
            f"{step.last_value_mse:.4g}",
        )
    steps.add_row(
        "base",
        f"{outcome.base_rate_cross_entropy:.4f}",
        f"{outcome.base_rate_brier:.4f}",
        f"{report.reward_variance:.4g}",
        "",
        "",
        "",
    )
    calibration = _table("probability", "predicted", "observed", "count")
    for part in outcome.calibration:
        calibration.add_row(
            f"{part.low:.1f}-{part.high:.1f}",
            f"{part.predicted:.3f}",
            f"{part.observed:.3f}",
            f"{part.count:,}",
        )
    columns = _table("next bar, MSE", "model", "last value", "mean")
    for name, errors in report.columns.items():
        row = (errors.model, errors.last_value, errors.mean)
        columns.add_row(name, *(f"{mse:.4g}" for mse in row))
    about = (
        f"{report.sessions:,} validation sessions, {report.unrollings:,} positions unrolled. CE: "
        "cross-entropy; latent: 1 - cosine similarity to the real window's; base: base rates of "
        "the training split, and the mean reward."
    )
    return [steps, Text(), calibration, Text(), columns, Text(about, style="dim")]


def _value(report: ValueReport, unit: str) -> list[Table | Text]:
    deciles = _table("decile", "predicted", "return", f"net {unit}", "states")
    for number, decile in enumerate(report.deciles, 1):
        deciles.add_row(
            str(number),
            f"{decile.predicted:+.3f}",
            f"{decile.realized:+.3f}",
            f"{decile.net_pips:+.2f}",
            f"{decile.count:,}",
        )
    by_decile = "-" if report.decile_spearman is None else f"{report.decile_spearman:+.2f}"
    about = (
        f"{report.sessions:,} validation sessions of {report.policy}: the discounted return and "
        f"the net {unit} that followed until the session's end, by decile of the predicted value. "
        f"Rank correlation over states: {_correlation(report.by_return)} with the return "
        f"({by_decile} over deciles), {_correlation(report.by_net_pips)} with the net {unit}. "
        "Brackets: 95 % bootstrap interval; sessions at the same hours are drawn together."
    )
    return [deciles, Text(about, style="dim")]


def _correlation(found: RankCorrelation) -> str:
    if found.spearman is None:
        return "undefined (all values equal)"
    if found.low is None or found.high is None:
        return f"{found.spearman:+.3f}"
    return f"{found.spearman:+.3f} [{found.low:+.3f}, {found.high:+.3f}]"


def _table(*headings: str) -> Table:
    table = Table(box=box.SIMPLE_HEAD, padding=0, pad_edge=False, show_edge=False)
    for index, heading in enumerate(headings):
        table.add_column(heading, justify="right" if index else "left", no_wrap=True)
    return table
