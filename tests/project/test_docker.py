"""The container's files fit the project, and where an engine answers, the demo runs in it."""

import fnmatch
import os
import shlex
import shutil
import signal
import subprocess
import time
import tomllib

import pytest
import yaml
from typer.main import get_command

from folders import ROOT
from muzero_cli.main import app

PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
SERVICE = ROOT / "scripts" / "training-service"


def instructions():
    """Each instruction of the Dockerfile: its name and the words after it."""
    text = (ROOT / "Dockerfile").read_text().replace("\\\n", " ")
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return [(name, shlex.split(rest)) for name, _, rest in (line.partition(" ") for line in lines)]


@pytest.fixture(scope="module")
def copied():
    """What the Dockerfile copies from this tree."""
    return [word for name, words in instructions() if name == "COPY" for word in words[:-1]]


@pytest.fixture(scope="module")
def training():
    return yaml.safe_load((ROOT / "compose.yaml").read_text())["services"]["training"]


def test_all_that_is_copied_is_there_and_reaches_the_builder(copied):
    allowed = [
        line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line[:1] == "!"
    ]
    for path in copied:
        assert (ROOT / path).exists(), path
        assert path in allowed
    assert sorted(allowed) == sorted(copied)


def test_all_that_a_build_needs_is_copied(copied):
    packages = PROJECT["tool"]["scikit-build"]["wheel"]["packages"]
    needed = [*packages, "pyproject.toml", "CMakeLists.txt", "cpp", PROJECT["project"]["readme"]]
    for path in [*needed, *PROJECT["project"]["license-files"]]:
        assert any(fnmatch.fnmatch(path, f"{top}*") for top in copied), path


def test_it_runs_a_python_there_is_support_for():
    ((name, (image,)), *_) = instructions()
    assert (name, image) == ("FROM", "python:3.11-slim")
    assert PROJECT["project"]["requires-python"].startswith(">=3.11,")


def test_the_service_is_the_specifications(training):
    assert training["mem_limit"] == "8g"
    assert training["mem_reservation"] == "4g"
    assert training["cpus"] == 4.0
    assert training["restart"] == "unless-stopped"
    assert training["volumes"] == ["./data:/workspace/data", "./runs:/workspace/runs"]
    assert "PYTHONUNBUFFERED=1" in dict(instructions())["ENV"]
    assert "ports" not in training, "nothing listens"


def test_the_service_calls_what_there_is(training, copied):
    script, *options = training["command"].split()
    assert script in copied
    known = {name for option in get_command(app).commands["train"].params for name in option.opts}
    assert {option for option in options if option.startswith("--")} <= known
    assert "--auto-resume" in SERVICE.read_text()
    assert "--auto-resume" in known
    assert dict(word.split("=") for word in dict(instructions())["ENV"])["MLX_MUZERO"]


def service(tmp_path, command):
    """The service, with a shell script in the place of the command."""
    fake = tmp_path / "mlx-muzero"
    fake.write_text(f"#!/bin/sh\n{command}\n")
    fake.chmod(0o755)
    return subprocess.Popen(
        [SERVICE, "--run", "runs/a b"],
        env=os.environ | {"MLX_MUZERO": str(fake)},
        cwd=tmp_path,
        text=True,
        stderr=subprocess.PIPE,
    )


def until(condition):
    deadline = time.monotonic() + 30.0
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.01)


def test_a_training_that_fails_ends_the_service_with_its_code(tmp_path):
    process = service(tmp_path, 'printf "%s\\n" "$@" >given; exit 5')
    assert process.wait(30) == 5
    given = (tmp_path / "given").read_text().splitlines()
    assert given == ["train", "--run", "runs/a b", "--auto-resume"]


def test_a_training_that_is_done_rests_until_it_is_stopped(tmp_path):
    process = service(tmp_path, "exit 0")
    assert "rests until it is stopped" in process.stderr.readline()
    with pytest.raises(subprocess.TimeoutExpired):
        process.wait(0.2)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 0


def test_a_stop_waits_for_the_checkpoint(tmp_path):
    save = 'trap "sleep 0.2; touch saved; exit 130" TERM; touch begun; while :; do sleep 0.05; done'
    process = service(tmp_path, save)
    until((tmp_path / "begun").exists)
    process.send_signal(signal.SIGTERM)
    assert process.wait(30) == 130
    assert (tmp_path / "saved").exists()


def engine():
    """Why no container can be run here; None where one can."""
    docker = shutil.which("docker")
    if docker is None:
        return "no docker on the path"
    for words in (["info"], ["compose", "version"]):
        asked = subprocess.run([docker, *words], capture_output=True, text=True, check=False)
        if asked.returncode:
            return f"docker {words[0]} says: {(asked.stderr or asked.stdout).strip()}"
    return None


@pytest.mark.slow
def test_the_demo_runs_in_the_container(tmp_path):
    reason = engine()
    if reason is not None:
        pytest.skip(reason)
    for name in ("data", "runs"):
        (tmp_path / name).mkdir()
    compose = [
        "docker",
        "compose",
        "--file",
        ROOT / "compose.yaml",
        "--project-name",
        "muzero-test",
    ]
    variables = os.environ | {"SYMBOL": "PLANTED_EDGE"}
    subprocess.run([*compose, "build"], env=variables, check=True)
    mounts = [f"--volume={tmp_path / name}:/workspace/{name}" for name in ("data", "runs")]
    subprocess.run(
        [*compose, "run", "--rm", *mounts, "training", "scripts/demo", "0.5"],
        env=variables,
        check=True,
    )
    assert (tmp_path / "runs" / "demo" / "config.toml").exists()
