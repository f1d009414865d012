"""Addresses, tokens and programs of alerts: from environment variables and nowhere else.

A service has no environment of its user's, so a file may set these variables if nobody but its
owner can read it. No message of this module contains a value.
"""

import os
import re
import stat
from collections.abc import Mapping
from pathlib import Path
from urllib.parse import urlsplit

from mlx_muzero.errors import ConfigError
from mlx_muzero.files.refusals import why_unreadable
from mlx_muzero.files.regular import reader
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import sequence
from mlx_muzero.untrusted.shapes import text as shape_of_text
from mlx_muzero.venues.oanda import TOKEN_VARIABLE

VARIABLES: dict[str, str] = {
    "MLX_MUZERO_WEBHOOK_URL": "address that gets plain JSON",
    "MLX_MUZERO_WEBHOOK_TOKEN": "its bearer token, if it wants one",
    "MLX_MUZERO_NTFY_URL": "address of the topic, as https://ntfy.sh/TOPIC",
    "MLX_MUZERO_NTFY_TOKEN": "access token of ntfy, if the topic is protected",
    "MLX_MUZERO_SLACK_URL": "address of the incoming webhook",
    "MLX_MUZERO_DISCORD_URL": "address of the webhook",
    "MLX_MUZERO_TELEGRAM_TOKEN": "token of the bot",
    "MLX_MUZERO_TELEGRAM_CHAT": "identifier of the chat, or @channel",
    "MLX_MUZERO_PROGRAM": 'program and its arguments, as ["/usr/local/bin/tell", "--loud"]',
    "MLX_MUZERO_MAIL_TO": "address of one mailbox",
    "MLX_MUZERO_TELEGRAM_URL": "another Bot API server than https://api.telegram.org",
}
"""Variables that alerts read, with their meaning."""

OWNERS_ONLY = 0o600
_MOST_BYTES = 65_536
_MOST_ARGUMENTS = 100
_LINE = re.compile(r"(?:export\s+)?([A-Z][A-Z0-9_]*)=(.*)")
_LOOPBACK = ("localhost", "127.0.0.1", "::1")


def secret(name: str, environment: Mapping[str, str], *, wanted: bool = True) -> str:
    """The value of the variable `name`; empty if there is none and it is not `wanted`.

    Raises:
        ConfigError: it is wanted and not set, or has characters that no address or token has.
    """
    value = environment.get(name, "").strip()
    if not value:
        if wanted:
            raise ConfigError(f"{name} is not set: it must hold the {VARIABLES[name]}")
        return ""
    if not all("!" <= character <= "~" for character in value):
        raise ConfigError(f"{name} contains characters that no address or token has")
    return value


def address(name: str, environment: Mapping[str, str], *, wanted: bool = True) -> str:
    """Like `secret`, an address by https, or by http on this machine."""
    value = secret(name, environment, wanted=wanted)
    if not value:
        return ""
    try:
        parts = urlsplit(value)
        host = parts.hostname or ""
        valid = bool(host) and (parts.port is None or parts.port > 0)
    except ValueError:
        valid, host = False, ""
    if not valid or parts.scheme not in ("https", "http"):
        raise ConfigError(f"{name} is no web address: it must begin with https://")
    if parts.scheme == "http" and host not in _LOOPBACK:
        raise ConfigError(f"{name} would be sent in the clear: it must begin with https://")
    return value


def program(environment: Mapping[str, str]) -> tuple[str, ...]:
    """The arguments in ``MLX_MUZERO_PROGRAM``, a JSON list; the first is the program's whole path.

    Raises:
        ConfigError: there are none.
    """
    name = "MLX_MUZERO_PROGRAM"
    text = environment.get(name, "").strip()
    if not text:
        raise ConfigError(f"{name} is not set: it must hold the {VARIABLES[name]}")
    try:
        found = sequence(shape_of_text, most=_MOST_ARGUMENTS)(parsed(text))
    except ValueError:
        found = []
    if not found or not Path(found[0]).is_absolute() or any("\0" in each for each in found):
        raise ConfigError(f"{name} must hold the {VARIABLES[name]}: a JSON list, with a whole path")
    return tuple(found)


def mailbox(environment: Mapping[str, str]) -> str:
    """The address in ``MLX_MUZERO_MAIL_TO``.

    Raises:
        ConfigError: there is none, or it is several or an option.
    """
    found = secret("MLX_MUZERO_MAIL_TO", environment)
    if found.startswith("-") or set(found) & set(",;<>()\"'\\|`$"):
        raise ConfigError("MLX_MUZERO_MAIL_TO is not the address of one mailbox")
    return found


def read_secrets(path: Path) -> dict[str, str]:
    """The variables that the file at `path` sets, one ``NAME=VALUE`` a line.

    Raises:
        ConfigError: others may read it, it is not this user's, or a line is none of these.
    """
    try:
        with reader(path) as file:
            found = os.fstat(file.fileno())
            data = file.read(_MOST_BYTES + 1)
    except OSError as error:
        raise ConfigError(f"{path}: the secrets cannot be read: {why_unreadable(error)}") from error
    if found.st_uid != os.getuid():
        raise ConfigError(f"{path}: the secrets belong to another user")
    if (mode := stat.S_IMODE(found.st_mode)) != OWNERS_ONLY:
        raise ConfigError(f"{path}: its mode is {mode:04o}, not 0600: chmod 600 it")
    if len(data) > _MOST_BYTES:
        raise ConfigError(f"{path}: the secrets are larger than {_MOST_BYTES:,} bytes")
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        raise ConfigError(f"{path}: the secrets are not UTF-8") from None
    return dict(_variables(path, lines))


def _variables(path: Path, lines: list[str]) -> list[tuple[str, str]]:
    known = {*VARIABLES, TOKEN_VARIABLE}
    found = []
    for number, line in enumerate(lines, 1):
        if not line.strip() or line.lstrip().startswith("#"):
            continue
        match = _LINE.fullmatch(line.strip())
        if match is None:
            raise ConfigError(f"{path}:{number}: expected NAME=VALUE")
        name, value = match.groups()
        if name not in known:
            raise ConfigError(f"{path}:{number}: no such variable: {', '.join(sorted(known))}")
        if len(value) > 1 and value[0] == value[-1] and value[0] in "\"'":
            value = value[1:-1]
        found.append((name, value))
    return found


def without_secrets(environment: Mapping[str, str]) -> dict[str, str]:
    """`environment` for a program that has no need of them."""
    return {
        name: value
        for name, value in environment.items()
        if name not in VARIABLES and name != TOKEN_VARIABLE
    }
