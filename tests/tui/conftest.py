"""A paper session to look at."""

import pytest

from tui_pilots import made_session


@pytest.fixture
def session(tmp_path):
    """See `made_session`."""
    return made_session(tmp_path / "runs" / "paper")
