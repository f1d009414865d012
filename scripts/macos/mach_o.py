"""Reads what a Mac's loader reads of an extension module, on any system."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import lief
import numpy as np

DYNAMIC_LOOKUP = 0xFE
"""Place of a symbol that the loader seeks in all that is loaded, instead of in one library."""

PYTHON = "Python"
"""What provides the symbols that are sought everywhere: the interpreter, whatever file it is in."""


@dataclass(frozen=True)
class Module:
    """An extension module for macOS.

    Attributes:
        architectures: of each program in the file, its processor.
        kind: BUNDLE, which is what Python loads, or another of the format's.
        platform: the system it is for, and the oldest release of it that loads the module.
        signed: whether it has a signature, without which Apple silicon runs nothing.
        exports: the symbols it offers.
        needs: of each symbol that others have to provide, the library named for it.
        paths: folders it asks the loader to look in.
        instructions: of the extensions that not every Mac has, those that its code contains.
    """

    architectures: tuple[str, ...]
    kind: str
    platform: tuple[str, str]
    signed: bool
    exports: frozenset[str]
    needs: dict[str, str]
    paths: tuple[str, ...]
    instructions: frozenset[str]


def read_module(path: Path) -> Module:
    """Read the module at `path`.

    Raises:
        ValueError: it is no Mach-O file.
    """
    file = lief.MachO.parse(str(path))  # the programs live no longer than this does
    if file is None:
        raise ValueError(f"{path.name} is no Mach-O file")
    programs = list(file)
    first = programs[0]
    build = first.build_version
    platform = build.platform.name if build else "none"
    release = ".".join(str(part) for part in build.minos[:2]) if build else "none"
    return Module(
        architectures=tuple(program.header.cpu_type.name for program in programs),
        kind=first.header.file_type.name,
        platform=(platform, release),
        signed=first.has_code_signature,
        exports=frozenset(str(symbol.name) for symbol in first.exported_symbols),
        needs=dict(_needs(first)),
        paths=tuple(command.path for command in first.rpaths),
        instructions=frozenset(_extensions(first)),
    )


_EXTENSIONS = {
    "SMSTART": (0xFFFFFFFF, 0xD503437F),  # into streaming mode
    "FMOPA": (0xFFE0001C, 0x80800000),  # of float32
    "BFMLALB": (0xFFE0FC00, 0x2EC0FC00),
    "FMLAL": (0xFFE0FC00, 0x4E20EC00),
    "SDOT": (0xFFE0FC00, 0x4E809400),
}
"""Which bits of a word tell an instruction, and what they are (Arm's A64 manual, DDI 0602)."""


def _extensions(program: lief.MachO.Binary) -> Iterator[str]:
    code = [bytes(section.content) for section in program.sections if section.name == "__text"]
    words = np.frombuffer(b"".join(code), "<u4")
    for name, (mask, value) in _EXTENSIONS.items():
        if (words & mask == value).any():
            yield name


def _needs(program: lief.MachO.Binary) -> Iterator[tuple[str, str]]:
    """Each undefined symbol with its library, by the ordinal of the two-level namespace."""
    libraries = [str(library.name) for library in program.libraries]
    for symbol in program.imported_symbols:
        ordinal = symbol.description >> 8 & 0xFF
        if ordinal == DYNAMIC_LOOKUP:
            yield str(symbol.name), PYTHON
        elif 0 < ordinal <= len(libraries):
            yield str(symbol.name), libraries[ordinal - 1]
        else:
            yield str(symbol.name), f"no library ({ordinal})"
