"""What a place is that alerts are sent to."""

from typing import Protocol

from mlx_muzero.alerts.message import Message
from mlx_muzero.config.choices import AlertChannel


class Undelivered(Exception):
    """A message was not delivered.

    Attributes:
        retry_s: seconds that the other side asked for before the next attempt; 0 if it did not.
        hopeless: whether trying again cannot help, until someone changes something.
    """

    def __init__(self, reason: str, *, retry_s: float = 0.0, hopeless: bool = False) -> None:
        super().__init__(reason)
        self.retry_s, self.hopeless = retry_s, hopeless


class Channel(Protocol):
    """A place that alerts are sent to."""

    @property
    def name(self) -> AlertChannel:
        """Its name in ``alerts.to``."""

    async def send(self, message: Message) -> None:
        """Deliver `message`, within half a minute.

        Raises:
            Undelivered: it was not; the reason contains no secret.
        """
