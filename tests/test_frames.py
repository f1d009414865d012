"""Data frames of whichever library is installed."""

import numpy as np
import pytest

from mlx_muzero import frames
from mlx_muzero.errors import MuZeroError
from mlx_muzero.frames import frame_of, frame_of_rows


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_columns_become_a_frame(library):
    pytest.importorskip(library)
    frame = frame_of_rows("policy", {"flat": {"net": 0.0}, "agent": {"net": 1.5}}, library)
    assert list(frame.columns) == ["policy", "net"]
    assert frame["policy"].to_list() == ["flat", "agent"]
    times = np.array([0, 60_000_000_000]).astype("datetime64[ns]")
    assert frame_of({"open_utc": times, "close": np.ones(2)}, library).shape == (2, 2)


@pytest.mark.parametrize(
    ("installed", "asked", "said"),
    [
        ((), None, "pandas or polars, not installed: pip install pandas"),
        (("pandas",), "polars", "needs polars, not installed: pip install polars"),
    ],
)
def test_what_is_missing_is_named(monkeypatch, installed, asked, said):
    monkeypatch.setattr(frames, "find_spec", lambda name: name in installed or None)
    with pytest.raises(MuZeroError, match=said):
        frame_of({"a": [1]}, asked)


def test_pandas_goes_first(monkeypatch):
    asked = []
    monkeypatch.setattr(frames, "find_spec", lambda name: name)
    monkeypatch.setattr(frames, "import_module", lambda name: asked.append(name) or np)
    monkeypatch.setattr(np, "DataFrame", dict, raising=False)
    assert frame_of({"a": [1]}) == {"a": [1]}
    assert asked == ["pandas"]
