"""The condition of the watched run, as a word and a glyph."""

from rich.text import Text

from mlx_muzero.watch.run import WatchedRun
from muzero_tui.formats import age
from muzero_tui.paint import Paint

STALE_S = {"paper": 150.0, "training": 300.0}
"""How long a running process may write nothing before it is stale; a validation takes minutes."""

GLYPHS = {
    "running": "●", "finished": "✓", "stopped": "■", "diverged": "✗", "disconnected": "○",
    "stale": "◌", "no data": "·",
}  # fmt: skip


def condition_of(run: WatchedRun) -> str:
    """The run's condition; "stale" if its process is alive but writes nothing."""
    silent = seconds_silent(run)
    if run.condition == "running" and run.playback.mode == "live" and silent is not None:
        return "stale" if silent > STALE_S[run.kind or "training"] else "running"
    return run.condition


def seconds_silent(run: WatchedRun) -> float | None:
    """Seconds since the last event shown."""
    time = run.state.time
    return None if time is None else (run.playback.now - time).total_seconds()


def styled_condition(name: str, paint: Paint) -> Text:
    """Glyph and word of a condition."""
    styles = {"running": paint.good, "stale": paint.warning}
    styles |= dict.fromkeys(("diverged", "disconnected"), paint.bad)
    return Text(f"{GLYPHS[name]} {name}", styles.get(name, paint.muted))


def condition_text(run: WatchedRun, paint: Paint) -> Text:
    """Glyph, word and age of the run's condition, and how much of its journal is unreadable."""
    name = condition_of(run)
    text = styled_condition(name, paint)
    if name in ("running", "stale", "disconnected") and run.playback.mode == "live":
        text.append(f" {age(seconds_silent(run))}")
    if run.index.skipped:
        text.append(f" {run.index.skipped} bad lines", paint.warning)
    if run.index.unknown:
        text.append(f" {run.index.unknown} unknown", paint.warning)
    if run.index.problem:
        text.append(" unreadable", paint.bad)
    return text
