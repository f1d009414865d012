"""Core ML's side of a program, with coremltools' classes played by fakes."""

from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from mlx_muzero.coreml import device_program, toolkit
from mlx_muzero.coreml.manifest import ProgramEntry
from mlx_muzero.coreml.program import load_program
from mlx_muzero.errors import ExportError


def entry(function=None):
    return ProgramEntry("recurrent", 2, "p.mlpackage", function, {}, {}, {}, {})


def test_core_ml_is_refused_where_there_is_none():
    with pytest.raises(ExportError, match=r"p\.mlpackage: Core ML runs on macOS only"):
        load_program(Path("export"), entry(), "coreml", "CPU_AND_NE")


@pytest.mark.parametrize("function", [None, "recurrent_b2"])
def test_a_program_is_loaded_for_its_compute_units(monkeypatch, function):
    made = []

    class MLModel:
        """`coremltools.models.MLModel` as documented: all but the model by keyword."""

        def __init__(self, model, *, compute_units, function_name):
            made.append((model, compute_units, function_name))

        def predict(self, data):
            return {name: np.asarray(array, np.float64) * 2 for name, array in data.items()}

    fake = SimpleNamespace(
        ComputeUnit=toolkit.ct.ComputeUnit, models=SimpleNamespace(MLModel=MLModel)
    )
    monkeypatch.setattr(device_program, "sys", SimpleNamespace(platform="darwin"))
    monkeypatch.setattr(toolkit, "ct", fake)
    program = load_program(Path("export"), entry(function), "coreml", "CPU_AND_NE")
    assert made == [("export/p.mlpackage", toolkit.ct.ComputeUnit.CPU_AND_NE, function)]
    out = program({"x": np.ones((1, 2), np.float32)})
    assert out["x"].dtype == np.float32
    assert (out["x"] == 2).all()
