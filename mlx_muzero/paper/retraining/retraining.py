"""Retraining as the engine runs it: begins candidates, judges verdicts, changes the model.

All of it happens in the engine's thread, between two minutes; only the waiting for the candidate's
process is in another. What changes is committed with the session's state before anything follows
from it, so that a session killed at any point goes on where it was.
"""

import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import NamedTuple

from mlx_muzero.agent.agent import played_by
from mlx_muzero.errors import MuZeroError, RunError
from mlx_muzero.files.digests import SUMS
from mlx_muzero.files.regular import remove
from mlx_muzero.market.bars import utc_text
from mlx_muzero.numerics import numerics
from mlx_muzero.paper.planner import Planner
from mlx_muzero.paper.records.transaction import Transaction
from mlx_muzero.paper.retraining.candidate_process import CandidateProcess, Make, Making
from mlx_muzero.paper.retraining.job import Job
from mlx_muzero.paper.retraining.played_model import CandidateFolder, PlayedModel
from mlx_muzero.paper.retraining.verdict import Verdict
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.training.checkpoint import STATE, WEIGHTS
from mlx_muzero.words import command


class News(NamedTuple):
    """Something to commit, and to say."""

    transaction: Transaction
    text: str


Load = Callable[[PlayedModel], Planner]
"""Loads a candidate for the session.

Raises:
    MuZeroError: it cannot be played, or has other weights than were judged.
"""


