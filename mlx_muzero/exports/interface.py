"""The exported programs and their tensors: the one definition of names, shapes and layout.

Every tensor is float32 at the interface and has rank 4, as the Neural Engine wants it. The rows of
a program, which do not influence each other, are its last axis, except for observations. ``n`` is
the fixed number of rows. The successors of `recurrent` are outcome-major: column ``c * n + i`` is
outcome c of row i. Actions and outcomes are one-hot.
"""

from dataclasses import dataclass
from typing import Literal

from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.config.schema import ModelConfig

ProgramName = Literal["initial", "recurrent", "afterstate", "dynamics"]
Shape = tuple[int, ...]

PROGRAMS_FOR: dict[ExpansionMode, tuple[ProgramName, ...]] = {
    "all_outcomes": ("initial", "recurrent"),
    "single_outcome": ("initial", "afterstate", "dynamics"),
}
"""The programs that a search in each mode calls."""


@dataclass(frozen=True)
class ExportSizes:
    """The sizes that determine the shapes of all programs.

    Attributes:
        model: sizes of the networks.
        features: values of one bar of an observation (F).
        actions: number of actions (A).
        outcomes: number of chance outcomes (C).
        window_bars: bars of one observation (W).
    """

    model: ModelConfig
    features: int
    actions: int
    outcomes: int
    window_bars: int


def input_shapes(name: ProgramName, sizes: ExportSizes, rows: int) -> dict[str, Shape]:
    """Input shapes of a program, in order."""
    latent = (1, sizes.model.latent_width, 1, rows)
    action = (1, sizes.actions, 1, rows)
    if name == "initial":
        return {"observation": (1, sizes.features, rows, sizes.window_bars)}
    if name == "dynamics":
        return {"latent": latent, "action": action, "outcome": (1, sizes.outcomes, 1, rows)}
    return {"latent": latent, "action": action}


def output_shapes(name: ProgramName, sizes: ExportSizes, rows: int) -> dict[str, Shape]:
    """Output shapes of a program, in order; logits rather than probabilities or values.

    An input and an output must not share a name, so the successor of a latent is `next_latent`.
    """

    def image(channels: int, columns: int = rows) -> Shape:
        return (1, channels, 1, columns)

    width, bins = sizes.model.latent_width, sizes.model.value_bins
    if name == "initial":
        return {
            "latent": image(width),
            "policy_logits": image(sizes.actions),
            "value_logits": image(bins),
        }
    if name == "afterstate":
        return {"outcome_logits": image(sizes.outcomes), "value_logits": image(bins)}
    columns = rows if name == "dynamics" else sizes.outcomes * rows
    successors = {
        "next_latent": image(width, columns),
        "reward": image(1, columns),
        "policy_logits": image(sizes.actions, columns),
        "value_logits": image(bins, columns),
    }
    if name == "dynamics":
        return successors
    return {"outcome_logits": image(sizes.outcomes), **successors}
