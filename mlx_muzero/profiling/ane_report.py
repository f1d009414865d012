"""Writes the report of ``mlx-muzero doctor --ane``: a page to attach to an issue."""

import json
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import asdict
from pathlib import Path

from mlx_muzero.exports.devices import devices
from mlx_muzero.files.refusals import named
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.ane_questions import Answer, ask
from mlx_muzero.profiling.doctor import Check
from mlx_muzero.profiling.subject import preset_subject
from mlx_muzero.untrusted.json_values import finite


def examine_neural_engine(
    file: Path, checks: Sequence[Check], say: Callable[[str], None] = lambda text: None
) -> list[Answer]:
    """Ask the questions about the Neural Engine, and write the report.

    Args:
        file: the file to write; replaced if it exists.
        checks: the doctor's checks.
        say: receives what is being done.
    """
    with tempfile.TemporaryDirectory() as folder:
        answers = list(ask(Lab(preset_subject(), Path(folder), devices("coreml")), say=say))
    write_report(file, checks, answers)
    return answers


def write_report(file: Path, checks: Sequence[Check], answers: Sequence[Answer]) -> None:
    """Write the page.

    Args:
        file: the file to write; replaced if it exists.
        checks: the doctor's checks.
        answers: answers to the questions, in order.
    """
    lines = ["# mlx_muzero: the Neural Engine on this machine", ""]
    lines += [f"- {check.name} ({check.status}): {check.detail}" for check in checks]
    for number, answer in enumerate(answers, 1):
        lines += ["", f"## {number}. {answer.question}", "", f"{answer.status.capitalize()}.", ""]
        lines += [f"- {sentence}" for sentence in answer.findings]
    figures = finite([asdict(answer) for answer in answers])
    lines += ["", "## Figures", "", "```json", json.dumps(figures, indent=1), "```", ""]
    with named(file):
        file.write_text("\n".join(lines), encoding="utf-8")
