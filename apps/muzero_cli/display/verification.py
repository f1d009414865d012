"""A verification as tables, the engines next to each other."""

from collections.abc import Callable, Iterator

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from mlx_muzero.exports.figures import Drift, EngineFigures, Verification
from mlx_muzero.exports.interface import MARKET_PROGRAMS


def verification_tables(verification: Verification, title: str) -> Group:
    """Every engine's figures, and which of them are out of bounds; `title` is the framework's."""
    head = Text(
        f"{title}: {verification.samples} situations of the validation split, "
        f"{verification.precision}; differences from the MLX model"
    )
    parts: list[RenderableType] = [head]
    for engine in verification.engines:
        problems = engine.problems(verification.precision)
        verdict = "; ".join(problems) if problems else "within bounds"
        parts.append(Text.assemble((engine.name, "bold"), f": {verdict}"))
    ran = [engine for engine in verification.engines if engine.outputs]
    if ran:
        parts += ["", _outputs(ran)]
    if any(engine.drift for engine in ran):
        parts += ["", _drift([engine for engine in ran if engine.drift])]
    parts += [Text(_agreement(engine)) for engine in ran if engine.agreement]
    return Group(*parts)


def _table(*columns: str) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0))
    for number, column in enumerate(columns):
        table.add_column(column, justify="right" if number else "left")
    return table


def _outputs(engines: list[EngineFigures]) -> Table:
    """A row for each output: the model's largest value, each engine's worst and typical error."""
    table = _table("worst error (typical)", "largest in MLX", *(engine.name for engine in engines))
    for errors in zip(*(engine.outputs for engine in engines), strict=True):
        first = errors[0]
        cells = (f"{error.worst:.2g} ({error.typical:.1g})" for error in errors)
        table.add_row(f"{first.program} {first.output}", f"{first.largest:.3g}", *cells)
    return table


def _drift(engines: list[EngineFigures]) -> Table:
    """A row for each number of steps and figure."""
    factored = any(error.program in MARKET_PROGRAMS for error in engines[0].outputs)
    table = _table("after steps", *(engine.name for engine in engines))
    for at_steps in zip(*(engine.drift for engine in engines), strict=True):
        for name, shown in _figures(factored):
            table.add_row(f"{at_steps[0].steps} {name}", *map(shown, at_steps))
    return table


def _figures(factored: bool) -> Iterator[tuple[str, Callable[[Drift], str]]]:
    seen = ("outcomes", "worth", "moves") if factored else ("policy", "value", "reward")
    yield "latent", lambda drift: f"{drift.latent_frac:.2%}"
    yield seen[0], lambda drift: f"{drift.policy:.2%}"
    yield seen[1], lambda drift: f"{drift.value:.2g}"
    yield seen[2], lambda drift: f"{drift.reward:.2g}"


def _agreement(engine: EngineFigures) -> str:
    agreement = engine.agreement
    assert agreement is not None
    text = (
        f"{engine.name}: {agreement.decisions} searches of {agreement.simulations} simulations: "
        f"the same action in {agreement.rate:.1%}, root values {agreement.value:.2g} apart"
    )
    if agreement.disagreements:
        margins = ", ".join(f"{d.q:+.2g} ({d.visits:+d})" for d in agreement.disagreements)
        text += f"; margins by which the model prefers its own action, in Q (visits): {margins}"
    return text
