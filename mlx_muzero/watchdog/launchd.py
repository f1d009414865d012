"""A launchd agent; see launchd.plist(5)."""

import plistlib
from collections.abc import Sequence
from pathlib import Path


def agent(label: str, arguments: Sequence[str], folder: Path, output: Path) -> str:
    """The property list of the agent that runs the command `arguments` in `folder`.

    Ending it ends the watch alone: the session that it started goes on, as one that a user started.
    """
    return plistlib.dumps(
        {
            "Label": label,
            "ProgramArguments": list(arguments),
            "WorkingDirectory": str(folder),
            "RunAtLoad": True,
            "KeepAlive": {"SuccessfulExit": False},
            "ThrottleInterval": 30,
            "AbandonProcessGroup": True,
            "ProcessType": "Interactive",  # the sessions that it starts are not to be throttled
            "StandardOutPath": str(output),
            "StandardErrorPath": str(output),
        }
    ).decode()
