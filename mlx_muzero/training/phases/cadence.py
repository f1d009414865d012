"""When validations and checkpoints happen: at multiples of their intervals.

A round of collecting ends where one is due, so that what is validated and saved at episode 200 was
learned from 200 episodes, however many sessions are played together. Ranks that train together play
equal shares, so the last round before a multiple may exceed it by up to one episode for each
further rank.
"""

from mlx_muzero.config.choices import PhaseName
from mlx_muzero.config.schema import Config
from mlx_muzero.training.phases.schedule import episodes_of


def is_due(interval: int, last: int, episodes: int) -> bool:
    """Whether a multiple of `interval` has been passed since `last` episodes."""
    return episodes // interval > last // interval


def falls_on(config: Config, episodes: int) -> bool:
    """Whether a validation or checkpoint belongs after exactly so many episodes of a phase."""
    train = config.train
    return not all(episodes % n for n in (train.validate_interval, train.checkpoint_interval))


def round_size(config: Config, phase: PhaseName, episodes: int) -> int:
    """Episodes of the round after the first `episodes` of `phase`; 0 after its last round."""
    train = config.train
    until_due = min(
        interval - episodes % interval
        for interval in (train.validate_interval, train.checkpoint_interval)
    )
    return max(min(config.collect.envs, until_due, episodes_of(train, phase) - episodes), 0)
