"""Which event of a training becomes which alert."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.table import AlertTable, because, number
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.watch.events import Event
from mlx_muzero.words import command

_ENDS = "the training ends; earlier checkpoints are kept"


class TrainingAlerts(AlertTable):
    """Alerts of a training run."""

    def __init__(self, run: Path, on: Collection[AlertKind]) -> None:
        super().__init__(run, on)
        self._unit = "pips"

    @property
    def going_on(self) -> str:
        """See `AlertTable.going_on`."""
        return command("train", "--run", self._run, "--resume")

    def _started(self, event: Event) -> None:
        self._unit = str(event.get("unit") or self._unit)

    def _validated(self, event: Event) -> Alert:
        metrics = event["metrics"]
        net = number(metrics.get("expectancy_pips"), "+.2f")
        won, trades = number(metrics.get("win_frac"), ".0%"), metrics.get("trades", "?")
        what = (
            f"validation after {event.get('episodes', '?')} episodes: {net} {self._unit} a trade "
            f"net, {trades} trades, {won} won"
        )
        effect = "this checkpoint is the best so far" if event["best"] else "an earlier one is best"
        return self._alert(event, "validation", what, effect, self._status)

    def _finished(self, event: Event) -> Alert:
        answer = command("evaluate", self._run, "--split", "test")
        what, effect = "the training is finished", "its checkpoints are saved"
        return self._alert(event, "end", what, effect, answer)

    def _stopped(self, event: Event) -> Alert:
        what, effect = "the training was stopped", "a checkpoint was saved"
        return self._alert(event, "end", what, effect, self.going_on)

    def _diverged(self, event: Event) -> Alert:
        what = f"the training diverged: {because(event)}"
        return self._alert(event, "fault", what, _ENDS, self._status)

    def _rank_lost(self, event: Event) -> Alert:
        what = f"a process of the training was lost: {because(event)}"
        return self._alert(event, "fault", what, _ENDS, self.going_on)

    def _exports(self, event: Event) -> Alert:
        happened = event["event"].removeprefix("engine_").replace("_", " ")
        what = f"exported programs: {happened}: {because(event)}"
        effect = f"{event.get('backend') or 'another backend'} computes"
        return self._alert(event, "fault", what, effect, self._status)

    @property
    def _status(self) -> str:
        return command("status", self._run)

    def _alert(self, event: Event, kind: AlertKind, what: str, effect: str, answer: str) -> Alert:
        time = str(event.get("time", ""))
        return Alert(kind, what, effect, answer, time, urgent=kind == "fault")

    MAKERS: ClassVar = {
        "started": _started,
        "validated": _validated,
        "finished": _finished,
        "stopped": _stopped,
        "diverged": _diverged,
        "rank_lost": _rank_lost,
        "engine_restarted": _exports,
        "engine_lost": _exports,
        "engine_refresh_failed": _exports,
    }
