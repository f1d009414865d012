"""The ledger of looks: every judgement on bars, and every configuration trained on them.

Whatever is chosen after a look at a test split was chosen with it. The ledger stands next to the
bar store, one JSON object a line, is only ever appended to, and counts all looks at any part of
the same bars, whichever run they were for. A second copy is kept for each user, so that neither a
renamed or copied store nor a deleted folder begins anew: there, bars are recognised by their digest
or by marks of their days.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from uuid import uuid4

from mlx_muzero.files.regular import bounded_lines, reader
from mlx_muzero.machine import data_folder
from mlx_muzero.runlog.folders import append_line
from mlx_muzero.runlog.journal import Clock, utc_now
from mlx_muzero.runlog.look import Kind, Look, LookedBars, Tried
from mlx_muzero.untrusted.json_values import parsed, strict_json
from mlx_muzero.untrusted.shapes import Malformed
from mlx_muzero.words import counted

__all__ = [
    "Kept",
    "LookLedger",
    "LookedBars",
    "Looks",
    "configurations_tried",
    "counted_looks",
    "own_ledger",
    "read_looks",
]

SUFFIX = ".looks.jsonl"
"""Follows the store's name in the ledger's."""


@dataclass(frozen=True)
class Looks:
    """How often bars were looked at, the present look included.

    Attributes:
        evaluations: judgements on any of the bars, when nothing had been chosen by them.
        configurations: distinct configurations judged on them.
        trained: distinct configurations trained on bars of the same symbols, judged or not.
        tried: distinct configurations and ways to decide: trained, or judged on any of the bars.
        unrecorded: where the present look could not be recorded, and why; None if it was.
        refused: lines of the ledgers that are no looks, and why; None without any.
    """

    evaluations: int
    configurations: int
    trained: int
    tried: int
    unrecorded: str | None = None
    refused: str | None = None

    @property
    def words(self) -> str:
        """The counts in sentences."""
        return self.at("these bars")

    def at(self, bars: str) -> str:
        """The counts in sentences, about `bars` ("this test split")."""
        text = (
            f"Look {self.evaluations:,} at {bars}; {counted(self.tried, 'configuration')} "
            f"{'was' if self.tried == 1 else 'were'} tried: "
            f"{self.configurations:,} judged on these bars, {self.trained:,} trained on the market."
        )
        for trouble, about in (
            ("Not recorded", self.unrecorded),
            ("Not counted", self.refused),
        ):
            text += "" if about is None else f" {trouble}: {about}."
        return text


@dataclass
class Kept:
    """What a ledger's files hold.

    Attributes:
        looks: every look once, in the order of their files, and whether the store's own has it.
        refused: what is wrong with lines that are no looks.
    """

    looks: dict[str, tuple[Look, bool]] = field(default_factory=dict)
    refused: list[str] = field(default_factory=list)

    def of_market(self, bars: LookedBars) -> list[Look]:
        """The looks at the market of `bars`, at whatever period."""
        return [
            look
            for look, beside in self.looks.values()
            if set(bars.symbols).intersection(look.bars.symbols) and _is_of(bars, look, beside)
        ]

    def of_seeds(self, look: Look) -> dict[int, Tried]:
        """What the first policy of `look`'s configuration earned on its bars, by the run's seed."""
        name = next(iter(look.policies), "")
        return {
            other.seed: other.policies[name]
            for other, _ in self.looks.values()
            if other.kind == "evaluated"
            and other.bars.digest == look.bars.digest
            and other.recipe == look.recipe != ""
            and other.seed is not None
            and name in other.policies
        }

    def trials(self, bars: LookedBars) -> dict[tuple[str, str], Tried]:
        """What policies earned on exactly `bars`, the newest of each configuration and name."""
        return {
            (look.configuration, name): policy
            for look, _ in self.looks.values()
            if look.kind == "evaluated" and look.bars.digest == bars.digest
            for name, policy in look.policies.items()
        }

    @property
    def trouble(self) -> str | None:
        """What was refused, in a few words."""
        if not self.refused:
            return None
        more = f", and {len(self.refused) - 1:,} more" if len(self.refused) > 1 else ""
        return f"{self.refused[0]}{more}"


def counted_looks(kept: Kept, bars: Sequence[LookedBars], unrecorded: str | None = None) -> Looks:
    """Count the looks at any of `bars`, which are of one market, and the trainings on it."""
    market = {look.identity: look for each in bars for look in kept.of_market(each)}.values()
    judged = [
        look
        for look in market
        if look.kind == "evaluated" and any(look.bars.overlaps(each) for each in bars)
    ]
    trained = {look.configuration for look in market if look.kind == "trained"}
    tried = {trial for look in judged for trial in look.trials}
    # A look that names no way to decide, as a replay's, is at the configuration's usual one.
    named = {configuration for configuration, name in tried if name}
    tried = {(each, name) for each, name in tried if name or each not in named}
    unjudged = trained - {configuration for configuration, _ in tried}
    return Looks(
        len(judged),
        len({look.configuration for look in judged}),
        len(trained),
        len(tried) + len(unjudged),
        unrecorded,
        kept.trouble,
    )


def configurations_tried(looks: Iterable[Look]) -> int:
    """Configurations that were trained, or judged on unseen bars, at least 1."""
    return max(len({look.configuration for look in looks if look.kind != "validated"}), 1)


def own_ledger() -> Path:
    """The ledger of this user: looks at all of their stores."""
    return data_folder() / "looks.jsonl"


def read_looks(path: Path) -> Iterator[Look | str]:
    """The looks in a ledger, oldest first; for a line that is none, what is wrong with it.

    Raises:
        OSError: it cannot be read.
    """
    with reader(path) as file:
        for place, (line, _) in enumerate(bounded_lines(file), 1):
            if not line.strip():
                continue
            try:
                yield Look.parsed(parsed(line))
            except Malformed as error:
                yield f"{path}, line {place}: wanted {error}"
            except ValueError:
                yield f"{path}, line {place}: wanted a JSON object"


class LookLedger:
    """The ledger of the bar store at `store`, with the user's own beside it."""

    def __init__(self, store: Path, clock: Clock = utc_now, own: Path | None = None) -> None:
        self.path = store.with_name(store.name + SUFFIX)
        self.own = own or own_ledger()
        self._clock = clock

    def add(
        self,
        kind: Kind,
        bars: LookedBars,
        configuration: str,
        run: str,
        checkpoint: str = "",
    ) -> Looks:
        """Record one look and count all of them; arguments as the attributes of `Look`."""
        looks, _ = self.record(Look(kind, bars, configuration, run, checkpoint))
        return looks

    def record(self, look: Look) -> tuple[Looks, Kept]:
        """Record `look` and count all of them.

        A ledger that cannot be written is told of in the result: what was looked at is not lost for
        that.

        Returns:
            The counts, and every look that is kept.
        """
        look = self._named(look)
        unrecorded = self._append(look)
        kept = self.kept()
        kept.looks.setdefault(look.identity, (look, True))
        return counted_looks(kept, [look.bars], unrecorded), kept

    def note(self, look: Look) -> str | None:
        """Record `look` without counting; what kept it from being recorded, if anything did."""
        return self._append(self._named(look))

    def kept(self) -> Kept:
        """Every look of both ledgers once."""
        found = Kept()
        for path, beside in ((self.path, True), (self.own, False)):
            try:
                for look in read_looks(path):
                    if isinstance(look, str):
                        found.refused.append(look)
                    else:
                        found.looks.setdefault(look.identity, (look, beside))
            except FileNotFoundError:
                continue  # there is none yet
            except OSError as error:
                found.refused.append(f"{path}: {error.strerror or error}")
        return found

    def of_configuration(self, symbols: Iterable[str], configuration: str) -> list[Look]:
        """The looks at the market of `configuration`, of any of the `symbols`.

        What that market is, its own looks say, wherever its store is by now; without one, it is
        whatever the store's own ledger has of these symbols.
        """
        wanted = {str(symbol) for symbol in symbols}
        of_symbols = [
            (look, beside)
            for look, beside in self.kept().looks.values()
            if wanted.intersection(look.bars.symbols)
        ]
        own = [
            look.bars
            for look, _ in of_symbols
            if look.configuration == configuration and look.bars.marks
        ][:1]
        return [
            look
            for look, beside in of_symbols
            if (beside if not own else _is_of(own[0], look, beside))
        ]

    def merge(self, other: Path) -> tuple[int, list[str]]:
        """Append what the ledger `other` has beyond this one; return how much, and what it lacks.

        Returns:
            The number of looks that were appended, and what is wrong with lines that are none.

        Raises:
            OSError: a ledger cannot be read or written.
        """
        found = list(read_looks(other))
        theirs = [look for look in found if isinstance(look, Look)]
        added: set[str] = set()
        for path in (self.path, self.own):
            held = _identities(path)
            for look in theirs:
                if look.identity not in held:
                    held.add(look.identity)
                    added.add(look.identity)
                    _write(path, look)
        return len(added), [line for line in found if isinstance(line, str)]

    def _named(self, look: Look) -> Look:
        return replace(look, time=self._clock().isoformat(), id=uuid4().hex)

    def _append(self, look: Look) -> str | None:
        reasons = []
        for path in (self.path, self.own):
            try:
                _write(path, look)
            except OSError as error:
                reasons.append(f"{path}: {error.strerror or error}")
        return "; ".join(reasons) or None


def _is_of(bars: LookedBars, look: Look, beside: bool) -> bool:
    """Whether `look` is at the market of `bars`.

    What the store's own ledger has is, unless it is known to be another market: the store may have
    been filled anew. What only the user's has may be of any store.
    """
    same = look.bars.same_market(bars)
    return beside if same is None else same


def _identities(path: Path) -> set[str]:
    try:
        return {look.identity for look in read_looks(path) if isinstance(look, Look)}
    except FileNotFoundError:
        return set()


def _write(path: Path, look: Look) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    append_line(path, strict_json(look.facts()).encode())
