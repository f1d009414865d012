"""Places on this machine: a program of the user's, sendmail, and a notification of macOS.

Each is a list of arguments, never a shell's line. What a venue said is only ever data: the JSON or
the mail on standard input, or an argument of a fixed script.
"""

import asyncio
import os
import signal
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from email.message import EmailMessage

from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.message import Message
from mlx_muzero.alerts.secrets import without_secrets
from mlx_muzero.config.choices import AlertChannel
from mlx_muzero.untrusted.json_values import strict_json
from mlx_muzero.untrusted.terminal_text import clean_line

TIMEOUT_S = 20.0
_MOST_TOLD = 200
_MAIL_LINES = 200_000
_NOTIFICATION = 1_000

NOTIFY = (
    "on run argv",
    "display notification (item 2 of argv) with title (item 1 of argv)",
    "end run",
)
"""The script that shows a notification; it never contains what it shows."""


@dataclass(frozen=True)
class ProgramChannel:
    """A `channel.Channel`: a program that gets each message as JSON on standard input."""

    arguments: tuple[str, ...]
    name: AlertChannel = "program"

    async def send(self, message: Message) -> None:
        """See `Channel.send`."""
        await _run(self.arguments, strict_json(message.facts()).encode() + b"\n")


@dataclass(frozen=True)
class MailChannel:
    """A `channel.Channel`: a mail through `sendmail`, the path of that program."""

    sendmail: str
    address: str
    name: AlertChannel = "mail"

    async def send(self, message: Message) -> None:
        """See `Channel.send`."""
        mail = EmailMessage()
        mail["To"] = self.address
        mail["Subject"] = message.title
        mail["Auto-Submitted"] = "auto-generated"
        mail.set_content(message.text(_MAIL_LINES) + "\n")
        await _run((self.sendmail, "-i", self.address), mail.as_bytes())


@dataclass(frozen=True)
class NotificationChannel:
    """A `channel.Channel`: a notification of macOS, by `osascript`, the path of that program."""

    osascript: str
    name: AlertChannel = "macos"

    async def send(self, message: Message) -> None:
        """See `Channel.send`."""
        script = [part for line in NOTIFY for part in ("-e", line)]
        # The title comes first: it never begins with a dash, so that no option follows.
        shown = (message.title, message.text(_NOTIFICATION))
        await _run((self.osascript, *script, *shown), b"")


async def _run(arguments: Sequence[str], data: bytes) -> None:
    """Run a program with `data` on standard input.

    Raises:
        Undelivered: it cannot be started, fails, or takes longer than `TIMEOUT_S`.
    """
    await asyncio.to_thread(_run_here, arguments, data, without_secrets(os.environ))


def _run_here(arguments: Sequence[str], data: bytes, environment: Mapping[str, str]) -> None:
    with tempfile.TemporaryFile() as errors:
        try:
            process = subprocess.Popen(
                arguments,
                stdin=subprocess.PIPE,
                stdout=subprocess.DEVNULL,
                stderr=errors,
                env=environment,
                start_new_session=True,
            )
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or str(error)
            raise Undelivered(f"{arguments[0]} cannot be started: {reason}") from None
        try:
            process.communicate(data, timeout=TIMEOUT_S)
        except subprocess.TimeoutExpired:
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)  # what it started, too
            process.wait()
            raise Undelivered(f"{arguments[0]} took longer than {TIMEOUT_S:g} s") from None
        if process.returncode:
            errors.seek(0)
            said = errors.read(_MOST_TOLD).decode(errors="replace").strip()
            words = f": {clean_line(said)}" if said else ""
            code = process.returncode
            ended = f"was ended by signal {-code}" if code < 0 else f"exited with code {code}"
            raise Undelivered(f"{arguments[0]} {ended}{words}")
