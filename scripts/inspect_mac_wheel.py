"""Inspects wheels for Macs with Apple silicon, on any system; scripts/macos-wheel calls it.

    python scripts/inspect_mac_wheel.py WHEEL ...

A wheel has to be one that pip takes on macOS 14 for the Pythons that its name tells, complete and
as its RECORD says, without a path of the machine that built it, and with a single extension module
that every such Mac loads, with the kernels for newer ones. What it needs of macOS is listed in
scripts/macos/system_symbols.txt: a new name there wants a look at when Apple introduced it. Exit
code 1 says what is wrong.
"""

import base64
import csv
import hashlib
import sys
import tempfile
import tomllib
import zipfile
from collections import Counter
from collections.abc import Iterator
from email.parser import BytesParser
from pathlib import Path

import abi3info
from abi3info.models import PyVersion, Symbol
from packaging import tags
from packaging.specifiers import SpecifierSet
from packaging.utils import parse_wheel_filename

from macos.mach_o import PYTHON, Module, read_module

ROOT = Path(__file__).resolve().parent.parent
MACOS = (14, 0)
"""The oldest macOS with the wheels of MLX."""

SUPPORTED = ((3, 11), (3, 12), (3, 13))
LIBRARIES = {
    PYTHON: "Python",
    "/usr/lib/libSystem.B.dylib": "libSystem",
    "/usr/lib/libc++.1.dylib": "libc++",
    "/System/Library/Frameworks/Accelerate.framework/Versions/A/Accelerate": "Accelerate",
}
LIBM = {"_cos", "_exp", "_log"}
"""What the search computes with: Apple's, as in a wheel that was built on a Mac."""

EXTENSIONS = {"SMSTART", "FMOPA", "BFMLALB", "FMLAL", "SDOT"}
"""Instructions of the kernels for newer Macs: SME's from the M4 on, and NEON's."""

EVERYWHERE = {"/usr", "/usr/local"}
"""Where a system keeps its Python, on Macs too."""

SYSTEM_SYMBOLS = ROOT / "scripts" / "macos" / "system_symbols.txt"


def problems(wheel: Path) -> Iterator[str]:
    """What is wrong with `wheel`, a sentence each."""
    with zipfile.ZipFile(wheel) as archive, tempfile.TemporaryDirectory() as folder:
        yield from tag_problems(wheel.name, archive)
        yield from record_problems(archive)
        yield from path_problems(archive)
        core = core_name(wheel.name)
        libraries = [name for name in archive.namelist() if name.endswith((".so", ".dylib"))]
        if libraries != [core]:
            yield f"its libraries are {', '.join(libraries)}; a Mac's Python looks for {core}"
            return
        module = read_module(Path(archive.extract(core, folder)))
    yield from module_problems(module, limited=".abi3." in core)
    print(f"{wheel.name}: {describe(module)}")


def core_name(name: str) -> str:
    """The file as which the Pythons of a wheel with this name import the C++ core on a Mac."""
    (tag,) = parse_wheel_filename(name)[3]
    ending = "abi3" if tag.abi == "abi3" else f"cpython-{tag.abi.removeprefix('cp')}-darwin"
    return f"mlx_muzero/_core.{ending}.so"


def pythons_of(name: str) -> list[str]:
    """The supported Pythons for which pip takes this wheel on the oldest Mac."""
    offered = parse_wheel_filename(name)[3]
    platforms = list(tags.mac_platforms(MACOS, "arm64"))
    return [
        ".".join(map(str, python))
        for python in SUPPORTED
        if offered & set(tags.cpython_tags(python, platforms=platforms))
    ]


def tag_problems(name: str, archive: zipfile.ZipFile) -> Iterator[str]:
    """What is wrong with what pip reads before it installs."""
    project, version, _, offered = parse_wheel_filename(name)
    info = f"mlx_muzero-{version}.dist-info"
    wheel = BytesParser().parsebytes(archive.read(f"{info}/WHEEL"))
    told = {tag for text in wheel.get_all("Tag", []) for tag in tags.parse_tag(text)}
    if told != offered:
        yield f"its WHEEL file says {sorted(map(str, told))}"
    if wheel["Root-Is-Purelib"] != "false":
        yield "its WHEEL file says that nothing in it was compiled"
    metadata = BytesParser().parsebytes(archive.read(f"{info}/METADATA"))
    ours = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    found = (project, str(version), metadata["Version"], SpecifierSet(metadata["Requires-Python"]))
    wanted = (ours["name"], ours["version"], ours["version"], SpecifierSet(ours["requires-python"]))
    if found != wanted:
        yield f"it is {found}, and the project {wanted}"
    if not pythons_of(name):
        yield f"no supported Python takes it on macOS {MACOS[0]}"


