"""SHA-256 of files, and of a folder's files beside them as ``sha256sum`` writes it.

``sha256sum -c SHA256SUMS`` checks such a folder by hand.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from mlx_muzero.files.regular import read_text, reader, require, write_text

SUMS = "SHA256SUMS"
"""Name of the file that holds a folder's digests."""


def sha256_of(path: Path, *, follow: bool = False) -> str:
    """SHA-256 of a file's content, in hexadecimal digits; a link is followed if `follow`."""
    with reader(path, follow=follow) as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_sums(folder: Path, names: Iterable[str]) -> None:
    """Keep the digests of the files `names` of `folder` there, whole or not at all."""
    lines = (f"{sha256_of(folder / name)}  {name}\n" for name in sorted(names))
    write_text(folder / SUMS, "".join(lines))


def require_sum(path: Path) -> None:
    """Holds a file against the digest kept beside it; one without a digest passes.

    Raises:
        ValueError: its bytes are not those that were written; or the digests cannot be read.
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
        raise ValueError(f"{path.name} is not what was written: {SUMS} has another digest")
