"""What an import costs, and which floor may use which."""

import json
import re
import subprocess
import sys

import pytest
from typer.main import get_command

from folders import ROOT
from muzero_cli.main import app
from muzero_cli.verb_table import VERBS
from muzero_tui.widgets.banner import SCREENS

HEAVY = (
    "mlx.core", "duckdb", "textual", "coremltools", "mlx_muzero._core", "numpy", "scipy", "ccxt",
    "coreai", "httpx", "aiohttp", "matplotlib", "pydantic",
)  # fmt: skip


def loaded_by(code, modules=HEAVY):
    """Which of `modules` a fresh interpreter holds after `code`."""
    report = f"import json, sys; print(json.dumps([m for m in {modules!r} if m in sys.modules]))"
    done = subprocess.run(
        [sys.executable, "-c", f"{code}\n{report}"], capture_output=True, text=True, check=True
    )
    return json.loads(done.stdout.splitlines()[-1])


def test_no_child_process_imports_from_the_working_folder():
    # Which may be a clone's, where the packages have no compiled core.
    found = [
        option
        for folder in ("mlx_muzero", "apps")
        for source in (ROOT / folder).rglob("*.py")
        for option in re.findall(r'sys\.executable,\s+"(-[^"]+)"', source.read_text())
    ]
    assert set(found) == {"-P"}


def command(arguments):
    return (
        f"import sys; sys.argv = ['mlx-muzero', *{arguments!r}]\n"
        "from muzero_cli.main import run\n"
        "try: run()\n"
        "except SystemExit as done: assert not done.code, done.code"
    )


def test_importing_the_library_loads_nothing_heavy():
    assert loaded_by("import mlx_muzero") == []


@pytest.mark.parametrize("verb", ["train", "evaluate", "export"])
def test_help_loads_nothing_heavy(verb):
    assert loaded_by(command([verb, "--help"]), (*HEAVY, "rich")) == []


def modules_of(verbs):
    return tuple(VERBS[verb].target.partition(":")[0] for verb in verbs)


def test_the_list_of_the_verbs_loads_none():
    assert loaded_by(command(["--help"]), (*HEAVY, "rich", *modules_of(VERBS))) == []


def test_a_verb_loads_no_other():
    others = modules_of(VERBS.keys() - {"tui"})
    assert loaded_by(command(["tui", "--help"]), others) == []


@pytest.mark.parametrize("width", [40, 80, 400])
def test_a_verb_is_listed_with_what_its_own_help_begins_with(width):
    verbs = get_command(app)
    for name in VERBS:
        listed = verbs.get_command(None, name).get_short_help_str(width)
        assert listed == verbs.commands[name].get_short_help_str(width), name


def test_completing_a_verb_loads_none():
    asked = {
        "_MLX_MUZERO_COMPLETE": "complete_bash",
        "COMP_WORDS": "mlx-muzero pa",
        "COMP_CWORD": "1",
    }
    code = f"import os; os.environ.update({asked!r})\n{command([])}"
    assert loaded_by(code, (*HEAVY, "rich", *modules_of(VERBS))) == []


def test_watching_a_run_loads_nothing_heavy():
    """So that the terminal application is there at once; nor does any screen of it later."""
    begin = "import muzero_cli.verbs.tui; muzero_cli.verbs.tui.application()\n"
    screens = tuple(f"muzero_tui.screens.{name}" for name in SCREENS)
    later = ("importlib.metadata", "textual_image", "mlx_muzero.watch.paper_state")
    assert loaded_by(begin, (*HEAVY, *screens, *later)) == ["textual"]
    every = (
        "import pkgutil, importlib, muzero_tui\n"
        "for found in pkgutil.walk_packages(muzero_tui.__path__, 'muzero_tui.'):\n"
        "    importlib.import_module(found.name)\n"
        "import muzero_cli.verbs.status, mlx_muzero.watch.run, mlx_muzero.runlog.control"
    )
    assert loaded_by(begin + every, (*HEAVY, *screens)) == ["textual", *screens]


def test_the_status_of_a_run_needs_no_configuration(tmp_path):
    """Its sections take longer to be made than the rest of the command."""
    (tmp_path / "config.toml").touch()
    begin = command(["status", str(tmp_path)])
    assert loaded_by(begin, (*HEAVY, "rich", "mlx_muzero.config.schema")) == []


def test_training_loads_neither_bar_store_nor_exporter_nor_event_loop():
    """Only the command line joins them."""
    neither = ("duckdb", "coremltools", "asyncio")
    assert loaded_by("import mlx_muzero.training.trainer", neither) == []


@pytest.mark.slow
def test_reading_an_export_needs_neither_mlx_nor_coremltools():
    """Nor does whoever runs its programs in a process of its own need MLX."""
    neither = ("mlx.core", "coremltools", "duckdb", "mlx_muzero._core")
    assert loaded_by("import mlx_muzero.exports.worker", neither) == []
    assert loaded_by("import mlx_muzero.coreml.interpreting", neither) == ["coremltools"]
    for module in ("coreai.loading", "coreai.format", "coreml.format"):
        assert loaded_by(f"import mlx_muzero.{module}", (*neither, "coreai")) == [], module


def test_every_import_goes_down():
    """The contracts in pyproject.toml."""
    pytest.importorskip("importlinter")
    code = "from importlinter.cli import lint_imports; raise SystemExit(lint_imports())"
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
