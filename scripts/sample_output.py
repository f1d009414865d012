"""Renews the sample output in README and the tutorials: sample_output.py [--check] [PAGE ...].

A page's console blocks hold commands, each after "$ ", with what it prints below. The commands of a
page run in one empty folder, with the Python files of docs/tutorials in it, and take some minutes.
A comment "left out: PATTERN" before a block leaves out the lines that begin with PATTERN. Progress
of a verb, which a slow machine prints and a fast one does not, is always left out.

With --check no page is changed; the differences are printed, and the exit code is 1 if there are
any. Times and speeds (MASKS) do not count. Results are those of one kind of machine: between
machines the networks agree only to float32 rounding, which a training can amplify.
"""

import argparse
import difflib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
TUTORIALS = ROOT / "docs" / "tutorials"
# A tutorial on live bars shows no output: no two runs print the same.
PAGES = [
    page
    for page in (ROOT / "README.md", *sorted(TUTORIALS.glob("*.md")))
    if "```console" in page.read_text()
]

MASKS = {
    r"(?<=rejected, )[\d.]+ s$": "# s",
    r"(?<=native )[\d,]+, mlx [\d,]+(?=\))": "#, mlx #",
    r"^(  latency, \w+, ms) .*$": r"\1 #",
    # How many lines of progress a session prints, and of which minutes, depends on its speed.
    r"^\d{4}-\d\d-\d\d \d\d:\d\d UTC  trading  .*\n": "",
}
"""What may differ between two runs of the same build, and what `--check` reads in its place."""

_BLOCK = re.compile(
    r"(?P<head>(?:<!-- left out: (?P<left_out>.+?) -->\n)?```console\n)(?P<text>.*?)(?P<end>^```$)",
    re.DOTALL | re.MULTILINE,
)
_PROGRESS = re.compile(r".* [\d,]+(?: of [\d,]+)?, \d+ s(?:, \d+ s left)?$")
_COMMAND = re.compile(r"^\$ (?:.*\\\n)*.*$", re.MULTILINE)


def blocks(page: str) -> list[str]:
    """The console blocks of `page`: what `renewed` renews."""
    return [found["text"] for found in _BLOCK.finditer(page)]


def renewed(page: str, folder: Path) -> str:
    """`page` with what its commands print when they run in `folder`."""

    def block(found: "re.Match[str]") -> str:
        commands = _COMMAND.findall(found["text"])
        printed = [
            f"{command}\n{_output(command[2:], folder, found['left_out'])}" for command in commands
        ]
        return found["head"] + "".join(printed) + found["end"]

    return _BLOCK.sub(block, page)


def differences(page: str, renewed_page: str) -> list[str]:
    """The console blocks of two versions of a page as a diff, without what `MASKS` hide."""
    before, after = (_masked("".join(blocks(text))).splitlines() for text in (page, renewed_page))
    return list(difflib.unified_diff(before, after, "page", "this build", lineterm=""))


def _masked(text: str) -> str:
    for pattern, shown in MASKS.items():
        text = re.sub(pattern, shown, text, flags=re.MULTILINE)
    return text


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
    kept = [
        line
        for line in lines
        if not (left_out and re.match(left_out, line)) and not _PROGRESS.match(line)
    ]
    text = "\n".join(kept).strip("\n")
    return f"{text}\n" if text else ""


def main() -> None:
    """Renew or check the pages that are named, or all."""
    parser = argparse.ArgumentParser(description="Renews the sample output in the documentation.")
    parser.add_argument(
        "--check", action="store_true", help="change nothing; exit 1 on a difference"
    )
    parser.add_argument("pages", type=Path, nargs="*", default=PAGES, metavar="PAGE")
    options = parser.parse_args()
    differ = False
    for page in options.pages:
        with tempfile.TemporaryDirectory() as folder:
            for program in TUTORIALS.glob("*.py"):
                shutil.copy(program, folder)
            (Path(folder) / "home").mkdir()
            before = page.read_text()
            after = renewed(before, Path(folder))
        if not options.check:
            page.write_text(after)
        elif found := differences(before, after):
            differ = True
            print(f"{page} differs from what this build prints:", *found, sep="\n")
    sys.exit(1 if differ else 0)


if __name__ == "__main__":
    main()
