"""The table of alerts: which event of a journal becomes which alert, for both kinds of runs."""

from collections.abc import Callable, Collection, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, ClassVar

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.watch.events import Event, market_time


class AlertTable:
    """Makes alerts of a run's events; a subclass has those of one kind of run.

    Args:
        run: the run's folder, as commands name it.
        on: what is told.

    Attributes:
        MAKERS: makes the alert of each kind of event; None if nobody needs to know.
    """

    MAKERS: ClassVar[Mapping[str, Callable[[Any, Event], Alert | None]]] = {}

    def __init__(self, run: Path, on: Collection[AlertKind]) -> None:
        self._run, self._on = run, on

    def of(self, event: Event) -> Alert | None:
        """The alert that `event`, in the shape of its kind, is; None if it is none."""
        make = self.MAKERS.get(str(event["event"]))
        alert = None if make is None else make(self, event)
        if alert is None or alert.kind not in self._on:
            return None
        market = market_time(event)
        return alert if market is None else replace(alert, market=market.isoformat())

    def of_error(self, error: BaseException, time: str) -> Alert | None:
        """The alert of what ended a run and may have kept it from journaling that."""
        if "fault" not in self._on:
            return None
        what = f"{type(error).__name__}: {error}"
        effect = "the process ends; everything committed before is kept"
        return Alert("fault", what, effect, self.going_on, time, urgent=True)

    @property
    def going_on(self) -> str:
        """The command that goes on with the run."""
        raise NotImplementedError


def number(value: Any, form: str) -> str:
    """`value` in the format `form`; a question mark if the journal does not say."""
    return format(value, form) if isinstance(value, int | float) else "?"


def because(event: Event, name: str = "reason") -> str:
    """The reason that `event` gives."""
    return str(event.get(name) or "no reason given")