def record_problems(archive: zipfile.ZipFile) -> Iterator[str]:
    """What differs between the files and the list of them."""
    names = archive.namelist()
    (record,) = [name for name in names if name.endswith(".dist-info/RECORD")]
    rows = {row[0]: row[1:] for row in csv.reader(archive.read(record).decode().splitlines())}
    for name in sorted({*names} ^ rows.keys()):
        yield f"{name} is in RECORD only" if name in rows else f"{name} is not in RECORD"
    for name in sorted({*names} & rows.keys() - {record}):
        content = archive.read(name)
        digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).decode().rstrip("=")
        if rows[name] != [f"sha256={digest}", str(len(content))]:
            yield f"{name} is not what RECORD says"


def path_problems(archive: zipfile.ZipFile) -> Iterator[str]:
    """Folders of this machine that a file names, and that not every machine has."""
    places = {str(ROOT), str(Path.home()), sys.prefix, sys.base_prefix, tempfile.gettempdir()}
    places -= EVERYWHERE
    for name in archive.namelist():
        content = archive.read(name)
        for place in sorted(place for place in places if len(Path(place).parts) > 1):
            if f"{place}/".encode() in content:
                yield f"{name} names {place}, a folder of the machine that built it"


def module_problems(module: Module, limited: bool) -> Iterator[str]:
    """Why a Mac would not load the module, or not every one."""
    release = ".".join(map(str, MACOS))
    if (module.architectures, module.kind) != (("ARM64",), "BUNDLE"):
        yield f"its module is a {module.kind} for {', '.join(module.architectures)}"
    if module.platform != ("MACOS", release):
        yield f"its module is for {' '.join(module.platform)}, not MACOS {release}"
    if not module.signed:
        yield "its module has no signature, and Apple silicon would end the process"
    if module.exports != {"_PyInit__core"}:
        yield f"its module exports {', '.join(sorted(module.exports))}"
    if module.paths:
        yield f"its module looks for libraries in {', '.join(module.paths)}"
    if missing := EXTENSIONS - module.instructions:
        yield f"its module has no kernels with {', '.join(sorted(missing))}: an older compiler?"
    if missing := LIBM - {name for name, of in module.needs.items() if of.endswith("B.dylib")}:
        yield f"its module brings its own {', '.join(sorted(missing))}, not Apple's"
    known = system_symbols()
    for symbol, library in sorted(module.needs.items()):
        if library not in LIBRARIES:
            yield f"{symbol} comes from {library}"
        elif library != PYTHON and symbol not in known:
            yield f"{symbol} of {library} is not in {SYSTEM_SYMBOLS.relative_to(ROOT)}"
        elif library == PYTHON and not symbol.startswith(("_Py", "__Py")):
            yield f"{symbol} is not Python's, and in no library"
        elif library == PYTHON and limited and not in_limited_api(symbol.removeprefix("_")):
            yield f"{symbol} is not in the limited API of Python 3.12"


def in_limited_api(name: str) -> bool:
    """Whether every Python from 3.12 on has this symbol, whatever its version."""
    known = abi3info.FUNCTIONS.get(Symbol(name)) or abi3info.DATAS.get(Symbol(name))
    return known is not None and known.added <= PyVersion(3, 12)


def system_symbols() -> set[str]:
    """Those that macOS 14 is known to have."""
    lines = SYSTEM_SYMBOLS.read_text().splitlines()
    return {name for line in lines if not line.startswith("#") for name in line.split()}


def describe(module: Module) -> str:
    """What a Mac needs to load the module."""
    counts = Counter(LIBRARIES.get(library, library) for library in module.needs.values())
    needs = ", ".join(f"{name} {count}" for name, count in sorted(counts.items()))
    system, release = module.platform
    made_for = f"{module.kind} for {module.architectures[0]}, {system} {release} and later"
    return f"{made_for}; symbols of {needs}; kernels with {', '.join(sorted(module.instructions))}"


def main() -> None:
    wheels = [Path(name) for name in sys.argv[1:]]
    if not wheels:
        sys.exit(__doc__)
    failed = False
    for wheel in wheels:
        for problem in problems(wheel):
            failed = True
            print(f"{wheel.name}: {problem}", file=sys.stderr)
        print(f"{wheel.name}: for Python {', '.join(pythons_of(wheel.name))}")
    sys.exit(failed)


if __name__ == "__main__":
    main()
