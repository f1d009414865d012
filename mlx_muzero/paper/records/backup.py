"""Saves a session in one file, to move a running account to another machine.

The file is an uncompressed tar archive, which `tar -tf` lists: a manifest with sizes and SHA-256
digests, then settings, store and journal as of one moment, and what the session needs of its
training run. Reading trusts nothing: unknown names, links, wrong sizes and wrong digests are
refused, and no file can be larger than the archive.
"""

import hashlib
import json
import os
import platform
import re
import shutil
import tarfile
from collections.abc import Iterator
from dataclasses import asdict, dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, BinaryIO

from mlx_muzero.errors import RunError
from mlx_muzero.files.digests import SUMS, sha256_of
from mlx_muzero.files.regular import partial_of, reader
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.origin import Origin
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.retraining.played_model import run_of
from mlx_muzero.paper.retraining.recorded import retraining_of
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog.folders import flush, replaced
from mlx_muzero.runlog.journal import JOURNAL
from mlx_muzero.runlog.logs import CANDIDATES
from mlx_muzero.training.checkpoint import NAME, STATE, WEIGHTS, load_state, load_weights
from mlx_muzero.training.run import RunFolder
from mlx_muzero.untrusted.json_values import parsed
from mlx_muzero.untrusted.shapes import count, time_ns

FORMAT = 1
MANIFEST = "manifest.json"

_SESSION = ("paper.toml", "store.duckdb", JOURNAL)
_RUN = ("config.toml", "market.json")
_CHECKPOINT = (STATE, WEIGHTS, SUMS)
_MODEL = "model"
_OF_MODEL = rf"({_MODEL}|{CANDIDATES}/\d{{4,9}}/candidate-\d{{4,9}})"
"""The run that the session was started with, or one of a candidate that took over."""
_KNOWN = re.compile(
    "|".join(
        [
            *map(re.escape, _SESSION),
            f"{_OF_MODEL}/({'|'.join(map(re.escape, _RUN))})",
            f"{_OF_MODEL}/checkpoints/{NAME.pattern}/({'|'.join(map(re.escape, _CHECKPOINT))})",
        ]
    )
)
_BLOCK = tarfile.BLOCKSIZE
_PART = 1 << 20
_MOST_MANIFEST = 1 << 20


@dataclass(frozen=True)
class Backup:
    """Contents of an archive.

    Attributes:
        origin: the account, and when it was saved.
        settings: the session's settings.
        files: size of each file in bytes.
    """

    origin: Origin
    settings: PaperSettings
    files: dict[str, int]


def write_backup(
    session: PaperFolder, store: PaperStore, account: PaperFolder, target: Path
) -> Backup:
    """Write the session in `session`, at rest, to the new file `target`.

    Args:
        session: a folder nobody writes to: a snapshot, or one locked by this process.
        store: its store.
        account: the original folder, of which `session` may be a copy.
        target: the file; it appears only once it is complete.

    Raises:
        RunError: the file exists, the session has not started, or something cannot be read or
            written.
    """
    if target.exists():
        raise RunError(f"{target} already exists. Choose another file, or remove it.")
    settings, saved = session.settings(), store.state()
    if saved is None:
        raise RunError(f"{account.path} holds no started paper session: nothing to back up.")
    with store.checking_contents():
        event, close_ns = count(saved[1]["event"]), time_ns(saved[1]["session"]["last_close_ns"])
    files = {name: session.path / name for name in _SESSION}
    begun = RunFolder(Path(settings.session.model))
    files |= _model_files(begun, settings.session.checkpoint, _MODEL)
    for model in retraining_of(store).played:
        if model.number:
            path = run_of(model, account.path, settings.session.model)
            inside = path.relative_to(account.path).as_posix()
            files |= _model_files(RunFolder(path), model.checkpoint, inside)
    origin = Origin(
        host=platform.node(),
        path=str(account.path.absolute()),
        time=datetime.now(UTC).isoformat(timespec="seconds"),
        event=event,
        close_ns=close_ns,
    )
    partial = partial_of(target)
    with account.writing(target):
        sizes = {name: path.stat().st_size for name, path in files.items()}
        listed = {
            name: {"bytes": sizes[name], "sha256": sha256_of(path)} for name, path in files.items()
        }
        manifest = {"format": FORMAT, "origin": asdict(origin), "files": listed}
        partial.unlink(missing_ok=True)
        try:
            with partial.open("xb") as archive:
                _add(archive, MANIFEST, json.dumps(manifest, indent=1).encode())
                for name, path in files.items():
                    _add_file(archive, name, path, sizes[name])
                archive.write(bytes(2 * _BLOCK))
                archive.flush()
                os.fsync(archive.fileno())
            partial.rename(target)
            flush(target.absolute().parent)
        except BaseException:
            partial.unlink(missing_ok=True)
            raise
    return Backup(origin, settings, sizes)


