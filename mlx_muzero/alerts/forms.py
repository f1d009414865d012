"""The JSON that each web service wants, from its public documentation.

Nothing that a venue said acts as markup or mentions anybody: every form either sends plain text or
escapes what its service would interpret.
"""

import re
from typing import Any

from mlx_muzero.alerts.message import Message, Weight, fitting

DISCORD_MOST = 2000
"""Characters of ``content``, https://discord.com/developers/docs/resources/webhook."""

TELEGRAM_MOST = 4096
"""Characters of ``text``, https://core.telegram.org/bots/api#sendmessage."""

NTFY_MOST_BYTES = 4096
"""Bytes of ``message``, a longer one becomes a file; https://docs.ntfy.sh/publish/#limitations."""

SLACK_MOST = 4000
"""Characters of ``text``, https://docs.slack.dev/reference/methods/chat.postMessage."""

_NTFY_TITLE = 250
_URGENT, _USUAL = 5, 3
_DISCORD_MARKUP = re.compile(r"([\\*_~`|>#\[\]()<@:-])")


def plain(message: Message) -> dict[str, Any]:
    """Our own form: title, text and every alert with its fields."""
    return message.facts()


def ntfy(message: Message, topic: str) -> dict[str, Any]:
    """A message to publish as JSON, https://docs.ntfy.sh/publish/#publish-as-json."""
    return {
        "topic": topic,
        "title": message.title[:_NTFY_TITLE],
        "message": message.text(NTFY_MOST_BYTES, lambda text: len(text.encode())),
        "priority": _URGENT if message.urgent else _USUAL,
    }


def slack(message: Message) -> dict[str, Any]:
    """A message of an incoming webhook, its three control characters escaped.

    https://docs.slack.dev/messaging/formatting-message-text
    """
    return {
        "text": _slack_text(_whole(message, SLACK_MOST, lambda text: len(_slack_text(text)))),
        "mrkdwn": False,
    }


def discord(message: Message) -> dict[str, Any]:
    """A message of a webhook, its markup escaped; mentions nobody and embeds nothing."""
    content = _whole(message, DISCORD_MOST, lambda text: _utf16(_discord_text(text)))
    return {
        "content": _discord_text(content),
        "allowed_mentions": {"parse": []},
        "flags": 4,  # SUPPRESS_EMBEDS
    }


def telegram(message: Message, chat: str) -> dict[str, Any]:
    """The parameters of ``sendMessage``; without ``parse_mode`` its text is plain."""
    return {
        "chat_id": chat,
        "text": _whole(message, TELEGRAM_MOST, _utf16),
        "link_preview_options": {"is_disabled": True},
        "disable_notification": not message.urgent,
    }


def _whole(message: Message, most: int, weight: Weight) -> str:
    """Title and text, as one text."""
    return fitting([message.title, *message.lines], most, weight)


def _slack_text(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def _discord_text(text: str) -> str:
    return _DISCORD_MARKUP.sub(r"\\\1", text)


def _utf16(text: str) -> int:
    """Code units: what services written in JavaScript count as characters."""
    return len(text.encode("utf-16-le")) // 2
