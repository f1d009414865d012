"""The alerts that a run's own settings ask for."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.config.strict_toml import TomlSchema
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.runlog.folder_kinds import MARKS, contents_of, missing


@dataclass(frozen=True)
class _Alerts:
    """Settings of alerts alone."""

    alerts: AlertSettings = AlertSettings()


_SCHEMA = TomlSchema(_Alerts, "settings of alerts", lambda _alerts, _skip: iter(()), align=False)

ALERT_SECTIONS = _SCHEMA.sections
"""The keys of alerts, by section and name."""


def alert_settings_of(run: Path | None, changes: Sequence[str] = ()) -> AlertSettings:
    """The alerts of the training or paper session in `run`, changed by assignments.

    Raises:
        RunError: there is neither.
        ConfigError: its settings, or an assignment, are wrong.
    """
    settings = AlertSettings() if run is None else _kept(run)
    return _SCHEMA.override(_Alerts(settings), changes).alerts


def _kept(run: Path) -> AlertSettings:
    contents = contents_of(run)
    if contents == "paper session":
        return PaperFolder(run).settings().alerts
    if contents == "training run":
        mark = run / MARKS[contents]
        return config_toml.loads(config_toml.text_of(mark, follow=False), str(mark)).alerts
    raise missing(run, "training run", "paper session")
