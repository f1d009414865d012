"""`mlx-muzero status`."""

import time
from typing import Any

from mlx_muzero.runlog.folder_kinds import missing
from mlx_muzero.untrusted.terminal_text import clean_line
from muzero_cli.display.console import echo
from muzero_cli.failures import answer, end_with, kept_verdict
from muzero_cli.options import ExitCode, Json, RunArgument, Watch, refuse_both

WATCH_S = 2.0


def status(
    run: RunArgument,
    as_json: Json = False,
    watch: Watch = False,
    exit_code: ExitCode = False,
) -> None:
    """Show the state of a run, as the terminal application does, as text or JSON."""
    refuse_both(watch, exit_code)
    from mlx_muzero.alerts.kept import troubles
    from mlx_muzero.runlog.verdict_file import VerdictFile
    from mlx_muzero.watch.run import WatchedRun, run_kind

    if run_kind(run) is None:
        raise missing(run, "training run", "paper session")
    verdict = kept_verdict(run) if exit_code else None
    watched, seen = WatchedRun(run), -1
    while True:
        watched.poll()
        if watched.version != seen:
            seen = watched.version
            facts = {"verdict": VerdictFile.told(run), "alerts": troubles(run)}
            facts |= watched.as_dict()
            if as_json:
                answer(facts)
            else:
                echo(as_text(facts))
        if not watch:
            break
        time.sleep(WATCH_S)
    if verdict is not None:
        end_with(verdict)


def as_text(facts: dict[str, Any], indent: str = "") -> str:
    """One fact per line; nested facts are indented below their name."""
    lines = []
    for name, value in facts.items():
        if isinstance(value, dict):
            lines.append(f"{indent}{clean_line(name)}")
            lines += [as_text(value, indent + "  ")] if value else []
        elif value not in (None, "", []):
            name = clean_line(name)
            lines.append(f"{indent}{name:<{max(26 - len(indent), 1)}} {_value(value)}")
    return "\n".join(lines)


def _value(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.6g}"
    if isinstance(value, list):
        return ("; " if any(isinstance(part, dict) for part in value) else ", ").join(
            map(_value, value)
        )
    if isinstance(value, dict):  # an item of a list, such as a calibration bin
        return ", ".join(f"{clean_line(name)} {_value(part)}" for name, part in value.items())
    return clean_line(str(value))
