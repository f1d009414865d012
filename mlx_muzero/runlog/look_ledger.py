"""The ledger of looks: every judgement on unseen bars and every configuration trained.

Whatever is chosen after a look at a test split was chosen with it. The ledger stands next to the
bar store, one JSON object a line, is only ever appended to, and counts all looks at any part of
the same bars, whichever run they were for.
"""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

from mlx_muzero.runlog.journal import Clock, Journal, read, utc_now
from mlx_muzero.untrusted.shapes import Malformed, record, sequence, text, time_ns

Kind = Literal["evaluated", "trained"]

SUFFIX = ".looks.jsonl"
"""Follows the store's name in the ledger's."""


@dataclass(frozen=True)
class LookedBars:
    """Bars that somebody looked at.

    Attributes:
        symbols: whose they are.
        first_ns: UTC open of the first.
        end_ns: UTC time before which all of them open.
        digest: SHA-256 of their opens and closes.
    """

    symbols: tuple[str, ...]
    first_ns: int
    end_ns: int
    digest: str


@dataclass(frozen=True)
class Looks:
    """How often bars were looked at, the present look included.

    Attributes:
        evaluations: judgements on any of the bars.
        configurations: distinct configurations judged on them.
        trained: distinct configurations trained on bars of the same symbols, judged or not.
        unrecorded: why the present look is not in the ledger; None if it is.
    """

    evaluations: int
    configurations: int
    trained: int
    unrecorded: str | None = None

    @property
    def words(self) -> str:
        """The counts as a sentence."""
        text = (
            f"Looks at these bars: {_of(self.evaluations, 'evaluation')} of "
            f"{_of(self.configurations, 'configuration')}, this one included; "
            f"{_of(self.trained, 'configuration')} trained on the market."
        )
        return text if self.unrecorded is None else f"{text} Not recorded: {self.unrecorded}."


def _of(count: int, what: str) -> str:
    return f"{count:,} {what}{'' if count == 1 else 's'}"


_LOOK = record(
    {
        "event": text,
        "symbols": sequence(text),
        "first_ns": time_ns,
        "end_ns": time_ns,
        "digest": text,
        "configuration": text,
    }
)


class LookLedger:
    """The ledger of the bar store at `store`."""

    def __init__(self, store: Path, clock: Clock = utc_now) -> None:
        self.path = store.with_name(store.name + SUFFIX)
        self._clock = clock

    def add(
        self, kind: Kind, bars: LookedBars, configuration: str, run: str, checkpoint: str = ""
    ) -> Looks:
        """Record one look and count all of them.

        A ledger that cannot be written is told of in the result: what was looked at is not lost for
        that.

        Args:
            kind: what was done.
            bars: looked at.
            configuration: SHA-256 of the configuration's text.
            run: name of its folder.
            checkpoint: that played; empty of a training.
        """
        facts = asdict(bars) | {
            "configuration": configuration,
            "run": run,
            "checkpoint": checkpoint,
        }
        unrecorded = None
        try:
            Journal(self.path, self._clock).append(kind, **facts)
        except OSError as error:
            unrecorded = f"{self.path}: {error.strerror or error}"
        looks = self._kept()
        if unrecorded is not None:
            looks.append({"event": kind, **facts})
        return self._counted(looks, bars, unrecorded)

    def _kept(self) -> list[dict[str, Any]]:
        """The looks in the ledger; lines of another shape are skipped."""
        looks = []
        try:
            for event in read(self.path):
                try:
                    looks.append(_LOOK(event))
                except Malformed:
                    continue
        except OSError:
            pass  # `add` has said so, or there is none yet
        return looks

    @staticmethod
    def _counted(looks: list[dict[str, Any]], bars: LookedBars, unrecorded: str | None) -> Looks:
        wanted = set(bars.symbols)
        same = [look for look in looks if wanted.intersection(look["symbols"])]
        judged = [
            look["configuration"]
            for look in same
            if look["event"] == "evaluated"
            and look["first_ns"] < bars.end_ns
            and bars.first_ns < look["end_ns"]
        ]
        trained = {look["configuration"] for look in same if look["event"] == "trained"}
        return Looks(len(judged), len(set(judged)), len(trained), unrecorded)
