"""What a precision changes, as text."""

from rich.console import Group
from rich.text import Text

from mlx_muzero.experiment.precision_figures import PrecisionFigures


def precision_report(found: PrecisionFigures) -> Group:
    """Searches, drift and sessions of a precision next to float32's."""
    problems, sessions = found.problems(), found.sessions
    verdict = "; ".join(problems) if problems else "within bounds"
    interval = "" if sessions.low is None else f" [{sessions.low:+.2f}, {sessions.high:+.2f}]"
    return Group(
        Text.assemble((found.precision, "bold"), f": {verdict}"),
        f"{found.searches} searches: float32's action in {found.same:.1%}, root values "
        f"{found.value:.2g} apart; {found.moving:.0%} of the actions change a position",
        *(
            f"after {drift.steps} steps latents are {drift.latent_frac:.2%} of their length apart, "
            f"policies or outcomes {drift.policy:.2%}, values {drift.value:.2g}, rewards or moves "
            f"{drift.reward:.2g}"
            for drift in found.drift
        ),
        f"{sessions.days} sessions of the validation split: {sessions.mean:+.2f}{interval} "
        f"{found.unit} beyond float32's, 95 % interval over blocks of sessions",
    )
