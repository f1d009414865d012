"""`mlx-muzero alerts test`."""

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path

from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.alerts.secrets import read_secrets
from mlx_muzero.alerts.settings_of import alert_settings_of
from mlx_muzero.alerts.trial import Trial, try_channels
from mlx_muzero.errors import AlertError, ConfigError
from muzero_cli.display.console import echo
from muzero_cli.failures import answer


def show_test(
    run: Path | None, changes: Sequence[str], secrets: Path | None, as_json: bool
) -> None:
    """Send a test message to every place, and print what became of it.

    Raises:
        ConfigError: no place is named, or one lacks its address.
        AlertError: a place did not take it.
    """
    settings = alert_settings_of(run, changes)
    if not settings.to:
        raise ConfigError(
            "alerts.to names no place: write it into the section [alerts], or try "
            "mlx-muzero alerts test --set alerts.to=ntfy"
        )
    environment = os.environ | (read_secrets(secrets) if secrets else {})
    trials = asyncio.run(try_channels(run, channels_of(settings, environment)))
    failed = _failed(trials)
    if as_json:
        answer({"places": [trial.facts for trial in trials]}, failed)
        return
    for trial in trials:
        echo(str(trial))
    if failed is not None:
        raise failed


def _failed(trials: Sequence[Trial]) -> AlertError | None:
    missed = [trial.channel for trial in trials if trial.reason]
    return AlertError(f"not delivered to {', '.join(missed)}") if missed else None
