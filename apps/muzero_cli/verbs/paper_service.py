"""`mlx-muzero paper install-service`."""

import os
from pathlib import Path

from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.alerts.secrets import read_secrets, without_secrets
from mlx_muzero.errors import ConfigError, RunError
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.watchdog.service import Service, Watch, service_of
from mlx_muzero.words import command
from muzero_cli.display.console import echo
from muzero_cli.failures import answer


def show_service(run: Path, restarts: int, secrets: Path | None, as_json: bool) -> None:
    """Print the service file of the session at `run`, and whether it is installed."""
    service = _service(run, restarts, secrets)
    text = service.path.read_text() if service.installed else service.text
    if as_json:
        answer(_facts(service, text, []))
        return
    echo(f"{service.path}: {'installed' if service.installed else 'not installed'}")
    echo(text)


def install_service(run: Path, restarts: int, secrets: Path | None, as_json: bool) -> None:
    """Install and start the service that watches the session at `run`.

    Raises:
        ConfigError: alerts could not be sent from a service.
    """
    service = _service(run, restarts, secrets)
    _require_alerts(run, secrets)
    by_hand = service.install()
    if as_json:
        answer(_facts(service, service.text, by_hand))
        return
    echo(
        f"{service.path}: installed; it watches {run}, and starts it again {restarts} times an hour"
    )
    for line in (*by_hand, service.note):
        if line:
            echo(line)


def remove_service(run: Path, as_json: bool) -> None:
    """End and remove the service that watches the session at `run`; the session goes on.

    Raises:
        RunError: none is installed.
    """
    service = service_of(Watch.of(run, 0, None))
    if not service.installed:
        raise RunError(f"{run}: no service is installed: there is no {service.path}")
    by_hand = service.remove()
    if as_json:
        answer(_facts(service, "", by_hand))
        return
    for line in (f"{service.path}: removed; the session goes on", *by_hand):
        echo(line)


def _service(run: Path, restarts: int, secrets: Path | None) -> Service:
    PaperFolder.of_session(run)
    return service_of(Watch.of(run, restarts, secrets))


def _require_alerts(run: Path, secrets: Path | None) -> None:
    """Refuse what would fail later, when nobody looks."""
    settings = PaperFolder(run).settings().alerts
    found = {} if secrets is None else read_secrets(secrets)
    try:
        channels_of(settings, without_secrets(os.environ) | found)
    except ConfigError as error:
        named = command("paper", "install-service", run, "--secrets", "FILE")
        raise ConfigError(
            f"{error}. A service has no environment of yours: write it into a file of mode 0600 "
            f"and name that: {named}"
        ) from error


def _facts(service: Service, text: str, by_hand: list[str]) -> dict[str, object]:
    return {
        "path": str(service.path),
        "installed": service.installed,
        "text": text,
        "by_hand": by_hand,
    }
