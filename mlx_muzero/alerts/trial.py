"""Tries places with a message that says it is a test."""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.channel import Channel, Undelivered
from mlx_muzero.alerts.message import Message
from mlx_muzero.runlog.journal import Clock, utc_now


@dataclass(frozen=True)
class Trial:
    """What became of a test message.

    Attributes:
        channel: the place.
        reason: why it was not delivered; empty if it was.
    """

    channel: str
    reason: str

    @property
    def facts(self) -> dict[str, Any]:
        """It as JSON values."""
        return {"channel": self.channel, "delivered": not self.reason, "reason": self.reason}

    def __str__(self) -> str:
        return f"{self.channel}: {self.reason or 'delivered'}"


async def try_channels(
    run: Path | None, channels: Sequence[Channel], clock: Clock = utc_now
) -> list[Trial]:
    """Send a test message to all `channels` at once, as alerts of `run`."""
    what, effect = "this is a test of alerts", "nothing happened"
    alert = Alert("stop", what, effect, "mlx-muzero alerts test", clock().isoformat())
    message = Message(str(run or "test"), (alert,), {})
    return list(await asyncio.gather(*(_try(channel, message) for channel in channels)))


async def _try(channel: Channel, message: Message) -> Trial:
    try:
        await channel.send(message)
    except Undelivered as error:
        return Trial(channel.name, str(error))
    return Trial(channel.name, "")
