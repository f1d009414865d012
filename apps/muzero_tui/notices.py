"""What happened to a run, in a line each."""

from collections.abc import Collection

from rich.text import Text

from mlx_muzero.untrusted.terminal_text import clean_line
from mlx_muzero.watch.events import Event, market_time
from mlx_muzero.watch.train_state import NOTICES as _OF_TRAINING
from muzero_tui.formats import number
from muzero_tui.paint import Paint


def notice_lines(events: Collection[Event], paint: Paint, *, dates: bool = False) -> Text:
    """A line per event, the newest first, each with its UTC time, and with `dates` its day.

    Where the market's minute is another time, that follows.
    """
    text = Text()
    for event in reversed([*events]):
        time = str(event.get("time", ""))
        when = f"{time[5:10]} {time[11:16]}" if dates else time[11:16]
        if (market := market_time(event)) is not None:
            when += f" ({market:%Y-%m-%d %H:%M})"
        text.append(f"{clean_line(when)} ", "dim")
        text.append_text(_on_one_line(_notice(event, paint))).append("\n")
    return text


def _on_one_line(text: Text) -> Text:
    return Text(clean_line(text.plain), text.style)


def _notice(event: Event, paint: Paint) -> Text:
    kind = event["event"]
    if kind == "risk":
        used = f"{number(event.get('value'), 3)} of {number(event.get('threshold'), 3)}"
        return Text(f"risk {event.get('limit')} {used}: {event.get('reaction')}", paint.bad)
    if kind == "fault":
        return Text(
            f"fault {event.get('what')}: {event.get('reason')}; {event.get('reaction')}", paint.bad
        )
    if kind.startswith("candidate_"):
        taken = kind == "candidate_took_over"
        return Text(str(event.get("reason")), paint.good if taken else paint.warning)
    if kind == "hole":
        minutes = (event.get("to_ns", 0) - event.get("from_ns", 0)) / 6e10
        missed = f"gap of {minutes:.0f} min" if minutes else "no minute missed"
        return Text(f"{missed}: {event.get('reason')}", paint.warning)
    if kind in ("backend_moved", "backend_slow"):
        return Text(str(event.get("reason")), paint.warning)
    if kind == "alerts":
        return _of_alerts(event, paint)
    if kind in _OF_TRAINING:
        return _of_training(event, paint)
    consequence = event.get("consequence")
    return Text(f"{event.get('name')} by {event.get('source')}: {consequence}", paint.accent)


def _of_alerts(event: Event, paint: Paint) -> Text:
    """How the alerts to a place fare."""
    to, why = f"alerts to {event['channel']}", event.get("reason")
    if event["outcome"] == "works":
        return Text(f"{to} are delivered again", paint.good)
    if event["outcome"] == "failing":
        return Text(f"{to} fail, and are tried again: {why}", paint.warning)
    return Text(f"{to} given up ({event.get('count')}): {why}", paint.bad)


def _of_training(event: Event, paint: Paint) -> Text:
    kind = event["event"]
    words = kind.replace("_", " ")
    told = event.get("reason") or event.get("checkpoint") or event.get("phase") or ""
    if kind == "backend_settled":
        told = f"{event['backend']}, the fastest here"
    if kind == "resumed":
        told = f"at episode {number(event['episodes'])}, step {number(event['steps'])}"
    style = {"diverged": paint.bad, "rank_lost": paint.bad, "finished": paint.good}.get(kind, "")
    if kind in ("engine_lost", "engine_refresh_failed", "engine_restarted"):
        style = paint.warning
    return Text(f"{words}: {told}" if told else words, style)
