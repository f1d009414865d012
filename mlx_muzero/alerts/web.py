"""Places that take a POST: a webhook of one's own, ntfy, Slack, Discord, Telegram."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

from mlx_muzero.alerts import forms
from mlx_muzero.alerts.message import Message
from mlx_muzero.alerts.post import post, require_client
from mlx_muzero.alerts.secrets import address, secret
from mlx_muzero.config.choices import AlertChannel
from mlx_muzero.errors import ConfigError

_TELEGRAM = "https://api.telegram.org"


@dataclass(frozen=True)
class WebChannel:
    """A `channel.Channel` that posts a form.

    Attributes:
        name: its name in ``alerts.to``.
        form: makes the JSON of a message.
        url: where it is posted.
        token: bearer token; empty for none.
    """

    name: AlertChannel
    form: Callable[[Message], Mapping[str, Any]]
    url: str = field(repr=False)
    token: str = field(default="", repr=False)

    async def send(self, message: Message) -> None:
        """See `Channel.send`."""
        await post(self.url, self.form(message), self.token)


def web_channel(name: AlertChannel, environment: Mapping[str, str]) -> WebChannel:
    """The place `name`, its address and token taken from `environment`.

    Raises:
        ConfigError: one is missing or none.
        AlertError: httpx is not installed.
    """
    require_client()
    return _MAKERS[name](environment)


def _webhook(environment: Mapping[str, str]) -> WebChannel:
    token = secret("MLX_MUZERO_WEBHOOK_TOKEN", environment, wanted=False)
    return WebChannel("webhook", forms.plain, address("MLX_MUZERO_WEBHOOK_URL", environment), token)


def _ntfy(environment: Mapping[str, str]) -> WebChannel:
    """Published as JSON, which goes to the root of the server and names the topic."""
    parts = urlsplit(address("MLX_MUZERO_NTFY_URL", environment))
    root, _, topic = parts.path.rstrip("/").rpartition("/")
    if not topic:
        raise ConfigError("MLX_MUZERO_NTFY_URL names no topic: https://ntfy.sh/TOPIC")
    url = urlunsplit((parts.scheme, parts.netloc, f"{root}/", "", ""))
    token = secret("MLX_MUZERO_NTFY_TOKEN", environment, wanted=False)
    named = unquote(topic)
    return WebChannel("ntfy", lambda message: forms.ntfy(message, named), url, token)


def _slack(environment: Mapping[str, str]) -> WebChannel:
    return WebChannel("slack", forms.slack, address("MLX_MUZERO_SLACK_URL", environment))


def _discord(environment: Mapping[str, str]) -> WebChannel:
    return WebChannel("discord", forms.discord, address("MLX_MUZERO_DISCORD_URL", environment))


def _telegram(environment: Mapping[str, str]) -> WebChannel:
    token = secret("MLX_MUZERO_TELEGRAM_TOKEN", environment)
    chat = secret("MLX_MUZERO_TELEGRAM_CHAT", environment)
    server = address("MLX_MUZERO_TELEGRAM_URL", environment, wanted=False) or _TELEGRAM
    url = f"{server.rstrip('/')}/bot{quote(token, safe=':')}/sendMessage"
    return WebChannel("telegram", lambda message: forms.telegram(message, chat), url)


_MAKERS: dict[str, Callable[[Mapping[str, str]], WebChannel]] = {
    "webhook": _webhook,
    "ntfy": _ntfy,
    "slack": _slack,
    "discord": _discord,
    "telegram": _telegram,
}
