"""What `mlx-muzero paper parity` says of the session of a soak, also where it says an error."""

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Self


@dataclass(frozen=True)
class Checked:
    """Its answer.

    Attributes:
        exact: whether it was exact.
        text: what it found, or why it could not look.
    """

    exact: bool
    text: str

    @classmethod
    def of(cls, folder: Path) -> Self:
        """Check the session in `folder`."""
        command = [sys.executable, "-m", "muzero_cli.main", "paper", "parity", str(folder)]
        return cls.told(
            subprocess.run([*command, "--json"], capture_output=True, text=True, check=False)
        )

    @classmethod
    def told(cls, done: "subprocess.CompletedProcess[str]") -> Self:
        """The answer of a process that is `done`."""
        try:
            found = json.loads(done.stdout)
        except ValueError:
            found = None
        if not isinstance(found, dict):  # it was killed, or broke
            last = (done.stderr.strip() or "it said nothing").splitlines()[-1]
            return cls(False, f"parity failed with exit code {done.returncode}: {last}")
        if "exact" not in found:
            return cls(False, f"parity failed: {found['error']['message']}")
        compared = (
            f"over {found['decisions']['recorded']:,} decisions and "
            f"{found['fills']['recorded']:,} fills"
        )
        if found["exact"]:
            return cls(True, f"parity exact {compared}")
        why = found.get("error", {}).get("message", "up to rounding only")
        return cls(False, f"parity not exact {compared}: {why}")