def restore_backup(archive: Path, target: Path, database: Path | None = None) -> Backup:
    """Make `target` the folder of the session in `archive`, completely or not at all.

    Args:
        archive: made by `write_backup`; not trusted.
        target: a folder that does not exist yet or is empty.
        database: bar store of the session, instead of the one it was started with.

    Raises:
        RunError: the archive is damaged or not a backup, or the folder cannot be made.
        OSError: the archive does not exist.
        ConfigError: its settings are invalid.
    """
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        raise RunError(f"{target} is not empty. Choose a folder that does not exist yet.")
    folder = PaperFolder(target)
    with reader(archive, follow=True) as file, folder.writing(target), replaced(target) as partial:
        try:
            origin, sizes = _unpack(file, partial)
            settings = _with_local_paths(PaperFolder(partial), target, database)
            with PaperStore(partial / "store.duckdb", read_only=True) as store:
                played = retraining_of(store).played
            _require_model(RunFolder(partial / _MODEL), settings.session.checkpoint)
            for model in (model for model in played if model.number):
                run = run_of(model, partial, settings.session.model)
                _require_model(RunFolder(run), model.checkpoint)
        except (ValueError, tarfile.HeaderError) as error:
            raise RunError(f"{archive} is not a complete backup of a session: {error}.") from error
        origin.keep(PaperFolder(partial))
    return Backup(origin, settings, sizes)


def _with_local_paths(folder: PaperFolder, target: Path, database: Path | None) -> PaperSettings:
    """The settings with the current paths of model and store; saved in `folder`."""
    settings = folder.settings()
    session = replace(settings.session, model=str((target / _MODEL).absolute()))
    if database is not None and session.database:
        session = replace(session, database=str(database))
    settings = replace(settings, session=session)
    folder.begin(settings)
    return settings


def _model_files(run: RunFolder, checkpoint: str, inside_of: str) -> dict[str, Path]:
    """The files that play a checkpoint, by their names in the archive, below `inside_of`."""
    folder = run.checkpoints.folder / checkpoint
    inside = {f"{inside_of}/{name}": run.path / name for name in _RUN}
    inside |= {
        f"{inside_of}/checkpoints/{checkpoint}/{name}": folder / name for name in _CHECKPOINT
    }
    run.config()  # raises if this is not a run
    found = {name: path for name, path in inside.items() if path.is_file()}
    if not (folder / WEIGHTS).is_file():
        raise RunError(
            f"{run.path} no longer has checkpoint {checkpoint}, which the session plays. "
            "Restore that folder from a copy."
        )
    return found


def _require_model(run: RunFolder, checkpoint: str) -> None:
    """Raise RunError or ConfigError unless `run` can play `checkpoint`."""
    run.config()
    run.market()
    load_state(run.checkpoints.folder / checkpoint)
    load_weights(run.checkpoints.folder / checkpoint)


def _add(archive: BinaryIO, name: str, data: bytes) -> None:
    archive.write(_header(name, len(data)))
    archive.write(data + bytes(-len(data) % _BLOCK))


