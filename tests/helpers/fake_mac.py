"""Has this machine pass for a Mac, as far as Python can tell."""

import ctypes
import fcntl
import platform
import sys
from types import SimpleNamespace

RELEASE = "15.1"
KERNEL = {
    "hw.perflevel0.physicalcpu": (4).to_bytes(4, sys.byteorder),
    "hw.nperflevels": (2).to_bytes(4, sys.byteorder),
    "hw.perflevel0.name": b"Performance\0",
    "hw.perflevel0.logicalcpu": (4).to_bytes(4, sys.byteorder),
    "hw.perflevel1.name": b"Efficiency\0",
    "hw.perflevel1.logicalcpu": (6).to_bytes(4, sys.byteorder),
    "machdep.cpu.brand_string": b"Apple M4\0",
}
"""What the kernel answers, by what it is asked for."""


def kernel_of(answers):
    """The C library, as far as it asks a kernel that has these answers."""

    def sysctlbyname(name, out, size, new, new_size):
        answer = answers.get(name.decode())
        if answer is None or len(answer) > size._obj.value:
            return -1
        ctypes.memmove(ctypes.addressof(getattr(out, "_obj", out)), answer, len(answer))
        size._obj.value = len(answer)
        assert (new, new_size) == (None, 0), "nothing may be set"
        return 0

    return SimpleNamespace(sysctlbyname=sysctlbyname)


def become_a_mac(monkeypatch, folder, answers=KERNEL):
    """Until the test ends; `folder` is its user's."""
    load, libc = ctypes.CDLL, kernel_of(answers)

    def library(name, *rest, **options):
        return libc if name is None else load(name, *rest, **options)

    monkeypatch.setattr(ctypes, "CDLL", library)
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(platform, "system", lambda: "Darwin")
    monkeypatch.setattr(platform, "machine", lambda: "arm64")
    monkeypatch.setattr(platform, "mac_ver", lambda: (RELEASE, ("", "", ""), "arm64"))
    monkeypatch.setattr(fcntl, "F_FULLFSYNC", fcntl.F_GETFD, raising=False)
    monkeypatch.setenv("HOME", str(folder))