class Retraining:
    """The retraining of a session.

    Args:
        path: the session's folder.
        settings: the session's settings.
        session: the session.
        load: loads a candidate that takes over.
        make: begins or goes on with the making of a candidate.
    """

    def __init__(
        self,
        path: Path,
        settings: PaperSettings,
        session: Session,
        load: Load,
        make: Make = CandidateProcess,
    ) -> None:
        self._path, self._settings, self._session = path, settings.retrain, session
        self._backends = settings.session.backend, settings.session.root_backend
        self._load, self._make = load, make
        # An unpaced replay has no time of its own: it waits, so that it can be repeated.
        replay = settings.session
        self._waits = replay.feed == "replay" and not replay.speed
        self._making: Making | None = None
        self._ended: tuple[str | None] | None = None
        self._closed = False

    @property
    def holds(self) -> bool:
        """Whether the session must not go on to the next minute yet."""
        return self._waits and self._making is not None

    def begin(self, supervisor: Supervisor, call: Callable[[], None]) -> None:
        """Go on with the candidate that was under way, if any, or tidy up after the last one.

        Args:
            supervisor: receives faults.
            call: wakes the engine, from any thread.
        """
        self._supervisor, self._call = supervisor, call
        state = self._session.retraining
        if state.until_ns:
            self._go_on()
        elif state.number and state.playing is not None:
            plays = state.playing if state.playing.number == state.number else None
            prune(CandidateFolder.of(self._path, state.number), plays)

    def close(self) -> None:
        """End the candidate's process, within seconds; the next start goes on with it."""
        self._closed = True
        if self._making is not None:
            self._making.end()

    def after_minute(self) -> Iterator[News]:
        """What follows between this minute and the next; each is to be committed as it comes."""
        state, close_ns = self._session.retraining, self._session.last_close_ns
        yield from self._concluded()
        if state.due(close_ns):
            number = state.begin(close_ns, self._settings.every_days)
            news = Transaction(close_ns)
            facts = {"number": number, "until_ns": close_ns, "next_ns": state.next_ns}
            news.tell("candidate_began", **facts)
            yield News(
                news,
                f"candidate {number}: trains on the bars until {utc_text(close_ns)} UTC; the next "
                f"is due {utc_text(state.next_ns)} UTC",
            )
            self._go_on()
            yield from self._concluded()  # it may not have started

    def _go_on(self) -> None:
        """Start the process of the candidate that is under way."""
        state = self._session.retraining
        assert state.playing is not None, "sessions that retrain know what plays"
        job = Job(self._path.absolute(), state.number, state.until_ns, state.playing)
        try:
            self._making = making = self._make(job, self._settings.niceness)
        except OSError as error:
            self._ended = (f"its process cannot be started ({error})",)
            return

        def wait() -> None:
            ended = making.wait()
            if not self._closed:
                self._ended = (ended,)
                self._call()

        self._supervisor.thread("candidate", wait)

    def _concluded(self) -> Iterator[News]:
        """Once its process has ended, follow the verdict on the candidate, or tell of none."""
        if self._ended is None:
            return
        (trouble,), state = self._ended, self._session.retraining
        self._making = self._ended = None
        folder = CandidateFolder.of(self._path, state.number)
        verdict: Verdict | None = None
        loaded: Planner | None = None
        if trouble is None:
            try:
                verdict = Verdict.kept(folder.verdict_path)
                loaded = self._taking_over(verdict)
            except MuZeroError as error:
                trouble = str(error)
        yield self._told(verdict, loaded, trouble)
        prune(folder, None if loaded is None or verdict is None else verdict.candidate)

    def _taking_over(self, verdict: Verdict) -> Planner | None:
        """The candidate's planner; None if it is not better.

        Raises:
            MuZeroError: it cannot be played, or is not what was judged.
        """
        state = self._session.retraining
        assert state.playing is not None
        if (verdict.candidate.number, verdict.beside) != (state.number, state.playing.weights):
            raise RunError("its verdict is of other models")
        if not verdict.better(self._settings):
            return None
        return self._load(verdict.candidate)

    def _told(self, verdict: Verdict | None, loaded: Planner | None, trouble: str | None) -> News:
        """Change the model if it takes over, and tell what became of the candidate."""
        session, news = self._session, Transaction(self._session.last_close_ns)
        state = session.retraining
        next_facts = {"next_ns": state.next_ns}
        if verdict is None or trouble is not None:
            reason = f"candidate {state.number} failed: {trouble}"
            news.tell("candidate_failed", number=state.number, reason=reason, **next_facts)
            state.end()
        elif loaded is None:
            reason = verdict.words(self._settings)
            news.tell("candidate_refused", reason=reason, **verdict.facts, **next_facts)
            state.end()
        else:
            before = session.planner.precision
            session.play_with(loaded)
            state.end(verdict.candidate)
            reason = verdict.words(self._settings) + self._on_other_backend(verdict.candidate)
            if session.planner.precision != before:
                reason += f". It plays in float32: {before} was not verified for it"
            news.tell(
                "candidate_took_over",
                reason=reason,
                backend=session.planner.backend,
                root_backend=session.planner.root_backend,
                numerics=numerics(session.planner.precision),
                **verdict.facts,
                **next_facts,
            )
        return News(news, reason)

    def _on_other_backend(self, candidate: PlayedModel) -> str:
        """Says if the session's export, which is of the old weights, does not play."""
        planner, (wanted, _) = self._session.planner, self._backends
        if planner.backend == wanted:
            return ""
        run = CandidateFolder.of(self._path, candidate.number).run_path
        return (
            f". {wanted} plays an export of the model before; "
            f"{played_by(planner.backend, planner.root_backend)} plays until there is one of this: "
            f"{command('export', run)}, then start the session again"
        )


def prune(folder: CandidateFolder, plays: PlayedModel | None) -> None:
    """Remove what nothing needs any more: bars, and all checkpoints but the one that plays.

    Of that remains what plays it, as `paper parity` needs it too. Configuration, journal, log and
    verdict always remain. What cannot be removed is tried again at the next start.
    """
    with suppress(OSError):
        _remove_unneeded(folder, plays)


def _remove_unneeded(folder: CandidateFolder, plays: PlayedModel | None) -> None:
    for path in folder.path.glob(f"{folder.bars_path.name}*"):
        if not path.name.endswith(".jsonl"):  # the ledger of looks
            remove(path)
    checkpoints = folder.run_path / "checkpoints"
    if plays is None:
        shutil.rmtree(checkpoints, ignore_errors=True)
        return
    for path in checkpoints.iterdir():
        if path.name != plays.checkpoint:
            remove(path)
    for path in (checkpoints / plays.checkpoint).iterdir():
        if path.name not in (STATE, WEIGHTS, SUMS):
            remove(path)
