"""Alerts on disk: up to where the journal was told, what waits, and what was never delivered."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, get_args

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.outbox import MOST_WAITING, Outbox
from mlx_muzero.alerts.tail import Cursor
from mlx_muzero.config.choices import AlertChannel, AlertKind
from mlx_muzero.files.regular import write_text
from mlx_muzero.runlog.kept_facts import DamagedFile, kept_facts
from mlx_muzero.untrusted.json_values import strict_json
from mlx_muzero.untrusted.shapes import (
    Malformed,
    count,
    flag,
    mapping,
    one_of,
    optional,
    plain,
    record,
    sequence,
    text,
)

FILE, WATCH_FILE = "alerts.json", "watch-alerts.json"
"""What a run keeps of its alerts, and its watch of its own, in the run's folder."""

MOST_UNDELIVERED = 100
_MOST_BYTES = 4 * 2**20
_WAITING = record(
    {
        "waiting": sequence(Alert.parsed, most=MOST_WAITING),
        "more": mapping(count, most=len(get_args(AlertKind))),
        "begun": flag,
        "trouble": text,
    }
)
_LOST = record({"channel": one_of(get_args(AlertChannel)), "reason": text, "alert": Alert.parsed})
_SHAPE = record(
    {
        "offset": optional(count),
        "seq": count,
        "channels": plain,
        "undelivered": sequence(_LOST, most=MOST_UNDELIVERED),
    }
)
_CHANNELS = mapping(_WAITING, most=len(get_args(AlertChannel)))


@dataclass
class KeptAlerts:
    """What outlives a process.

    Attributes:
        cursor: up to where the journal was told; None if it was not.
        outboxes: what waits for each place.
        undelivered: the newest alerts that were given up: place, reason and alert.
    """

    cursor: Cursor | None = None
    outboxes: dict[str, Outbox] = field(default_factory=dict)
    undelivered: list[tuple[str, str, Alert]] = field(default_factory=list)

    @classmethod
    def load(cls, path: Path, every_s: float, tell: Callable[[str], None]) -> "KeptAlerts":
        """What the file at `path` holds, nothing if there is none.

        A file that is damaged is told and begun anew: no run ends for that.
        """
        try:
            found = _read(path)
        except FileNotFoundError:
            return cls()
        except DamagedFile as damage:
            tell(f"{damage}; alerts that waited in it are lost, and it is begun anew")
            return cls()
        offset = found["offset"]
        return cls(
            None if offset is None else Cursor(offset, found["seq"]),
            {
                name: Outbox(every_s, kept["waiting"], kept["more"], begun=kept["begun"])
                for name, kept in found["channels"].items()
            },
            [(lost["channel"], lost["reason"], lost["alert"]) for lost in found["undelivered"]],
        )

    def save(self, path: Path) -> None:
        """Write it to `path`, atomically and durably.

        Raises:
            OSError: it cannot be written.
        """
        facts = {
            "offset": None if self.cursor is None else self.cursor.offset,
            "seq": 0 if self.cursor is None else self.cursor.seq,
            "channels": {name: _facts(outbox) for name, outbox in self.outboxes.items()},
            "undelivered": [
                {"channel": channel, "reason": reason, "alert": alert.facts()}
                for channel, reason, alert in self.undelivered[-MOST_UNDELIVERED:]
            ],
        }
        write_text(path, strict_json(facts))


def troubles(run: Path) -> list[str]:
    """What is the matter with the alerts of `run`, a line for each place; empty if nothing is."""
    return [line for name in (FILE, WATCH_FILE) for line in _troubles(run, name)]


def _troubles(run: Path, name: str) -> list[str]:
    try:
        found = _read(run / name)
    except FileNotFoundError:
        return []
    except DamagedFile as damage:
        return [str(damage)]
    lines = [
        f"alerts to {channel} fail ({kept['trouble']}): {len(kept['waiting'])} wait"
        for channel, kept in found["channels"].items()
        if kept["trouble"]
    ]
    if lost := found["undelivered"]:
        last = lost[-1]
        lines.append(
            f"alerts never delivered: {len(lost)}, the last to {last['channel']} "
            f"({last['reason']}): {last['alert'].what}"
        )
    return lines


def _facts(outbox: Outbox) -> dict[str, Any]:
    return {
        "waiting": [alert.facts() for alert in outbox.waiting],
        "more": dict(outbox.more),
        "begun": outbox.begun,
        "trouble": outbox.trouble,
    }


def _read(path: Path) -> Mapping[str, Any]:
    """The checked contents of the file; errors as `kept_facts`."""
    return kept_facts(path, _checked, _MOST_BYTES)


def _checked(value: object) -> Mapping[str, Any]:
    """What `KeptAlerts.save` writes."""
    found = _SHAPE(value)
    channels = _CHANNELS(found["channels"])
    if unknown := channels.keys() - set(get_args(AlertChannel)):
        raise Malformed(f"known places, not {', '.join(sorted(unknown))}")
    return {**found, "channels": channels}
