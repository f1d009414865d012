"""What an import costs, and which floor may use which."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
HEAVY = ("mlx.core", "duckdb", "textual", "coremltools", "mlx_muzero._core")


def loaded_by(code):
    """Which of `HEAVY` a fresh interpreter holds after `code`."""
    report = f"import json, sys; print(json.dumps([m for m in {HEAVY!r} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def command(arguments):
    return (
        f"import sys; sys.argv = ['mlx-muzero', *{arguments!r}]\n"
        "from muzero_cli.main import run\n"
        "try: run()\n"
        "except SystemExit as done: assert not done.code, done.code"
    )


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("import mlx_muzero") == []


@pytest.mark.parametrize(
    "arguments", [["--help"], *([verb, "--help"] for verb in ("train", "evaluate", "export"))]
)
def test_help_loads_nothing_heavy(arguments):
    assert loaded_by(command(arguments)) == []


def test_watching_a_run_loads_nothing_heavy():
    """So that the terminal application is there at once."""
    code = "import muzero_cli.main, muzero_tui.app, mlx_muzero.watch.run, mlx_muzero.control"
    report = "import sys; print([m for m in ('numpy', 'tomli_w', 'asyncio') if m in sys.modules])"
    assert loaded_by(code) == ["textual"]
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    assert "numpy" not in done.stdout


def test_training_loads_no_bar_store():
    """Only the command line joins the two."""
    assert "duckdb" not in loaded_by("import mlx_muzero.training.trainer")


def test_reading_an_export_needs_neither_mlx_nor_coremltools():
    """Nor does whoever runs its programs in a process of its own need MLX."""
    assert loaded_by("import mlx_muzero.coreml.program, mlx_muzero.coreml.manifest") == []
    assert loaded_by("import mlx_muzero.coreml.worker") == []
    assert loaded_by("import mlx_muzero.coreml.interpreter") == ["coremltools"]
    assert "coremltools" not in loaded_by("import mlx_muzero.training.trainer")


def test_every_import_goes_down():
    """The contracts in pyproject.toml."""
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
