"""Files of the cache folder, which several processes may write at the same time."""

import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mlx_muzero.files.refusals import named


def keep_json(path: Path, facts: Mapping[str, Any]) -> None:
    """Write `facts` to `path`, replacing anything there at once.

    Raises:
        OSError: it cannot be written.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_suffix(f".{os.getpid()}")
    with named(aside):
        aside.write_text(json.dumps(facts, indent=1))
    aside.replace(path)
