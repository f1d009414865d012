"""Types the commands of the tutorials and writes down what they print: tutorials.py [PAGE ...].

A page's console blocks hold commands, each after "$ ", and below each what it prints. They run in
one empty folder a page, with the Python files next to the pages, and take some minutes a page. The
comment "left out: PATTERN" before a block leaves out the lines that begin so.
"""

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

FOLDER = Path(__file__).resolve().parent.parent / "docs" / "tutorials"
_BLOCK = re.compile(
    r"(?P<head>(?:<!-- left out: (?P<left_out>.+?) -->\n)?```console\n)(?P<text>.*?)(?P<end>^```$)",
    re.DOTALL | re.MULTILINE,
)
_COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*$", re.MULTILINE)


def renewed(page: str, folder: Path) -> str:
    """`page` with what its commands print when they run in `folder`."""

    def block(found: "re.Match[str]") -> str:
        typed = _COMMAND.findall(found["text"])
        told = [
            f"{command}\n{_output(command[2:], folder, found['left_out'])}" for command in typed
        ]
        return found["head"] + "".join(told) + found["end"]

    return _BLOCK.sub(block, page)


def _output(command: str, folder: Path, left_out: str | None) -> str:
    """What `command` prints in `folder`, on either stream.

    Raises:
        SystemExit: it failed.
    """
    print(f"$ {command}", file=sys.stderr)
    programs = str(Path(sys.executable).parent)
    environment = os.environ | {
        "PATH": os.pathsep.join([programs, os.environ["PATH"]]),
        "HOME": str(folder / "home"),
        "COLUMNS": "80",
    }
    done = subprocess.run(
        ["bash", "-c", command],
        cwd=folder,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    if done.returncode != 0:
        sys.exit(f"{command} failed with exit code {done.returncode}:\n{done.stdout}")
    lines = [line.rstrip() for line in done.stdout.splitlines()]
    kept = [line for line in lines if not (left_out and re.match(left_out, line))]
    text = "\n".join(kept).strip("\n")
    return f"{text}\n" if text else ""


def main() -> None:
    """Renew the pages that are named, or all."""
    parser = argparse.ArgumentParser(description="Renews the output in the tutorials.")
    parser.add_argument("pages", type=Path, nargs="*", default=sorted(FOLDER.glob("*.md")))
    for page in parser.parse_args().pages:
        with tempfile.TemporaryDirectory() as folder:
            for program in FOLDER.glob("*.py"):
                shutil.copy(program, folder)
            (Path(folder) / "home").mkdir()
            page.write_text(renewed(page.read_text(), Path(folder)))


if __name__ == "__main__":
    main()