def _add_file(archive: BinaryIO, name: str, path: Path, size: int) -> None:
    archive.write(_header(name, size))
    with reader(path, follow=True) as file:
        shutil.copyfileobj(file, archive, _PART)
    archive.write(bytes(-size % _BLOCK))


def _header(name: str, size: int) -> bytes:
    info = tarfile.TarInfo(name)
    info.size = size
    # The GNU format holds sizes beyond 8 GiB without an extra header.
    return info.tobuf(tarfile.GNU_FORMAT)


def _unpack(archive: BinaryIO, folder: Path) -> tuple[Origin, dict[str, int]]:
    """Write the files of `archive` into the empty `folder`.

    Raises:
        ValueError: it is not a valid backup.
    """
    name, size = _next_header(archive)
    if name != MANIFEST or size > _MOST_MANIFEST:
        raise ValueError(f"it does not start with {MANIFEST}")
    manifest = parsed(b"".join(_parts(archive, size)))
    origin, listed = _parse_manifest(manifest)
    left = dict(listed)
    while left:
        name, size = _next_header(archive)
        wanted_size, wanted = left.pop(name, (None, ""))
        if size != wanted_size:
            raise ValueError(f"{name} of {size} bytes is not in its {MANIFEST}")
        target = folder / name
        target.parent.mkdir(parents=True, exist_ok=True)
        digest = hashlib.sha256()
        with target.open("xb") as file:
            for part in _parts(archive, size):
                digest.update(part)
                file.write(part)
        if digest.hexdigest() != wanted:
            raise ValueError(f"{name} was changed: its digest differs from that in {MANIFEST}")
    if archive.read(2 * _BLOCK) != bytes(2 * _BLOCK) or archive.read(1):
        raise ValueError("there is more data after its last file")
    return origin, {name: size for name, (size, _) in listed.items()}


def _parse_manifest(manifest: Any) -> tuple[Origin, dict[str, tuple[int, str]]]:
    """Parse the manifest into the origin, and size and digest of every file."""
    if not isinstance(manifest, dict) or not isinstance(manifest.get("files"), dict):
        raise ValueError(f"its {MANIFEST} lists no files")
    if manifest.get("format") != FORMAT:
        raise ValueError(
            f"it has format {manifest.get('format')!r}, and this version of mlx_muzero reads "
            f"{FORMAT}"
        )
    listed = {}
    for name, facts in manifest["files"].items():
        if not _KNOWN.fullmatch(name):
            raise ValueError(f"{name!r} is not a file of a session")
        size = facts.get("bytes") if isinstance(facts, dict) else None
        if type(size) is not int or size < 0:
            raise ValueError(f"{MANIFEST} gives no size for {name}")
        listed[name] = (size, str(facts.get("sha256")))
    required = {*_SESSION, *(f"{_MODEL}/{name}" for name in _RUN)}
    if missing := required - listed.keys():
        raise ValueError(f"it lacks {', '.join(sorted(missing))}")
    return Origin.parse(manifest.get("origin")), listed


def _next_header(archive: BinaryIO) -> tuple[str, int]:
    """Name and size of the next file; extended headers are refused."""
    block = archive.read(_BLOCK)
    if len(block) < _BLOCK:
        raise ValueError("it ends too early")
    info = tarfile.TarInfo.frombuf(block, "utf-8", "strict")
    if info.type != tarfile.REGTYPE or info.size < 0:
        raise ValueError(f"{info.name!r} is not a regular file")
    return info.name, info.size


def _parts(archive: BinaryIO, size: int) -> Iterator[bytes]:
    """Yield the next `size` bytes, then skip the padding of the last block."""
    left = size
    while left:
        part = archive.read(min(left, _PART))
        if not part:
            raise ValueError("it ends too early")
        left -= len(part)
        yield part
    archive.read(-size % _BLOCK)
