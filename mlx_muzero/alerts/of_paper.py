"""Which event of a paper session becomes which alert."""

from collections.abc import Collection
from pathlib import Path
from typing import ClassVar

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.table import AlertTable, because, number
from mlx_muzero.config.choices import AlertKind
from mlx_muzero.market.series import while_unknown
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.watch.events import Event
from mlx_muzero.words import command, counted

_ILL = ("silent", "down")  # a lost one is a fault, which is journaled once however often it is met
_GOES_ON = "the agent manages the position"


class PaperAlerts(AlertTable):
    """Alerts of a paper session."""

    def __init__(self, run: Path, on: Collection[AlertKind]) -> None:
        super().__init__(run, on)
        self._ill: set[str] = set()

    @property
    def going_on(self) -> str:
        """See `AlertTable.going_on`."""
        return command("paper", "start", "--run", self._run)

    def _fill(self, event: Event) -> Alert:
        fee = event.get("fee")
        paid = "" if fee is None else f", fee {number(fee, '.2f')}"
        units, price = number(event["units"], "+,.6g"), number(event["price"], ".8g")
        what = f"{event['pair']}: filled {units} at {price}{paid}"
        return self._alert(event, "fill", what, _GOES_ON)

    def _trade(self, event: Event) -> Alert:
        what = f"{event['pair']}: a trade closed, net {number(event['net'], '+,.2f')}"
        return self._alert(event, "fill", what, _GOES_ON)

    def _expired(self, event: Event) -> Alert:
        what = f"order {event['id']} expired: {because(event)}"
        return self._alert(event, "fill", what, "nothing was filled; the agent decides anew")

    def _risk(self, event: Event) -> Alert:
        value, most = number(event.get("value"), ".4g"), number(event.get("threshold"), ".4g")
        what = f"limit {event.get('limit', '?')} exceeded: {value} of {most}"
        effect = because(event, "reaction")
        return self._alert(event, "limit", what, effect, "resume", urgent=True)

    def _fault(self, event: Event) -> Alert:
        effect = because(event, "reaction")
        if "pair" in event:
            return self._lost(event, effect)
        what = f"fault in {event.get('what', 'the engine')}: {because(event)}"
        if effect.startswith("the engine ends"):
            return Alert("fault", what, effect, self.going_on, _time(event), urgent=True)
        return self._alert(event, "fault", what, effect, urgent=True)

    def _lost(self, event: Event, effect: str) -> Alert:
        """The venue no longer has a pair: of its feed, or a fault to who wants no news of feeds."""
        what = f"{event['pair']}: the feed is lost: {because(event)}"
        kind: AlertKind = "feed" if "feed" in self._on else "fault"
        return self._alert(event, kind, what, effect, urgent=True)

    def _command(self, event: Event) -> Alert:
        name, pair = str(event.get("name")), event.get("pair")
        what = f"commanded: {name}{f' {pair}' if pair else ''}"
        effect = because(event, "consequence")
        if name in ("resume", "include"):
            return self._alert(event, "stop", what, effect)
        if pair is None:
            return self._alert(event, "stop", what, effect, "resume")
        return self._alert(event, "stop", what, effect, "include", str(pair))

    def _begun(self, event: Event) -> Alert:
        self._ill.clear()
        began = "goes on" if event.get("resumed") else "began"
        pairs = counted(len(event.get("pairs") or ()), "pair")
        what = f"the session {began}: {pairs} by feed {event.get('feed', '?')}"
        return self._alert(event, "stop", what, "decisions follow once there are enough bars")

    def _feed(self, event: Event) -> Alert | None:
        kind, pair = event["kind"], str(event.get("pair") or "every pair")
        if kind == "status":
            return self._feed_status(event, pair)
        series = event.get("series")
        if kind == "series_stale":
            effect = while_unknown(str(series))
            return self._alert(event, "feed", f"{pair}: {series} is too old to be used", effect)
        if kind == "series_back":
            effect = "it counts again"
            return self._alert(event, "feed", f"{pair}: {series} is known again", effect)
        return None

    def _feed_status(self, event: Event, pair: str) -> Alert | None:
        status = event.get("status")
        if status in _ILL:
            self._ill.add(pair)
            what = f"{pair}: the feed is {status}: {because(event, 'why')}"
            effect = "the pair is not traded meanwhile, and its position stays; others go on"
            return self._alert(event, "feed", what, effect, urgent=True)
        if status == "live" and pair in self._ill:
            self._ill.discard(pair)
            return self._alert(event, "feed", f"{pair}: the feed is back", "the pair is traded")
        return None

    def _hole(self, event: Event) -> Alert | None:
        minutes = (event.get("to_ns", 0) - event.get("from_ns", 0)) // MINUTE_NS
        if minutes < 1:
            return None  # it was back before the next minute was over
        what = f"{counted(minutes, 'minute')} missed: {because(event)}"
        effect = "bars from then fill orders and mark positions, and are not traded on"
        return self._alert(event, "feed", what, effect)

    def _took_over(self, event: Event) -> Alert:
        effect = "it decides from the next minute on; positions and orders stay"
        return self._alert(event, "validation", because(event), effect)

    def _refused(self, event: Event) -> Alert:
        effect = "nothing changes; the model plays that played"
        return self._alert(event, "validation", because(event), effect)

    def _failed(self, event: Event) -> Alert:
        effect = "nothing changes; the model plays that played, and another is trained when due"
        return self._alert(event, "fault", because(event), effect)

    def _finished(self, event: Event) -> Alert:
        effect = "nothing is traded; positions stay as they are"
        return self._alert(event, "end", "the feed has ended", effect, "report")

    def _stopped(self, event: Event) -> Alert:
        what, effect = f"the session ended: {because(event)}", "nothing is traded"
        return Alert("end", what, effect, self.going_on, _time(event))

    def _alert(
        self,
        event: Event,
        kind: AlertKind,
        what: str,
        effect: str,
        verb: str = "status",
        *arguments: str,
        urgent: bool = False,
    ) -> Alert:
        """An alert of `kind`, answered by a command on the session."""
        answer = command("paper", verb, self._run, *arguments)
        return Alert(kind, what, effect, answer, _time(event), urgent)

    MAKERS: ClassVar = {
        "paper_started": _begun,
        "fill": _fill,
        "trade": _trade,
        "order_expired": _expired,
        "risk": _risk,
        "fault": _fault,
        "command": _command,
        "feed": _feed,
        "hole": _hole,
        "candidate_took_over": _took_over,
        "candidate_refused": _refused,
        "candidate_failed": _failed,
        "finished": _finished,
        "stopped": _stopped,
    }


def _time(event: Event) -> str:
    return str(event.get("time", ""))
