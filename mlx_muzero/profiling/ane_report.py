"""The report of ``mlx-muzero doctor --ane``: a page to attach to an issue."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from mlx_muzero.profiling.ane_questions import Answer
from mlx_muzero.profiling.doctor import Check
from mlx_muzero.untrusted.json_values import finite


def write_report(file: Path, checks: Sequence[Check], answers: Sequence[Answer]) -> None:
    """Writes the page.

    Args:
        file: where to; replaced if it is there.
        checks: what the doctor found.
        answers: to the questions, in order.
    """
    lines = ["# mlx_muzero: the Neural Engine on this machine", ""]
    lines += [f"- {check.name} ({check.status}): {check.detail}" for check in checks]
    for number, answer in enumerate(answers, 1):
        lines += ["", f"## {number}. {answer.question}", "", f"{answer.status.capitalize()}.", ""]
        lines += [f"- {sentence}" for sentence in answer.findings]
    figures = finite([asdict(answer) for answer in answers])
    lines += ["", "## Figures", "", "```json", json.dumps(figures, indent=1), "```", ""]
    file.write_text("\n".join(lines), encoding="utf-8")
