"""A lock that the system refuses is named."""

import resource
from contextlib import contextmanager

import pytest

from mlx_muzero.runlog.lock import locked


@contextmanager
def no_room():
    """Nothing can be written to any file meanwhile."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_lock_that_cannot_be_written_is_named(tmp_path):
    path = tmp_path / "lock"
    with no_room(), pytest.raises(OSError, match="too large") as refused, locked(path):
        pass
    assert refused.value.filename == str(path)
