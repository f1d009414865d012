"""Core AI: skipped with a word where its package is missing, and one asset for most tests."""

import pytest

from exports import passed, run_config, trading_model
from mlx_muzero.exports.export import export
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.weights import weights_of

BATCHES = (1, 6)


def pytest_collection_modifyitems(items):
    missing = why_not_installed("coreai")
    for item in items if missing else ():
        if item.path.parent.name == "coreai":
            item.add_marker(pytest.mark.skip(reason=missing))


def exported_to(folder, model, **options):
    """An export of `model`, whose verification looks at nothing."""
    how = ExportOptions(**{"batches": BATCHES} | options)
    config = run_config(model)
    export(weights_of(model), config, "made", folder, passed, how, export_format="coreai")
    return folder


@pytest.fixture(scope="session")
def model():
    return trading_model()


@pytest.fixture(scope="session")
def exported(model, tmp_path_factory):
    """The folder of an export, made once."""
    return exported_to(tmp_path_factory.mktemp("core-ai") / "export", model)
