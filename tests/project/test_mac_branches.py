"""Every branch that only a Mac takes runs here, on a machine that passes for one.

Found by reading the sources: a new one fails until `CALLS` says how to get there, and the call has
to reach it, which is seen by tracing.
"""

import ast
import dataclasses
import resource
import runpy
import shutil
import sys
from collections.abc import Iterator
from itertools import zip_longest
from pathlib import Path
from types import SimpleNamespace

import pytest

from fake_mac import become_a_mac
from folders import ROOT
from mlx_muzero import blas, machine, numerics
from mlx_muzero.alerts import channels
from mlx_muzero.before_mlx import load_blas_before_mlx
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.coreai import format as core_ai
from mlx_muzero.coreml import device_program, plans, toolkit
from mlx_muzero.coreml import format as core_ml
from mlx_muzero.exports import compiled_cache
from mlx_muzero.profiling import doctor, energy, mac_machine_checks, profile
from mlx_muzero.runlog import folders
from mlx_muzero.watchdog.service import Watch, service_of
from model_exports import export_model
from subjects import small_subject

MARKS = {"sys.platform", "platform.mac_ver", "F_FULLFSYNC", "RUSAGE_THREAD"}
MARKS |= {"macmon", "powermetrics"}
"""What Python asks to tell a Mac from another machine, or a Mac of another."""
WORDS = {mark.rpartition(".")[2] for mark in MARKS}
"""One of these is in every file that has a mark, so that the others need not be parsed."""


@dataclasses.dataclass(frozen=True)
class Branch:
    """A place that asks, and what runs on a Mac: the question's line, and the one it leads to."""

    file: str
    function: str
    lines: tuple[int, ...]

    @property
    def place(self) -> str:
        return f"{self.file}:{self.function}"


def mark_of(node: ast.AST) -> bool:
    if isinstance(node, ast.Attribute):
        return ast.unparse(node) in MARKS or node.attr in MARKS
    if isinstance(node, ast.Call):  # shutil.which("macmon"), hasattr(fcntl, "F_FULLFSYNC")
        return any(isinstance(arg, ast.Constant) and arg.value in MARKS for arg in node.args)
    return False


def taken_on_a_mac(statement: ast.stmt, following: ast.stmt | None) -> int | None:
    """The first line after `statement` that a Mac runs; None if all machines go on alike."""
    if not isinstance(statement, ast.If):
        return None
    denied = isinstance(statement.test, ast.UnaryOp) and isinstance(statement.test.op, ast.Not)
    compared = [n for n in ast.walk(statement.test) if isinstance(n, ast.Compare)]
    asked = [n for n in compared if ast.unparse(n.left) == "sys.platform"]
    if not asked and not any(map(mark_of, ast.walk(statement.test))):
        return None
    holds = not denied
    if asked:
        (operator,), (system,) = asked[0].ops, asked[0].comparators
        holds = isinstance(operator, ast.Eq) == (ast.unparse(system) == "'darwin'")
    if holds:
        return statement.body[0].lineno
    rest = statement.orelse[0] if statement.orelse else following
    return rest.lineno if rest else None


def branches_of(file: str, source: str) -> Iterator[Branch]:
    def visit(node: ast.AST, names: tuple[str, ...]) -> Iterator[Branch]:
        if isinstance(node, ast.FunctionDef | ast.ClassDef):
            names = (*names, node.name)
        for body in ("body", "orelse", "finalbody", "handlers"):
            inner = getattr(node, body, None)
            if not isinstance(inner, list):
                continue
            for statement, following in zip_longest(inner, inner[1:]):
                yield from visit(statement, names)
                own = [
                    part
                    for name, field in ast.iter_fields(statement)
                    if name not in ("body", "orelse", "finalbody", "handlers")
                    for part in (field if isinstance(field, list) else [field])
                    if isinstance(part, ast.AST)
                ]
                marked = [n for part in own for n in ast.walk(part) if mark_of(n)]
                if marked:
                    then = taken_on_a_mac(statement, following)
                    lines = {marked[0].lineno, *([then] if then else [])}
                    yield Branch(file, ".".join(names) or "<module>", tuple(sorted(lines)))

    yield from visit(ast.parse(source), ())


BRANCHES = [
    branch
    for package in ("mlx_muzero", "apps")
    for path in sorted((ROOT / package).rglob("*.py"))
    if any(word in (source := path.read_text()) for word in WORDS)
    for branch in branches_of(str(path.relative_to(ROOT)), source)
]


