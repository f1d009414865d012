"""Makes the places that ``alerts.to`` names."""

import os
import shutil
import sys
from collections.abc import Mapping

from mlx_muzero.alerts.channel import Channel
from mlx_muzero.alerts.program import MailChannel, NotificationChannel, ProgramChannel
from mlx_muzero.alerts.secrets import mailbox, program
from mlx_muzero.alerts.web import web_channel
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.config.choices import AlertChannel
from mlx_muzero.errors import ConfigError

_SENDMAIL_FOLDERS = ("/usr/sbin", "/usr/lib")


def channels_of(settings: AlertSettings, environment: Mapping[str, str]) -> list[Channel]:
    """The places of `settings`; addresses and tokens are those of `environment`.

    Raises:
        ConfigError: an address, token or program is missing.
        AlertError: httpx is not installed.
    """
    return [_channel(name, environment) for name in settings.to]


def _channel(name: AlertChannel, environment: Mapping[str, str]) -> Channel:
    if name == "program":
        return ProgramChannel(program(environment))
    if name == "mail":
        path = os.pathsep.join((environment.get("PATH", os.defpath), *_SENDMAIL_FOLDERS))
        sendmail = shutil.which("sendmail", path=path)
        if sendmail is None:
            raise ConfigError('alerts.to names "mail", but this machine has no sendmail')
        return MailChannel(sendmail, mailbox(environment))
    if name == "macos":
        return _notification(environment)
    return web_channel(name, environment)


def _notification(environment: Mapping[str, str]) -> Channel:
    if sys.platform == "darwin":
        osascript = shutil.which("osascript", path=environment.get("PATH", os.defpath))
        if osascript is not None:
            return NotificationChannel(osascript)
    raise ConfigError('alerts.to names "macos", which only a Mac has')
