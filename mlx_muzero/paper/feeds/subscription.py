"""What the parts of one running subscription share."""

from collections.abc import Callable
from dataclasses import dataclass

from mlx_muzero.paper.feeds.clock import Clock
from mlx_muzero.paper.feeds.cooldown import Cooldown
from mlx_muzero.paper.feeds.outbox import Outbox
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.feeds.source import Source
from mlx_muzero.paper.feeds.venue_clock import VenueClock

Uniform = Callable[[], float]
"""A random number in [0, 1), anew with every call."""


@dataclass(frozen=True)
class Subscription:
    """The surroundings of every pair.

    Attributes:
        source: the venue.
        venue: its clock.
        clock: this machine's.
        cooldown: for all connections.
        outbox: where events go.
        uniform: source of jitter.
        settings: how patient to be.
    """

    source: Source
    venue: VenueClock
    clock: Clock
    cooldown: Cooldown
    outbox: Outbox
    uniform: Uniform
    settings: FeedSettings
