"""The exported programs and their tensors: the one definition of names, shapes and layout.

Every tensor is float32 at the interface and has rank 4, as the Neural Engine wants it. The rows of
a program, which do not influence each other, are its last axis, except for observations. ``n`` is
the fixed number of rows. The successors of `recurrent` and `step` are outcome-major: column
``c * n + i`` is outcome c of row i. Actions and outcomes are one-hot.

A factored model has programs of its own, `root` and `step`, that read market columns only, and what
the worth head is told, if it is told anything. Their moves and worth are in the units in which the
networks learn; the host makes pips of them, and lets worth fade as a session ends. `usual_worth` is
that under what is usual, by which the clusters of the market chain are told apart.
"""

from dataclasses import dataclass
from typing import Literal, Self

from mlx_muzero.config.choices import ExpansionMode
from mlx_muzero.config.known_inputs import NOTHING_KNOWN, KnownInputs
from mlx_muzero.config.schema import Config, ModelConfig
from mlx_muzero.market.observation.frames import history_columns, market_feature_names
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.env import observation_features
from mlx_muzero.trading.rules import TradingRules

ProgramName = Literal["initial", "recurrent", "afterstate", "dynamics", "root", "step"]
Shape = tuple[int, ...]

MARKET_PROGRAMS: tuple[ProgramName, ...] = ("root", "step")
"""The programs of a factored model."""

PROGRAMS_FOR: dict[ExpansionMode, tuple[ProgramName, ...]] = {
    "all_outcomes": ("initial", "recurrent"),
    "single_outcome": ("initial", "afterstate", "dynamics"),
}
"""The programs that a search of a model of market and account calls, by mode."""

ROOT_PROGRAMS: tuple[ProgramName, ...] = ("initial", "root")
"""Programs that read a window, once a decision."""


def programs_for(config: Config) -> tuple[ProgramName, ...]:
    """The programs that the searches of `config` call."""
    if config.model.kind == "factored":
        return MARKET_PROGRAMS
    return PROGRAMS_FOR[config.search.expansion]


def programs_of_kind(config: Config) -> tuple[ProgramName, ...]:
    """The programs that searches of either mode call, each once."""
    if config.model.kind == "factored":
        return MARKET_PROGRAMS
    return tuple(dict.fromkeys(name for names in PROGRAMS_FOR.values() for name in names))


@dataclass(frozen=True)
class ExportSizes:
    """The sizes that determine the shapes of all programs.

    Attributes:
        model: sizes of the networks.
        features: values of one bar of an observation (F).
        actions: number of actions (A); 0 for a factored model, which reads none.
        outcomes: number of chance outcomes (C).
        window_bars: bars of one observation (W).
        history: columns of which a factored model reads all bars.
        exposures: of the account states whose worth it tells (S); none for other models.
        known: what its worth head is told.
    """

    model: ModelConfig
    features: int
    actions: int
    outcomes: int
    window_bars: int
    history: tuple[int, ...] = ()
    exposures: tuple[float, ...] = ()
    known: KnownInputs = NOTHING_KNOWN

    @property
    def latent_width(self) -> int:
        """Width of a latent (D), of which every member of a factored model has its part."""
        return self.model.latent_width * self.model.members

    @classmethod
    def of(cls, config: Config) -> Self:
        """The sizes of the model that `config` builds."""
        states, market = TradingRules.from_config(config).states, config.market
        factored = config.model.kind == "factored"
        return cls(
            model=config.model,
            features=len(features_read(config)),
            actions=0 if factored else len(states.table.action_names),
            outcomes=len(OUTCOME_NAMES),
            window_bars=market.window_bars,
            history=history_columns(market) if factored else (),
            exposures=tuple(states.exposures.tolist()) if factored else (),
            known=KnownInputs.of(config) if factored else NOTHING_KNOWN,
        )


def features_read(config: Config) -> tuple[str, ...]:
    """Names of the columns of an observation that programs read."""
    if config.model.kind == "factored":
        return market_feature_names(config.market)
    return observation_features(config)


def input_shapes(name: ProgramName, sizes: ExportSizes, rows: int) -> dict[str, Shape]:
    """Input shapes of a program, in order."""
    latent = (1, sizes.latent_width, 1, rows)
    action = (1, sizes.actions, 1, rows)
    told = {"known": (1, sizes.known.columns, 1, rows)} if sizes.known.columns else {}
    if name in ROOT_PROGRAMS:
        return {"observation": (1, sizes.features, rows, sizes.window_bars), **told}
    if name == "dynamics":
        return {"latent": latent, "action": action, "outcome": (1, sizes.outcomes, 1, rows)}
    return {"latent": latent, **told} if name == "step" else {"latent": latent, "action": action}


def output_shapes(name: ProgramName, sizes: ExportSizes, rows: int) -> dict[str, Shape]:
    """Output shapes of a program, in order; logits rather than probabilities or values.

    An input and an output must not share a name, so the successor of a latent is `next_latent`.
    """

    def image(channels: int, columns: int = rows) -> Shape:
        return (1, channels, 1, columns)

    width, bins = sizes.latent_width, sizes.model.value_bins
    if name == "initial":
        return {
            "latent": image(width),
            "policy_logits": image(sizes.actions),
            "value_logits": image(bins),
        }
    if name in MARKET_PROGRAMS:
        columns = rows if name == "root" else sizes.outcomes * rows
        worth = image(len(sizes.exposures), columns)
        return {
            "latent" if name == "root" else "next_latent": image(width, columns),
            "outcome_logits": image(sizes.outcomes, columns),
            "move": image(sizes.outcomes, columns),
            "worth": worth,
            **({"usual_worth": worth} if sizes.known.columns else {}),
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
