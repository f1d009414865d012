"""Where this program keeps what it can make again."""

import os
import sys
from pathlib import Path


def cache_folder() -> Path:
    """The folder for it, where the system wants it; it need not be there yet."""
    if sys.platform == "darwin":
        return Path.home() / "Library" / "Caches" / "mlx_muzero"
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "mlx_muzero"
