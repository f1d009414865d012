"""The section ``alerts`` of a run's configuration and of a paper session's settings.

Addresses, tokens and programs are no keys: they come from the environment
(`mlx_muzero.alerts.secrets`), so that a folder from somebody else reaches nobody and starts
nothing.
"""

from dataclasses import dataclass
from typing import get_args

from mlx_muzero.config.choices import AlertChannel, AlertKind
from mlx_muzero.config.keys import setting


@dataclass(frozen=True)
class AlertSettings:
    """Who is told what of a run while nobody watches it; docs/alerts.md."""

    to: tuple[AlertChannel, ...] = setting(
        (), "where alerts go; their addresses come from the environment; none: nowhere"
    )
    on: tuple[AlertKind, ...] = setting(get_args(AlertKind), "what alerts tell of")
    every_s: float = setting(
        60.0, "least seconds between messages to one place; urgent ones wait 5", 1.0, 86_400.0
    )
