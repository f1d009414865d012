"""Which version of the package is installed now, and which boot of the machine this is."""

import re
import subprocess
from pathlib import Path

import mlx_muzero
from mlx_muzero.files.regular import read_text

_VERSION = re.compile(r'^__version__ = "([\w.+-]{1,40})"$', re.MULTILINE)
_LINUX = Path("/proc/sys/kernel/random/boot_id")
_MAC = ("/usr/sbin/sysctl", "-n", "kern.bootsessionuuid")
_MOST = 100


def installed_version() -> str:
    """The version on the disk, which an update may have changed; empty while it cannot be read."""
    try:
        text = read_text(Path(mlx_muzero.__file__), follow=True)
    except (OSError, UnicodeDecodeError):
        return ""  # an update is in the middle of it
    found = _VERSION.search(text)
    return found[1] if found else ""


def boot_id() -> str:
    """Identifies the present boot of this machine; empty if the system does not say."""
    try:
        return _LINUX.read_text().strip()[:_MOST]
    except OSError:
        pass
    try:
        done = subprocess.run(_MAC, capture_output=True, text=True, timeout=5.0, check=True)
    except (OSError, subprocess.SubprocessError):
        return ""
    return done.stdout.strip()[:_MOST]
