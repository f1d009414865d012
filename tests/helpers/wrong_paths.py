"""Calls every verb with every kind of wrong path, in children of one process.

Arguments: a folder with what a release made (`compatibility`), and the kinds of `wrong_paths` to
try, all if none is named. Whatever takes a path gets one after another, the other arguments being
right. Prints a JSON object a call. Forked children share what is imported; one that hangs, on a
pipe for one, is killed.
"""

import contextlib
import gc
import importlib
import json
import os
import pkgutil
import shutil
import signal
import socket
import sys
import tempfile
import time
import traceback
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any

from typer.main import get_command

import mlx_muzero
import muzero_cli
from mlx_muzero.errors import ExportError
from muzero_cli import main

MODULES = ("coremltools", "rich.progress", "rich.table")
"""Of others, which ours load where they need them."""
KINDS = (
    "empty", "text", "bytes", "folder", "closed", "pipe", "circle", "socket", "missing",
    "below a file", "long name", "long path", "device", "training", "paper", "walk", "store",
    "account",
)  # fmt: skip
PATIENCE_S = 20.0
RIGHT = {
    "db": "data/market.duckdb",
    "config": "fx.toml",
    "file": "fx.toml",
    "files": "fx.toml",
    "export": "runs/fx/export",
    "kind": "planted_edge",
    "symbol": "USDJPY",
    "pair": "USDJPY",
    "at": "2024-02-05T21:00",
}
"""What the required arguments of a verb are, by name; runs apart."""
QUICK = {
    "train": ("--config", "fx.toml", "--minutes", "0"),
    "walk-forward": ("--config", "fx.toml", "--minutes", "0", "--windows", "1"),
    "evaluate": ("--sessions", "1"),
    "check-leakage": ("--symbol", "USDJPY", "--cuts", "1"),
    "audit-reward": ("--symbol", "USDJPY", "--sessions", "1"),
    "profile": ("--seconds", "0"),
    "export": ("--batch", "1"),
    "data synth": ("--days", "1"),
    "paper start": ("--model", "runs/finished", "--to", "2024-02-05T20:01"),
}
"""Options that make a verb quick where its path is right after all."""


def wrong_paths(folder: Path) -> dict[str, Path]:
    """A path of every kind that no verb wants, or not there."""
    folder.mkdir()
    (folder / "empty").touch()
    (folder / "text").write_text("a line\nanother [bold]\x1b[2J\n")
    (folder / "bytes").write_bytes(bytes(range(256)) * 64)
    (folder / "folder").mkdir()
    (folder / "closed").mkdir(mode=0o000)
    os.mkfifo(folder / "pipe")
    (folder / "circle").symlink_to("circle")
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(folder / "socket"))
    found = {path.name: path for path in folder.iterdir()} | {
        "missing": folder / "nowhere" / "at" / "all",
        "below a file": folder / "text" / "below",
        "long name": folder / ("x" * 300),
        "long path": folder / "/".join(["y" * 200] * 30),
        "device": Path(os.devnull),
        "training": Path("runs/finished"),
        "paper": Path("runs/paper-finished"),
        "walk": Path("runs/walk"),
        "store": Path("data/market.duckdb"),
        "account": Path("runs/paper-finished/store.duckdb"),
    }
    return {kind: found[kind] for kind in KINDS}


def leaves(command: Any, words: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], Any]]:
    """Every verb: its words, and its command."""
    if hasattr(command, "commands"):
        for name in command.commands:
            yield from leaves(command.commands[name], (*words, name))
    else:
        yield words, command


def is_path(parameter: Any) -> bool:
    return parameter.type.name in ("path", "file")


def command_line(words: tuple[str, ...], command: Any, wrong: Any, path: Path) -> list[str]:
    """The arguments of a verb whose parameter `wrong` is `path`, the others being right."""
    verb = " ".join(words)
    given = list(words)
    quick = list(QUICK.get(verb, ()))
    if wrong.opts[0] in quick:
        at = quick.index(wrong.opts[0])
        del quick[at : at + 2]
    last = []
    for parameter in command.params:
        if parameter is wrong:
            value = str(path)
        elif parameter.required:
            run = "runs/paper-finished" if verb.startswith("paper") else "runs/fx"
            value = RIGHT.get(parameter.name, run)
        else:
            continue
        if parameter.opts[0].startswith("-"):
            given += [parameter.opts[0], value]
        else:
            last.append(value)
    if verb == "train" and wrong.name != "run":
        given[given.index("runs/fx")] = "runs/new"
    return [*given, *quick, *last, "--json"]


def called(arguments: list[str], desk: Path) -> dict[str, Any]:
    """How the command ended, and what it said, in a child of this process."""
    with tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
        child = os.fork()
        if child == 0:
            code = 1
            try:
                os.chdir(desk)
                for number, file in enumerate((os.open(os.devnull, os.O_RDONLY), out, err)):
                    os.dup2(file if isinstance(file, int) else file.fileno(), number)
                sys.argv = ["mlx-muzero", *arguments]
                main.run()
            except SystemExit as end:
                code = end.code if isinstance(end.code, int) else int(end.code is not None)
            except BaseException:
                traceback.print_exc()
            finally:
                sys.stdout.flush()
                sys.stderr.flush()
                os._exit(code)
        began, ended = time.monotonic(), 0
        while not ended and time.monotonic() - began < PATIENCE_S:
            ended, status = os.waitpid(child, os.WNOHANG)
            time.sleep(0.002)
        if not ended:
            os.kill(child, signal.SIGKILL)
            os.waitpid(child, 0)
            return {"hung": True}
        said = {"code": os.waitstatus_to_exitcode(status)}
        for name, file in (("out", out), ("err", err)):
            file.seek(0)
            said[name] = file.read().decode(errors="replace")
        return said


def load_everything() -> None:
    """All that verbs load when they are called, so that children need not."""
    for package in (muzero_cli, mlx_muzero):
        for found in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not found.name.startswith("mlx_muzero.lib"):  # a library in C++, no module
                # An extra may not be installed here.
                with contextlib.suppress(ExportError):
                    importlib.import_module(found.name)
    for name in MODULES:
        importlib.import_module(name)
    gc.freeze()  # a child's first collection would copy the memory of all that is shared


def explore(
    release: Path,
    kinds: Iterable[str],
    call: Callable[[list[str], Path], dict[str, Any]] = called,
) -> Iterator[dict[str, Any]]:
    """Every call, and how `call` says that it ended in a folder with what was released."""
    with tempfile.TemporaryDirectory() as folder:
        top, wrong = Path(folder), dict[str, Path]()
        for words, leaf in leaves(get_command(main.app)):
            for parameter in filter(is_path, leaf.params):
                for kind in kinds:
                    wrong = wrong or fresh(top, release)
                    line = command_line(words, leaf, parameter, wrong[kind])
                    ended = call(line, top / "desk")
                    yield {"line": line, "parameter": parameter.name, "kind": kind} | ended
                    if not ended.get("code"):
                        wrong = {}  # it may have changed what is there


def fresh(top: Path, release: Path) -> dict[str, Path]:
    """Copies what was released to the folder ``desk`` in `top`; paths of every kind."""
    for left_over in top.iterdir():
        shutil.rmtree(left_over)
    shutil.copytree(release, top / "desk", symlinks=True)
    return wrong_paths(top / "wrong")


if __name__ == "__main__":
    load_everything()
    for ended in explore(Path(sys.argv[1]), sys.argv[2:] or KINDS):
        print(json.dumps(ended), flush=True)
