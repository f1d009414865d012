"""The inspection of wheels for macOS: a good one passes, and each fault is named."""

import base64
import dataclasses
import hashlib
import re
import tomllib
import zipfile
from pathlib import Path

import pytest

from folders import ROOT

WHY = "lief and abi3info read the wheels: pip install -e '.[dev]'"
mach_o = pytest.importorskip("macos.mach_o", reason=WHY)
inspection = pytest.importorskip("inspect_mac_wheel", reason=WHY)

PYTHON = mach_o.PYTHON
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
SYSTEM = "/usr/lib/libSystem.B.dylib"
INFO = f"mlx_muzero-{PROJECT['version']}.dist-info"
METADATA = (
    f"Metadata-Version: 2.1\nName: mlx-muzero\nVersion: {PROJECT['version']}\n"
    f"Requires-Python: {PROJECT['requires-python']}\n"
)
MODULE = mach_o.Module(
    architectures=("ARM64",),
    kind="BUNDLE",
    platform=("MACOS", "14.0"),
    signed=True,
    exports=frozenset({"_PyInit__core"}),
    needs={"_PyType_FromSpec": PYTHON} | dict.fromkeys(("_cos", "_exp", "_log"), SYSTEM),
    paths=(),
    instructions=frozenset(inspection.EXTENSIONS),
)


def name_of(tag):
    return f"mlx_muzero-{PROJECT['version']}-{tag}.whl"


@pytest.fixture
def make_wheel(tmp_path, monkeypatch):
    """Packs a wheel, and has its module read as the given one."""

    def make(tag="cp312-abi3-macosx_14_0_arm64", module=MODULE, record="", **files):
        core = inspection.core_name(name_of(tag))
        told = f"Root-Is-Purelib: false\nTag: {tag}\n"
        files = {core: "code", f"{INFO}/WHEEL": told, f"{INFO}/METADATA": METADATA} | {
            name.replace("INFO", INFO): text for name, text in files.items()
        }
        rows = []
        for name, text in files.items():
            digest = base64.urlsafe_b64encode(hashlib.sha256(text.encode()).digest())
            rows.append(f"{name},sha256={digest.decode().rstrip('=')},{len(text)}\n")
        files[f"{INFO}/RECORD"] = "".join(rows) + f"{INFO}/RECORD,,\n{record}"
        path = tmp_path / name_of(tag)
        with zipfile.ZipFile(path, "w") as archive:
            for name, text in files.items():
                archive.writestr(name, text)
        monkeypatch.setattr(inspection, "read_module", lambda file: module)
        return path

    return make


@pytest.mark.parametrize(
    ("tag", "pythons"),
    [
        ("cp311-cp311-macosx_14_0_arm64", ["3.11"]),
        ("cp312-abi3-macosx_14_0_arm64", ["3.12", "3.13"]),
        ("cp312-cp312-macosx_11_0_arm64", ["3.12"]),
        ("cp312-abi3-macosx_15_0_arm64", []),
        ("cp312-abi3-macosx_14_0_x86_64", []),
        ("cp312-abi3-linux_x86_64", []),
    ],
)
def test_pythons_that_take_a_wheel(tag, pythons):
    assert inspection.pythons_of(name_of(tag)) == pythons


def test_a_good_wheel_has_no_problems(make_wheel, capsys):
    assert list(inspection.problems(make_wheel())) == []
    assert "BUNDLE for ARM64, MACOS 14.0 and later" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"tag": "cp312-abi3-macosx_15_0_arm64"}, "no supported Python takes it on macOS 14"),
        (
            {"INFO/WHEEL": "Root-Is-Purelib: true\nTag: py3-none-any\n"},
            "nothing in it was compiled",
        ),
        ({"INFO/WHEEL": "Root-Is-Purelib: false\nTag: py3-none-any\n"}, "py3-none-any"),
        ({"INFO/METADATA": METADATA.replace("3.11", "3.9")}, "the project"),
        ({"record": "lost.py,sha256=x,1\n"}, "lost.py is in RECORD only"),
        (
            {"mlx_muzero/libmlx_muzero_blas.so": ""},
            "looks for mlx_muzero/_core.abi3.so",
        ),
        ({"mlx_muzero/a.py": f"# {ROOT}/cpp"}, "a folder of the machine that built it"),
    ],
)
def test_a_fault_of_the_archive_is_named(make_wheel, change, problem):
    assert any(problem in found for found in inspection.problems(make_wheel(**change)))


