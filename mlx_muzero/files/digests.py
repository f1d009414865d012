"""SHA-256 digests of files, and a folder's digests in a file in the format of ``sha256sum``.

``sha256sum -c SHA256SUMS`` checks such a folder by hand.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mlx_muzero.files.regular import read_text, reader, require, write_text

SUMS = "SHA256SUMS"
"""Name of the file that holds a folder's digests."""


def sha256_of(path: Path, *, follow: bool = False) -> str:
    """SHA-256 of a file's content in hexadecimal, following a symbolic link if `follow`."""
    with reader(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Atomically write the digests of the files `names` in `folder` to that folder."""
    lines = (f"{sha256_of(folder / name)}  {name}\n" for name in sorted(names))
    write_text(folder / SUMS, "".join(lines))


def require_sum(path: Path) -> None:
    """Check a file against the digest stored next to it; pass if the folder has no digests.

    Raises:
        ValueError: its content has changed, or the digests cannot be read.
        OSError: it cannot be read.
    """
    try:
        lines = read_text(path.parent / SUMS).splitlines()
    except FileNotFoundError:
        require(path)
        return
    kept = {name: digest for digest, _, name in (line.partition("  ") for line in lines)}
    if path.name not in kept:
        raise ValueError(f"{SUMS} has no digest of {path.name}")
    if kept[path.name] != sha256_of(path):
        raise ValueError(f"{path.name} has changed: its digest is not the one in {SUMS}")
