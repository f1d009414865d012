"""Checkpoints that are either complete or absent, and which of them are kept (ADR 22).

A checkpoint is a folder written under a temporary name, flushed to disk and renamed, so that a
reader never sees an incomplete one. The two newest are kept (the newest is the latest), as is the
best by validation. Every checkpoint names the best, so the two can never disagree. A checkpoint
contains digests of its files and is refused if a file does not match.
"""

import json
import logging
import re
import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import mlx.core as mx
import numpy as np

from mlx_muzero.errors import RunError
from mlx_muzero.files.digests import SUMS, require_sum, sha256_of, write_sums
from mlx_muzero.files.refusals import named
from mlx_muzero.files.regular import read_text
from mlx_muzero.runlog.folders import flush
from mlx_muzero.untrusted.json_values import parsed

FORMAT_VERSION = 3
KEEP_NEWEST = 2

_LOG = logging.getLogger(__name__)
_PARTIAL_SUFFIX = ".partial"
NAME = re.compile(r"\d{6,}(-episode-\d{6,})?")
"""Pattern of the names given to `CheckpointStore.save`."""

WEIGHTS, _OPTIMIZER, _REPLAY, STATE = FILES = (
    "weights.safetensors",
    "optimizer.safetensors",
    "replay.npz",
    "state.json",
)
"""Files of a checkpoint, not counting their digests."""
_COUNTER = "step"
"""The optimizer's only integer."""


@dataclass(frozen=True)
class Checkpoint:
    """Everything a run needs to resume.

    Attributes:
        weights: averaged model parameters, which play, and batch-norm statistics by name.
        optimizer: optimizer state by name, including the parameters being learned.
        replay: arrays of the replay buffer.
        state: counters and facts that fit JSON.
    """

    weights: dict[str, mx.array]
    optimizer: dict[str, mx.array]
    replay: dict[str, np.ndarray]
    state: dict[str, Any]


def packed(checkpoint: Checkpoint) -> dict[str, np.ndarray]:
    """`checkpoint` as arrays by name, for sending."""
    arrays = {f"weights/{name}": np.array(array) for name, array in checkpoint.weights.items()}
    arrays |= {f"optimizer/{name}": np.array(a) for name, a in checkpoint.optimizer.items()}
    arrays |= {f"replay/{name}": array for name, array in checkpoint.replay.items()}
    state = json.dumps(checkpoint.state).encode()
    return arrays | {"state/": np.frombuffer(state, np.uint8)}


def unpacked(arrays: dict[str, np.ndarray]) -> Checkpoint:
    """Inverse of `packed`."""
    parts: dict[str, dict[str, np.ndarray]] = {"weights": {}, "optimizer": {}, "replay": {}}
    for path, array in arrays.items():
        part, name = path.split("/", 1)
        parts.setdefault(part, {})[name] = array
    return Checkpoint(
        weights={name: mx.array(array) for name, array in parts["weights"].items()},
        optimizer={name: mx.array(array) for name, array in parts["optimizer"].items()},
        replay=parts["replay"],
        state=json.loads(parts["state"][""].tobytes()),
    )


class CheckpointStore:
    """The checkpoints of one run folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def save(self, name: str, checkpoint: Checkpoint, *, best: bool) -> Path:
        """Write `checkpoint` durably under the new `name` and delete those no longer kept."""
        self.folder.mkdir(parents=True, exist_ok=True)
        target = self.folder / name
        partial = self.folder / f"{name}{_PARTIAL_SUFFIX}"
        best_name = name if best else self._best_name()
        for left_over in self.names(_PARTIAL_SUFFIX):
            shutil.rmtree(self.folder / left_over)
        partial.mkdir()
        state = {"format": FORMAT_VERSION, "best": best_name, **checkpoint.state}
        try:
            with named(partial):
                _save_tensors(partial / WEIGHTS, checkpoint.weights)
                _save_tensors(partial / _OPTIMIZER, checkpoint.optimizer)
                np.savez(partial / _REPLAY, allow_pickle=False, **checkpoint.replay)
                (partial / STATE).write_text(json.dumps(state, indent=1))
                write_sums(partial, FILES)
        except OSError:
            shutil.rmtree(partial)  # it is useless, and the disk may be full
            raise
        for path in partial.iterdir():
            flush(path)
        flush(partial)
        partial.rename(target)
        flush(self.folder)
        for old in self.names()[:-KEEP_NEWEST]:
            if old != best_name:
                shutil.rmtree(self.folder / old)
        return target

    def latest(self) -> Path | None:
        """The newest complete checkpoint."""
        names = self.names()
        return self.folder / names[-1] if names else None

    def best(self) -> Path | None:
        """The best by validation, or the latest before the first validation; errors as `load`.

        If the best is missing, the latest is returned instead, and a warning is logged.
        """
        name, latest = self._best_name(), self.latest()
        if name is None or latest is None:
            return latest
        if not (self.folder / name).exists():
            _LOG.warning(
                "%s: checkpoint %s, the best by validation, is missing; the latest, %s, is used",
                *(self.folder, name, latest.name),
            )
            return latest
        return self.folder / name

    @property
    def validated(self) -> bool:
        """Whether a validation chose the best; before the first one the latest counts as best."""
        return self._best_name() is not None

    def _best_name(self) -> str | None:
        latest = self.latest()
        name: str | None = None if latest is None else load_state(latest)["best"]
        return name

    def add_digests(self) -> None:
        """Add digests to checkpoints of builds that wrote none; requires the run's lock."""
        for name in self.names():
            folder = self.folder / name
            if not (folder / SUMS).exists() and all((folder / file).is_file() for file in FILES):
                write_sums(folder, FILES)
                flush(folder)

    def names(self, suffix: str = "") -> list[str]:
        """Names of the folders that `save` made here, oldest first; they sort by age.

        Anything else in the folder is ignored.
        """
        if not self.folder.exists():
            return []
        return sorted(
            path.name
            for path in self.folder.iterdir()
            if path.name.endswith(suffix)
            and NAME.fullmatch(path.name.removesuffix(suffix))
            and path.is_dir()
            and not path.is_symlink()
        )


