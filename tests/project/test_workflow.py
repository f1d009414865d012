"""The workflows can be read, call what there is, and their check of Core ML runs here."""

import os
import re
import runpy
import sys
import tomllib

import pytest
import yaml
from typer.main import get_command

from folders import ROOT
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE, compute_units
from mlx_muzero.exports.interpreter import Interpreter
from muzero_cli.main import app
from subjects import small_subject

WORKFLOWS = {path.stem: path for path in (ROOT / ".github" / "workflows").glob("*.yml")}
CHECK = ROOT / "scripts" / "coreml_check.py"
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


def read(name):
    return yaml.safe_load(WORKFLOWS[name].read_text())


@pytest.fixture(scope="module")
def workflow():
    return read("ci")


@pytest.fixture(scope="module")
def jobs(workflow):
    return workflow["jobs"]


def all_jobs():
    """Every job of every workflow that has steps of its own."""
    return [job for name in WORKFLOWS for job in read(name)["jobs"].values() if "steps" in job]


def steps():
    return [step for job in all_jobs() for step in job["steps"]]


def test_it_runs_on_linux_and_on_both_macs(workflow, jobs):
    assert workflow[True].keys() == {"push", "pull_request", "workflow_dispatch"}  # "on" is a bool
    assert jobs["linux"]["runs-on"].startswith("ubuntu-")
    assert jobs["macos"]["strategy"]["matrix"]["os"] == ["macos-15", "macos-26"]
    assert all(job["timeout-minutes"] <= 60 for job in all_jobs())


def test_checks_can_publish_nothing_and_no_workflow_knows_a_secret(workflow):
    assert all(read(name)["permissions"] == {"contents": "read"} for name in WORKFLOWS)
    assert all("secrets." not in file.read_text() for file in WORKFLOWS.values())
    assert not any("permissions" in job for job in workflow["jobs"].values())
    assert "publish" not in str(workflow["jobs"])


def test_a_release_is_drafted_of_a_tag_and_its_site_published_with_it():
    release = read("release")
    assert release[True]["push"] == {"tags": ["v*"]}
    jobs = release["jobs"]
    writing = {name for name, job in jobs.items() if "write" in job.get("permissions", {}).values()}
    assert writing == {"draft", "site"}
    assert jobs["draft"]["if"] == "github.ref_type == 'tag' && github.event_name == 'push'"
    assert jobs["draft"]["needs"] == ["check", "wheels"]
    assert "--draft --verify-tag" in jobs["draft"]["steps"][-1]["run"]
    assert jobs["site"]["if"] == "github.event_name == 'release'"
    assert release[True]["release"] == {"types": ["published"]}


def test_what_they_call_exists():
    called = [step["run"] for step in steps() if "run" in step]
    scripts = {
        name
        for command in called
        for name in re.findall(r"(?:bash|python) ((?:\.ci|scripts)/\S+)", command)
    }
    assert scripts == {
        ".ci/run",
        "scripts/coreml_check.py",
        "scripts/docs",
        "scripts/oldest_duckdb",
        "scripts/release.py",
    }
    assert all((ROOT / name).is_file() for name in scripts)
    verbs = {verb for command in called for verb in re.findall(r"mlx-muzero (\w+)", command)}
    assert verbs == {"doctor"}
    assert verbs <= get_command(app).commands.keys()
    called = {
        job["uses"] for name in WORKFLOWS for job in read(name)["jobs"].values() if "uses" in job
    }
    assert called == {"./.github/workflows/wheels.yml"}


def test_every_job_takes_the_source_first_and_names_versions():
    for job in all_jobs():
        assert job["steps"][0]["uses"].startswith("actions/checkout@")
    for step in steps():
        assert ("run" in step) != ("uses" in step)
        assert re.search(r"@v\d", step.get("uses", "@v0"))
        assert "${{ github." not in step.get("run", ""), "names reach a shell by its environment"


def test_hosted_macs_compute_on_the_cpu_only(jobs, monkeypatch):
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, jobs["macos"]["env"][COMPUTE_UNITS_VARIABLE])
    assert compute_units("coreml") == "CPU_ONLY"