@dataclasses.dataclass
class Mac:
    """What a call may use: a model's sizes, an empty folder, and patches that end with the test."""

    config: object
    folder: Path
    patch: pytest.MonkeyPatch

    def exported(self):
        """A model with an export that no Core ML has to run."""
        subject = small_subject(self.config, self.folder / "export")
        export_model(self.folder / "export", self.config, subject.model)
        return subject

    def probing(self, **found):
        self.patch.setattr(doctor, "_probe", lambda code: doctor._Probe(found))


def notes(mac):
    profile._notes(mac.exported(), [])


def flush(mac):
    (mac.folder / "file").touch()
    folders.flush(mac.folder / "file")


def compile_nothing(package, destination):
    destination.mkdir()


def compiled(mac):
    compiled_cache.load_compiled(mac.folder, "abc", compile_nothing, str, mac.folder / "cache")


def with_tools(mac):
    """A coremltools that compiles into empty folders, and loads them."""
    models = SimpleNamespace(
        CompiledMLModel=lambda *arguments: None,
        utils=SimpleNamespace(compile_model=lambda model, to: Path(to).mkdir()),
        compute_plan=SimpleNamespace(
            MLComputePlan=SimpleNamespace(
                load_from_path=lambda path, compute_units: SimpleNamespace(
                    model_structure=SimpleNamespace(program=SimpleNamespace(functions={}))
                )
            )
        ),
    )
    tools = SimpleNamespace(models=models, ComputeUnit={"CPU_ONLY": 1})
    mac.patch.setattr(toolkit, "ct", tools)


def device(mac):
    with_tools(mac)
    device_program.DeviceProgram(mac.folder / "a.mlpackage", None, "abc", "CPU_ONLY")


def plan(mac):
    with_tools(mac)
    mac.exported()
    plans.plan_export(str(mac.folder / "export"), "CPU_ONLY")


def without_compiler(mac):
    mac.patch.setattr(shutil, "which", lambda name: None)
    doctor.check_compiler()


def sampler(mac, tool):
    mac.patch.setattr(shutil, "which", lambda name: name if name == tool else None)
    mac.patch.setattr(energy.os, "geteuid", lambda: 0)
    assert energy.find_sampler().command[0] == tool


def of_an_m5(mac):
    mac.patch.setattr(doctor, "processor", lambda: "Apple M5")
    assert "not 15.1" in doctor._unused_accelerators()


def samplers(mac):
    sampler(mac, "macmon")
    sampler(mac, "powermetrics")


def preload(mac):
    mac.patch.setattr(blas, "_info", None)
    assert blas.preload().name == "Accelerate"


def before_mlx(mac):
    finders = list(sys.meta_path)
    mac.patch.setattr(sys, "meta_path", list(finders))
    mac.patch.delitem(sys.modules, "mlx.core", raising=False)
    load_blas_before_mlx()
    assert sys.meta_path[1:] == finders


def waits(mac):
    mac.patch.delattr(resource, "RUSAGE_THREAD")
    runpy.run_path(str(ROOT / "mlx_muzero" / "files" / "disk_waits.py"))


def notification(mac):
    script = mac.folder / "osascript"
    script.touch(mode=0o755)
    channels.channels_of(AlertSettings(to=("macos",)), {"PATH": str(mac.folder)})