def holds_only_weights(path: Path) -> bool:
    """Whether a folder holds only playing weights, as one restored from a paper backup does."""
    return (path / WEIGHTS).exists() and not any((path / f).exists() for f in (_OPTIMIZER, _REPLAY))


def load(path: Path) -> Checkpoint:
    """Read a complete checkpoint folder.

    Raises:
        UnreadableCheckpoint: a file is missing or damaged, or its digest does not match.
        RunError: the format is not this program's, or it holds only playing weights.
    """
    if holds_only_weights(path):
        raise RunError(
            f"{path} holds only playing weights, as a restored paper account does; continue "
            "training in the run they came from."
        )
    try:
        replay = _load_arrays(path / _REPLAY)
        optimizer = _load_tensors(path / _OPTIMIZER)
    except _DAMAGE as error:
        raise UnreadableCheckpoint(path, error) from error
    return Checkpoint(load_weights(path), optimizer, replay, load_state(path))


def load_state(path: Path) -> dict[str, Any]:
    """Read only the counters and facts of a checkpoint folder; errors as `load`."""
    try:
        require_sum(path / STATE)
        state = parsed(read_text(path / STATE))
        if not isinstance(state, dict):
            raise ValueError(f"{STATE} is not a JSON object")
        version, best = state["format"], state["best"]
        # The name may only refer to a checkpoint in the same folder.
        if not (best is None or (isinstance(best, str) and NAME.fullmatch(best))):
            raise ValueError(f"{STATE} names {best!r} as the best checkpoint")
    except _DAMAGE as error:
        raise UnreadableCheckpoint(path, error) from error
    if version != FORMAT_VERSION:
        raise RunError(
            f"{path}: checkpoint format {version!r}, but this version of mlx_muzero reads format "
            f"{FORMAT_VERSION}. Use the version that wrote it."
        )
    return state


def load_weights(path: Path) -> dict[str, mx.array]:
    """Read only the model's weights from a checkpoint folder; errors as `load`."""
    try:
        return _load_tensors(path / WEIGHTS)
    except _DAMAGE as error:
        raise UnreadableCheckpoint(path, error) from error


def weights_sha256(path: Path) -> str:
    """SHA-256 of the file of weights in a checkpoint folder.

    Raises:
        OSError: it cannot be read.
    """
    return sha256_of(path / WEIGHTS)


_DAMAGE = (OSError, EOFError, ValueError, KeyError, RuntimeError, zipfile.BadZipFile, MemoryError)


class UnreadableCheckpoint(RunError):
    """A file of a checkpoint is missing or damaged, or its digest does not match.

    Attributes:
        why: which file and how; the message also says how to resume without that checkpoint.
    """

    def __init__(self, path: Path, error: BaseException) -> None:
        self.why = f"{path}: cannot read this checkpoint ({error})."
        super().__init__(f"{self.why} {_way_on(path)}")


def _way_on(path: Path) -> str:
    """What to do without the checkpoint at `path`, which may be the best and not the latest."""
    names = CheckpointStore(path.parent).names()
    others = [name for name in names if name != path.name]
    if not others:
        return "The run has no other checkpoint: put that folder back from a copy."
    if path.name > others[-1]:
        return f"Remove that folder to resume from the checkpoint before it, {others[-1]}."
    return f"Remove that folder, and the latest checkpoint, {others[-1]}, counts as the best."


def _save_tensors(path: Path, tensors: dict[str, mx.array]) -> None:
    """Save through a Python file: MLX reports neither why nor where one of its writes failed."""
    with path.open("wb") as file:
        mx.save_safetensors(file, tensors)


def _load_arrays(path: Path) -> dict[str, np.ndarray]:
    """Load the arrays `np.savez` wrote, no larger than their file, without running any code."""
    require_sum(path)
    arrays = {}
    with zipfile.ZipFile(path) as archive:
        for member in archive.infolist():
            if member.compress_type != zipfile.ZIP_STORED:
                raise ValueError(f"{path.name} is compressed, which no checkpoint is")
            with archive.open(member) as file:
                try:
                    array = np.lib.format.read_array(file, allow_pickle=False)
                except (SyntaxError, TokenError, TypeError) as error:  # headers are Python literals
                    raise ValueError(f"{path.name}: {member.filename}: {error}") from error
            arrays[member.filename.removesuffix(".npy")] = array
    return arrays


def _load_tensors(path: Path) -> dict[str, mx.array]:
    require_sum(path)
    tensors = mx.load(str(path))
    assert isinstance(tensors, dict)
    for name, array in tensors.items():
        if array.dtype != mx.float32 and name != _COUNTER:
            kind = str(array.dtype).rpartition(".")[2]
            raise ValueError(
                f"{path.name} holds {name} as {kind}, but checkpoints are saved as float32: it was "
                "converted or quantized later, and would play otherwise than it was validated"
            )
    return tensors
