"""Another process that does something when told to, and answers with a line of JSON."""

import json
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any

SCRIPTS = Path(__file__).resolve().parent.parent
"""Where a worker runs, so that it finds the modules of this folder."""


class Worker:
    """The process: one line to it, one answer from it."""

    def __init__(self, name: str, to_it: IO[str], from_it: IO[str]) -> None:
        self._name, self._to_it, self._from_it = name, to_it, from_it

    def ask(self, told: object = "") -> Any:
        """What it answers when told so; raises as `answer`."""
        print(told, file=self._to_it, flush=True)
        return self.answer()

    def answer(self) -> Any:
        """Its next answer.

        Raises:
            SystemExit: it has ended.
        """
        line = self._from_it.readline()
        if not line:
            raise SystemExit(f"{self._name} ended early; its last words are above")
        return json.loads(line)


@contextmanager
def working(python: Path | str, arguments: Sequence[str], **options: Any) -> Iterator[Worker]:
    """The process of an interpreter with these arguments, which ends with the block.

    Args:
        python: the interpreter, maybe of another build.
        arguments: of it.
        options: further ones of `subprocess.Popen`.
    """
    command = [str(python), *arguments]
    with subprocess.Popen(
        command, cwd=SCRIPTS, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, **options
    ) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        yield Worker(" ".join(command[:3]), process.stdin, process.stdout)
        process.stdin.close()
