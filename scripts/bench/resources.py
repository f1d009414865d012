"""What this process holds of the machine."""

import os
import subprocess
from pathlib import Path


def resident_bytes() -> int:
    """Memory of this process that is in RAM now."""
    statm = Path("/proc/self/statm")
    if statm.exists():
        return int(statm.read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    done = subprocess.run(
        ["ps", "-o", "rss=", "-p", str(os.getpid())], capture_output=True, text=True, check=True
    )
    return int(done.stdout) * 1024


def open_descriptors() -> int:
    """Files, sockets and pipes of this process that are open now."""
    return sum(1 for _ in Path("/dev/fd").iterdir())