def test_both_systems_run_the_gate_and_the_check_of_core_ml(jobs):
    for system in ("linux", "macos"):
        called = [step.get("run", "") for step in jobs[system]["steps"]]
        assert "bash .ci/run" in called
        assert ".venv/bin/python scripts/coreml_check.py" in called
    assert os.access(ROOT / ".ci" / "run", os.X_OK)


def named_tests(script):
    """The paths below tests/ that a shell script names, braces expanded."""
    named = re.findall(r"tests/[^\s\\]+", script)
    return [
        before + name + after
        for word in named
        for before, names, after in re.findall(r"([^{]+)\{?([^}]*)\}?(.*)", word)
        for name in names.split(",")
    ]


def test_the_sanitizers_run_tests_that_exist():
    paths = named_tests((ROOT / "scripts" / "sanitize").read_text())
    assert len(paths) == 10
    assert all((ROOT / path).exists() for path in paths)


def test_stores_are_tested_with_the_oldest_duckdb_that_is_allowed(jobs):
    script = (ROOT / "scripts" / "oldest_duckdb").read_text()
    pattern = re.search(r"sed -nE 's/(.+)/\\1/p'", script)[1]
    (bound,) = re.findall(pattern, (ROOT / "pyproject.toml").read_text(), re.MULTILINE)
    assert f"duckdb>={bound},<3" in PROJECT["project"]["dependencies"]
    paths = named_tests(script)
    assert "tests/market/store" in paths
    assert "tests/cli/test_data.py" in paths
    assert all((ROOT / path).exists() for path in paths)
    assert any("oldest_duckdb" in step.get("run", "") for step in jobs["linux"]["steps"])


def test_wheels_are_of_every_python_there_is_support_for():
    settings = PROJECT["tool"]["cibuildwheel"]
    assert settings["build"] == ["cp311-*", "cp312-*"]
    assert PROJECT["project"]["requires-python"] == ">=3.11,<3.14"
    assert settings["macos"]["archs"] == ["arm64"]
    oldest = settings["macos"]["environment"]["MACOSX_DEPLOYMENT_TARGET"]
    assert f'CMAKE_OSX_DEPLOYMENT_TARGET "{oldest}"' in (ROOT / "CMakeLists.txt").read_text()
    systems = read("wheels")["jobs"]["wheels"]["strategy"]["matrix"]["os"]
    assert [name.partition("-")[0] for name in systems] == ["ubuntu", "ubuntu", "macos"]


@pytest.fixture
def check(monkeypatch):
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_ONLY")
    return runpy.run_path(str(CHECK), run_name="check")["check"]


@pytest.mark.slow
def test_the_check_compares_saved_programs_with_mlx(check, small_config, tmp_path, capsys):
    check(small_subject(small_config), tmp_path / "export")
    out = capsys.readouterr().out
    assert "interpreter within bounds" in out
    assert "recurrent next_latent:" in out
    if sys.platform == "darwin":
        assert "Core ML CPU_ONLY within bounds" in out
    assert re.search(r"in its child process: \d+ of 16 decisions are those of mlx", out)


@pytest.mark.slow
def test_the_check_fails_when_they_are_not_the_model(check, small_config, tmp_path, monkeypatch):
    right = Interpreter.__call__

    def wrong(self, inputs):
        return {name: array + 1.0 for name, array in right(self, inputs).items()}

    monkeypatch.setattr(Interpreter, "__call__", wrong)
    with pytest.raises(ExportError, match="differs from the model"):
        check(small_subject(small_config), tmp_path / "export")


def test_issue_forms_ask_by_name():
    forms = list((ROOT / ".github" / "ISSUE_TEMPLATE").glob("*.yml"))
    read = {path.stem: yaml.safe_load(path.read_text()) for path in forms}
    assert read.pop("config")["blank_issues_enabled"] is True
    assert read.keys() == {"bug", "feature", "mac"}
    for form in read.values():
        assert form["name"]
        assert form["description"]
        fields = [field["id"] for field in form["body"]]
        assert len(fields) == len(set(fields)) > 0
