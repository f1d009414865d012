"""The service that keeps a watch running: a launchd agent on a Mac, else a systemd user unit.

It names files and no secret: `paper watch` reads those from the file of ``--secrets``.
"""

import hashlib
import os
import re
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import join

from mlx_muzero.errors import ConfigError
from mlx_muzero.files.regular import write_text
from mlx_muzero.watchdog import launchd, systemd

_PATIENCE_S = 30.0
_MOST_TOLD = 300


@dataclass(frozen=True)
class Watch:
    """What a service runs.

    Attributes:
        run: the session's folder.
        arguments: the whole command.
        folder: where it runs, because a session's settings may name files from there.
    """

    run: Path
    arguments: tuple[str, ...]
    folder: Path

    @classmethod
    def of(cls, run: Path, restarts: int, secrets: Path | None) -> "Watch":
        """The watch over the session in `run`, by this Python, from this folder.

        Raises:
            ConfigError: a path has characters that no service file can hold.
        """
        absolute = Path(os.path.abspath(run))  # noqa: PTH100  # links stay as they are named
        arguments = [sys.executable, "-P", "-m", "muzero_cli.main", "paper", "watch"]
        arguments += [str(absolute), "--restart", str(restarts)]
        if secrets is not None:
            arguments += ["--secrets", os.path.abspath(secrets)]  # noqa: PTH100
        for text in (*arguments, str(Path.cwd())):
            if not text.isprintable():
                raise ConfigError(f"{text!r} has characters that no service file can hold")
        return cls(absolute, tuple(arguments), Path.cwd())

    @property
    def name(self) -> str:
        """A name that no watch over another folder has."""
        words = re.sub(r"[^A-Za-z0-9]+", "-", self.run.name).strip("-")[:40] or "session"
        return f"{words}-{hashlib.sha256(os.fsencode(self.run)).hexdigest()[:8]}"


@dataclass(frozen=True)
class Service:
    """A service file, and the commands that go with it.

    Attributes:
        path: of the file.
        text: its contents.
        begin: commands that start the service, now and with every login.
        end: commands that end it.
        note: what else a user may have to do; empty if nothing.
    """

    path: Path
    text: str
    begin: tuple[tuple[str, ...], ...]
    end: tuple[tuple[str, ...], ...]
    note: str

    @property
    def installed(self) -> bool:
        """Whether the file is there."""
        return self.path.is_file()

    def install(self) -> list[str]:
        """Write the file and start the service; returns what has to be done by hand.

        Raises:
            OSError: it cannot be written.
        """
        self.path.parent.mkdir(parents=True, exist_ok=True)
        again = self.end if self.installed else ()
        for command in again:
            _failure(command)  # of what ran before; it may have ended by itself
        write_text(self.path, self.text)
        return _failures(self.begin)

    def remove(self) -> list[str]:
        """End the service and remove the file; returns what has to be done by hand.

        Raises:
            OSError: it cannot be removed.
        """
        failures = _failures(self.end)
        self.path.unlink()
        return failures


def service_of(watch: Watch) -> Service:
    """The service for `watch` on this machine."""
    home = Path.home()
    if sys.platform == "darwin":
        label = f"mlx-muzero.watch.{watch.name}"
        path = home / "Library" / "LaunchAgents" / f"{label}.plist"
        output = watch.run.with_name(f"{watch.run.name}.watch.log")
        text = launchd.agent(label, watch.arguments, watch.folder, output)
        domain = f"gui/{os.getuid()}"
        begin = (("launchctl", "bootstrap", domain, str(path)),)
        return Service(path, text, begin, (("launchctl", "bootout", f"{domain}/{label}"),), "")
    unit = f"mlx-muzero-watch-{watch.name}.service"
    configuration = Path(os.environ.get("XDG_CONFIG_HOME") or home / ".config")
    text = systemd.unit(f"mlx-muzero: watch over {watch.run}", watch.arguments, watch.folder)
    return Service(
        configuration / "systemd" / "user" / unit,
        text,
        (
            ("systemctl", "--user", "daemon-reload"),
            ("systemctl", "--user", "enable", "--now", unit),
        ),
        (("systemctl", "--user", "disable", "--now", unit),),
        "it runs while you are logged in; for ever with: loginctl enable-linger",
    )


def _failures(commands: Sequence[Sequence[str]]) -> list[str]:
    """What has to be done by hand, from the first of `commands` that failed on."""
    for number, command in enumerate(commands):
        if why := _failure(command):
            by_hand = " && ".join(join(left) for left in commands[number:])
            return [f"{command[0]} failed ({why}); do it by hand: {by_hand}"]
    return []


def _failure(command: Sequence[str]) -> str:
    """Why `command` failed; empty if it did not."""
    try:
        done = subprocess.run(command, capture_output=True, timeout=_PATIENCE_S)
    except FileNotFoundError:
        return "it is not there"
    except (OSError, subprocess.TimeoutExpired) as error:
        return type(error).__name__
    said = done.stderr.decode(errors="replace").strip()[:_MOST_TOLD]
    return (said or f"exit code {done.returncode}") if done.returncode else ""
