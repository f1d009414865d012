"""Keys that a factored model makes no use of, as docs/learning.md lists them."""

from collections.abc import Iterator

from mlx_muzero.config.keys import value_of
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS

_OF_OTHER_NETWORKS = (
    *("encoder", "tcn_channels", "tcn_kernel", "resnet_channels", "resnet_kernel"),
    *("resnet_blocks", "transformer_width", "transformer_heads", "transformer_layers", "dropout"),
    *("representation_blocks", "outcome_blocks", "dynamics_blocks", "policy_blocks"),
    *("value_blocks", "afterstate_blocks", "value_bins", "value_min", "value_max"),
)

_OF_SELF_PLAY = ("td_steps", "policy_weight", "afterstate_weight", "consistency_weight")

_OF_ROUNDS = ("envs", "backend")
"""The keys of ``collect`` that are used: the episodes of a round, and the only backend allowed."""

_OF_SAMPLING = (
    *("num_simulations_collect", "pb_c_init", "pb_c_base", "root_dirichlet_alpha"),
    *("root_exploration_fraction", "root", "max_num_considered_actions", "leaves_per_step"),
    "expansion",
)


def unused_note(config: Config) -> str | None:
    """A sentence about keys that were set and have no effect; None if all have one.

    A key was set if no preset has its value.
    """
    if config.model.kind != "factored":
        return None
    usual = PRESETS.values()
    chosen = [
        path
        for path in _unused(config)
        if all(value_of(config, path) != value_of(preset, path) for preset in usual)
    ]
    if not chosen:
        return None
    have = "has" if len(chosen) == 1 else "have"
    return (
        f"{', '.join(chosen)} {have} no effect: a factored model has networks of its own, learns "
        "from bars without self-play, and plans as search.planner says"
    )


def _unused(config: Config) -> Iterator[str]:
    yield from (f"model.{name}" for name in _OF_OTHER_NETWORKS)
    yield from (f"replay.{name}" for name in KEYS["replay"])
    yield from (f"collect.{name}" for name in KEYS["collect"] if name not in _OF_ROUNDS)
    yield from (f"train.{name}" for name in _OF_SELF_PLAY)
    planner = config.search.planner
    yield from (f"search.{name}" for name in _OF_SAMPLING if planner == "expectimax")
    yield from (f"search.{name}" for name in ("legal_actions", "threads"))
