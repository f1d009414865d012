"""What releases made, kept in `compatibility`, and unpacked where a test may spoil it."""

import tarfile
from pathlib import Path

from folders import ROOT

RELEASES = sorted((ROOT / "tests" / "compatibility").glob("*.*.*"))
OLDEST = RELEASES[0]


def unpack(release: Path, folder: Path) -> Path:
    """Everything of one release in `folder`, which is returned."""
    for archive in release.glob("*.tar.xz"):
        with tarfile.open(archive) as packed:
            # Python 3.11 has filters from 3.11.4 on, Debian 12 an older one.
            packed.extraction_filter = getattr(tarfile, "data_filter", lambda member, path: member)
            packed.extractall(folder)
    return folder
