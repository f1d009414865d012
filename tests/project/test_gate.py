"""The gate of the project ends as its parts do, with programs that only say that they ran."""

import os
import re
import select
import subprocess

import pytest

from examples import cases
from folders import ROOT

GATE = (ROOT / ".ci" / "run").read_text()
PROGRAMS = sorted(
    set(re.findall(r"\.venv/bin/[\w-]+|(?<!python )scripts/(?!environment)[\w-]+", GATE))
)
ONLY_LINUX = {"scripts/arm64", "scripts/macos-wheel", "scripts/sanitize", "scripts/test-cblas"}
SAYS = """\
#!/bin/sh
echo "$0 speaks"
[ "${0##*/}" != "${FAILS##*/}" ] || exit "$CODE"
"""
PATIENCE_S = 60


@pytest.fixture
def project(tmp_path):
    """A folder with the gate, and in place of each program that it calls one that says so."""
    for name in ("cpp", "scripts", ".venv/bin", ".ci", "system"):
        (tmp_path / name).mkdir(parents=True)
    (tmp_path / ".ci" / "run").write_text(GATE)
    (tmp_path / "cpp" / "one.cc").touch()
    (tmp_path / "scripts" / "environment.sh").write_text('cd "$(dirname "${BASH_SOURCE[0]}")/.."\n')
    for program in PROGRAMS:
        written(tmp_path / program, SAYS)
    written(tmp_path / "system" / "uname", '#!/bin/sh\necho "$SYSTEM"\n')
    return tmp_path


def written(path, text):
    path.write_text(text)
    path.chmod(0o755)


def run_gate(project, fails="", code=1, system="Linux", **others):
    """Exit code and output of the gate where one of its programs `fails` with `code`."""
    path = f"{project / 'system'}{os.pathsep}{os.environ['PATH']}"
    told = {"PATH": path, "SYSTEM": system, "FAILS": fails, "CODE": str(code)}
    done = subprocess.run(
        ["bash", project / ".ci" / "run"], stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True, env=os.environ | told, timeout=PATIENCE_S, check=False, **others,
    )  # fmt: skip
    return done.returncode, done.stdout


@pytest.mark.parametrize("system", ["Linux", "Darwin"])
def test_every_part_runs_and_is_timed(project, system):
    code, out = run_gate(project, system=system)
    assert code == 0, out
    called = {line.split()[0] for line in out.splitlines() if line.endswith(" speaks")}
    assert called == set(PROGRAMS) - (ONLY_LINUX if system != "Linux" else set())
    timed = [line for line in out.splitlines() if re.fullmatch(r"== .+ \(\d+ s\)", line)]
    assert len(timed) == out.count(" speaks")


@pytest.mark.parametrize("program", cases(5, PROGRAMS))
def test_whatever_fails_is_the_end_and_the_last_that_is_shown(project, program):
    code, out = run_gate(project, fails=program)
    assert code != 0
    says, timed = out.splitlines()[-2:]
    assert says == f"{program} speaks"
    assert re.fullmatch(r"== .+ \(\d+ s\), exit code \d+", timed)


@pytest.mark.parametrize("program", ["scripts/arm64", "scripts/macos-wheel"])
def test_what_a_machine_cannot_run_fails_nothing(project, program):
    code, out = run_gate(project, fails=program, code=3)
    assert code == 0
    assert out.count(", exit code 3") == 1


def test_a_failure_ends_what_runs_beside(project):
    written(project / "scripts" / "arm64", "#!/bin/sh\nsleep 600\n")
    ends, held = os.pipe()
    code, _ = run_gate(project, fails="scripts/docs", pass_fds=[held])
    os.close(held)
    assert code == 1
    # Whoever still runs holds the other end.
    assert select.select([ends], [], [], PATIENCE_S)[0]
    os.close(ends)
