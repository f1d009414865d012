"""A verification as tables."""

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.exports.figures import EngineFigures, Verification
from mlx_muzero.exports.interface import MARKET_PROGRAMS


def verification_tables(verification: Verification) -> Group:
    """Every engine's figures, and which of them are out of bounds."""
    head = Text(
        f"{verification.samples} situations of the validation split, {verification.precision}; "
        "differences from the MLX model"
    )
    parts: list[RenderableType] = [head]
    for engine in verification.engines:
        parts += _engine(engine, verification)
    return Group(*parts)


def _engine(engine: EngineFigures, verification: Verification) -> list[RenderableType]:
    problems = engine.problems(verification.precision)
    verdict = "; ".join(problems) if problems else "within bounds"
    parts: list[RenderableType] = [
        "",
        Text.assemble((engine.name, "bold"), f": {verdict}"),
    ]
    if engine.outputs:
        parts.append(_outputs(engine))
    if engine.drift:
        parts.append(_drift(engine))
    if engine.agreement:
        parts.append(Text(_agreement(engine)))
    return parts


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _outputs(engine: EngineFigures) -> Table:
    table = _table("output", "worst error", "typical", "largest value")
    for error in engine.outputs:
        table.add_row(
            f"{error.program} {error.output}",
            f"{error.worst:.2g}",
            f"{error.typical:.2g}",
            f"{error.largest:.3g}",
        )
    return table


def _drift(engine: EngineFigures) -> Table:
    factored = any(error.program in MARKET_PROGRAMS for error in engine.outputs)
    seen = ("outcomes", "worth", "moves") if factored else ("policy", "value", "reward")
    table = _table("after steps", "latent", *seen)
    for drift in engine.drift:
        table.add_row(
            str(drift.steps),
            f"{drift.latent_frac:.2%}",
            f"{drift.policy:.2%}",
            f"{drift.value:.2g}",
            f"{drift.reward:.2g}",
        )
    return table


def _agreement(engine: EngineFigures) -> str:
    agreement = engine.agreement
    assert agreement is not None
    text = (
        f"{agreement.decisions} searches of {agreement.simulations} simulations: the same action "
        f"in {agreement.rate:.1%}, root values {agreement.value:.2g} apart"
    )
    if agreement.disagreements:
        margins = ", ".join(f"{d.q:+.2g} ({d.visits:+d})" for d in agreement.disagreements)
        text += f"; margins by which the model prefers its own action, in Q (visits): {margins}"
    return text
