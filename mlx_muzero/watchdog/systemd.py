"""A systemd user unit; see systemd.service(5) and systemd.syntax(7)."""

from collections.abc import Sequence
from pathlib import Path

from mlx_muzero.errors import AlertError, ConfigError, RunError
from mlx_muzero.watchdog.vigil import USAGE

_NOT_AGAIN = (USAGE, ConfigError.exit_code, RunError.exit_code, AlertError.exit_code)
"""Exit codes of a watch that another start cannot mend."""


def unit(about: str, arguments: Sequence[str], folder: Path) -> str:
    """The unit that runs the command `arguments` in `folder`.

    Ending it ends the watch alone: the session that it started goes on, as one that a user started.
    """
    command = " ".join(quoted(argument) for argument in arguments)
    return "\n".join(
        (
            "[Unit]",
            f"Description={_plain(about)}",
            "",
            "[Service]",
            "Type=exec",
            f"ExecStart={command}",
            f"WorkingDirectory={_plain(str(folder))}",
            "Restart=on-failure",
            "RestartSec=30",
            f"RestartPreventExitStatus={' '.join(map(str, _NOT_AGAIN))}",
            "KillMode=process",
            "",
            "[Install]",
            "WantedBy=default.target",
            "",
        )
    )


def quoted(argument: str) -> str:
    """`argument` as one word of a command, in which nothing is replaced."""
    escaped = argument.replace("\\", "\\\\").replace('"', '\\"')
    return '"' + _plain(escaped).replace("$", "$$") + '"'


def _plain(text: str) -> str:
    """`text` as the rest of a line, in which no specifier is replaced."""
    return text.replace("%", "%%")
