"""A small model to profile, and its exports."""

import pytest

from exports import run_config, trading_model
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.subject import Subject


@pytest.fixture(scope="session")
def subject():
    model = trading_model()
    return Subject("a small one", run_config(model), model, {})


@pytest.fixture(scope="session")
def exported(subject, tmp_path_factory):
    """Makes an export of the model; each one is made once for all tests."""
    return Lab(subject, tmp_path_factory.mktemp("exports"), None).exported