@pytest.mark.parametrize("prefix", ["/usr", "/usr/local"])
def test_a_system_python_makes_wheels_that_name_system_folders(make_wheel, monkeypatch, prefix):
    monkeypatch.setattr(inspection.sys, "base_prefix", prefix)
    path = make_wheel(**{"mlx_muzero/a.py": f"OPEN = '{prefix}/bin/open'"})
    assert not list(inspection.problems(path))


def test_a_file_that_changed_is_named(make_wheel, tmp_path):
    path = make_wheel()
    changed = tmp_path / "changed" / path.name
    changed.parent.mkdir()
    with zipfile.ZipFile(path) as old, zipfile.ZipFile(changed, "w") as new:
        for name in old.namelist():
            new.writestr(name, old.read(name) + b"x" * ("_core" in name))
        new.writestr("extra.py", "")
    found = list(inspection.problems(changed))
    assert "extra.py is not in RECORD" in found
    assert any("_core.abi3.so is not what RECORD says" in problem for problem in found)


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        ({"architectures": ("X86_64", "ARM64")}, "a BUNDLE for X86_64, ARM64"),
        ({"kind": "DYLIB"}, "a DYLIB for ARM64"),
        ({"platform": ("MACOS", "15.0")}, "for MACOS 15.0, not MACOS 14.0"),
        ({"signed": False}, "no signature"),
        ({"exports": frozenset({"_PyInit__core", "__Znwm"})}, "exports _PyInit__core, __Znwm"),
        ({"paths": ("/opt/lib",)}, "looks for libraries in /opt/lib"),
        (
            {"needs": MODULE.needs | {"_omp_get": "libomp.dylib"}},
            "_omp_get comes from libomp",
        ),
        (
            {"needs": MODULE.needs | {"_new": SYSTEM}},
            "libSystem.B.dylib is not in scripts",
        ),
        ({"needs": MODULE.needs | {"_omp": PYTHON}}, "_omp is not Python's, and in no library"),
        ({"instructions": MODULE.instructions - {"FMOPA"}}, "no kernels with FMOPA"),
        ({"needs": {"_PyType_FromSpec": PYTHON}}, "its own _cos, _exp, _log, not Apple's"),
        (
            {"needs": MODULE.needs | {"_PyUnicode_New": PYTHON}},
            "_PyUnicode_New is not in the limited API of Python 3.12",
        ),
    ],
)
def test_a_fault_of_the_module_is_named(make_wheel, change, problem):
    wheel = make_wheel(module=dataclasses.replace(MODULE, **change))
    assert any(problem in found for found in inspection.problems(wheel))


def test_a_wheel_of_one_python_may_need_more_than_the_limited_api(make_wheel):
    module = dataclasses.replace(MODULE, needs=MODULE.needs | {"_PyUnicode_New": PYTHON})
    wheel = make_wheel(tag="cp311-cp311-macosx_14_0_arm64", module=module)
    assert list(inspection.problems(wheel)) == []


def test_what_is_no_mach_o_file_is_refused():
    with pytest.raises(ValueError, match="is no Mach-O file"):
        mach_o.read_module(Path(__file__))


def test_the_stub_of_accelerate_has_what_its_header_declares():
    header = (ROOT / "scripts/macos/include/Accelerate/Accelerate.h").read_text()
    stub = (ROOT / "scripts/macos/Accelerate.framework/Accelerate.tbd").read_text()
    assert "void cblas_sgemm(" in header
    assert "'_cblas_sgemm$NEWLAPACK'" in stub
    assert "_cblas_sgemm$NEWLAPACK" in inspection.system_symbols()
    assert (ROOT / "cpp/networks/kernels_accelerate.cc").read_text().count("cblas_") == 1


def test_a_mac_is_looked_for_wheels_of_every_extra_that_users_have():
    script = (ROOT / "scripts" / "macos-wheel").read_text()
    resolved = {
        extra
        for extras in re.findall(r'^    resolve "\$wheel" \S+ (\S+)$', script, re.MULTILINE)
        for extra in extras.split(",")
    }
    assert resolved == PROJECT["optional-dependencies"].keys() - {"dev", "docs"}
