"""The phases of learning; each starts from the weights of the one before (CRYPTO, section 6).

`world-model` and `value` are supervised: scripted policies play, no search is needed, and the
model's predictions are judged. `search` is MuZero.
"""

from dataclasses import replace
from typing import Any

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.config.schema import TrainConfig

_ORDER: tuple[PhaseName, ...] = ("world-model", "value", "search")

_NOT_LEARNED: dict[PhaseName, tuple[str, ...]] = {
    "world-model": ("policy", "value", "afterstate"),
    "value": ("policy",),
    "search": ("next_bar",),
}
"""Loss terms a phase leaves out. The value phase keeps those that predict the market, which share
their latent state with the value."""


def planned(config: TrainConfig) -> tuple[PhaseName, ...]:
    """The phases of a run, in order."""
    return _ORDER if config.phase == "all" else (config.phase,)


def phase_after(config: TrainConfig, phase: PhaseName) -> PhaseName | None:
    """The phase after `phase` in a run; None after its last one."""
    later = planned(config)[planned(config).index(phase) + 1 :]
    return later[0] if later else None


def loss_config(config: TrainConfig, phase: PhaseName) -> TrainConfig:
    """`config` with weight 0 for the losses that `phase` leaves out."""
    left_out: dict[str, Any] = {f"{term}_weight": 0.0 for term in _NOT_LEARNED[phase]}
    return replace(config, **left_out)


def episodes_of(config: TrainConfig, phase: PhaseName) -> int:
    """Episodes of `phase`."""
    return config.episodes if phase == "search" else config.supervised_episodes