CALLS = {
    "mlx_muzero/alerts/channels.py:_notification": notification,
    "mlx_muzero/before_mlx.py:load_blas_before_mlx": before_mlx,
    "mlx_muzero/blas.py:has_sme": lambda mac: blas.has_sme(),
    "mlx_muzero/blas.py:preload": preload,
    "mlx_muzero/coreai/format.py:has_devices": lambda mac: core_ai.has_devices(),
    "mlx_muzero/coreml/device_program.py:DeviceProgram.__init__": device,
    "mlx_muzero/coreml/format.py:CoreMl.units_here": lambda mac: core_ml.FORMAT.units_here(),
    "mlx_muzero/coreml/plans.py:plan_export": plan,
    "mlx_muzero/exports/compiled_cache.py:load_compiled": compiled,
    "mlx_muzero/files/disk_waits.py:<module>": waits,
    "mlx_muzero/machine.py:cache_folder": lambda mac: machine.cache_folder(),
    "mlx_muzero/machine.py:core_kinds": lambda mac: machine.core_kinds(),
    "mlx_muzero/machine.py:data_folder": lambda mac: machine.data_folder(),
    "mlx_muzero/machine.py:peak_memory_mb": lambda mac: machine.peak_memory_mb(),
    "mlx_muzero/machine.py:performance_cores": lambda mac: machine.performance_cores(),
    "mlx_muzero/machine.py:processor": lambda mac: machine.processor(),
    "mlx_muzero/numerics.py:_system": lambda mac: numerics._system(),
    "mlx_muzero/watchdog/service.py:service_of": lambda mac: service_of(
        Watch(mac.folder / "p", ("/bin/a",), mac.folder)
    ),
    "mlx_muzero/profiling/doctor.py:check_blas": lambda mac: (
        mac.probing(name="Accelerate", gflops=900.0, reason=""),
        doctor.check_blas(),
    ),
    "mlx_muzero/profiling/doctor.py:check_compiler": without_compiler,
    "mlx_muzero/profiling/doctor.py:check_coremltools": lambda mac: doctor.check_coremltools(),
    "mlx_muzero/profiling/doctor.py:check_mlx": lambda mac: (
        mac.probing(version="0.32.4", device="Device(cpu, 0)", metal=False),
        doctor.check_mlx(),
    ),
    "mlx_muzero/profiling/doctor.py:_unused_accelerators": of_an_m5,
    "mlx_muzero/profiling/doctor.py:check_neural_engine": lambda mac: doctor.check_neural_engine(),
    "mlx_muzero/profiling/energy.py:find_sampler": samplers,
    "mlx_muzero/profiling/macmon.py:command": samplers,
    "mlx_muzero/profiling/mac_machine_checks.py:full_flush": lambda mac: (
        mac_machine_checks.full_flush(None)
    ),
    "mlx_muzero/profiling/profile.py:_notes": notes,
    "mlx_muzero/runlog/folders.py:flush": flush,
}
"""How a Mac gets to each place."""


def lines_run(call, file):
    """The lines of `file` that `call` runs as a Mac does."""
    seen = set()

    def trace(frame, event, argument):
        if frame.f_code.co_filename != file:
            return None
        if event == "line" and sys.platform == "darwin":
            seen.add(frame.f_lineno)
        return trace

    before = sys.gettrace()
    sys.settrace(trace)
    try:
        call()
    finally:
        sys.settrace(before)
    return seen


def test_every_place_is_called_and_every_call_has_its_place():
    assert {branch.place for branch in BRANCHES} == set(CALLS), (
        "add how a Mac gets there to CALLS of tests/project/test_mac_branches.py"
    )


@pytest.mark.parametrize("place", CALLS)
def test_what_a_mac_does_there_runs(place, small_config, tmp_path, monkeypatch):
    become_a_mac(monkeypatch, tmp_path)
    mac = Mac(small_config, tmp_path, monkeypatch)
    run = lines_run(lambda: CALLS[place](mac), str(ROOT / place.partition(":")[0]))
    wanted = {line for branch in BRANCHES if branch.place == place for line in branch.lines}
    assert wanted <= run, f"{place}: a Mac would run lines {sorted(wanted - run)}"


@pytest.mark.parametrize(
    ("source", "lines"),
    [
        ("if sys.platform == 'darwin':\n    a()\nb()", (1, 2)),
        ("if sys.platform != 'darwin':\n    a()\nelse:\n    b()", (1, 4)),
        ("if x and sys.platform != 'darwin':\n    a()\nb()", (1, 3)),
        ("if sys.platform == 'linux':\n    a()\nb()", (1, 3)),
        ("if shutil.which('macmon'):\n    a()\nb()", (1, 2)),
        ("if not hasattr(fcntl, 'F_FULLFSYNC'):\n    a()\nb()", (1, 3)),
        ("a = 1 if sys.platform == 'darwin' else 2", (1,)),
        ("def f():\n    return platform.mac_ver()[0]", (2,)),
        ("for a in b:\n    if sys.platform == 'darwin':\n        c()", (2, 3)),
    ],
)
def test_branches_are_found(source, lines):
    (branch,) = branches_of("a.py", source)
    assert branch.lines == lines


@pytest.mark.parametrize("source", ["a = sys.version", "f('macOS')", "platform.machine()"])
def test_what_all_machines_do_alike_is_none(source):
    assert list(branches_of("a.py", source)) == []
