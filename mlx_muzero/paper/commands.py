"""Carries out the commands a running session receives through its control socket, in order.

The engine's thread executes each command between two inputs and answers once the result is
durable. The control server's threads wait for it; only a snapshot is copied in one of them.
"""

import asyncio
from collections.abc import Callable

from mlx_muzero.errors import RunError, StorageError, SymbolError
from mlx_muzero.paper.mode import CONSEQUENCES, Command, PairCommand
from mlx_muzero.paper.pair_commands import PAIR_COMMANDS
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.records.snapshot import Moment, take
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.session import Session
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.control import Handler, Refusal, Request, Turn
from mlx_muzero.symbols.symbol import Symbol

STOPPING = "the session ends after the current step; positions stay open."


class Commands:
    """Executes commands on a session.

    Args:
        folder: the session's folder.
        store: the session's store.
        session: receives the commands.
        recorder: makes results durable.
        now_ns: returns the current time.
        stop: ends the engine.
        supervisor: receives failures that are not refusals.
    """

    def __init__(
        self,
        folder: PaperFolder,
        store: PaperStore,
        session: Session,
        recorder: Recorder,
        now_ns: Callable[[], int],
        stop: Callable[[], None],
        supervisor: Supervisor,
    ) -> None:
        self._folder, self._store = folder, store
        self._session, self._recorder, self._now_ns = session, recorder, now_ns
        self._stop, self._supervisor = stop, supervisor

    def handlers(self, loop: asyncio.AbstractEventLoop) -> dict[str, Handler]:
        """The control server's handler of each command; `loop` is the engine's event loop."""

        def in_turn(work: Callable[[Request], str]) -> Handler:
            def handle(request: Request) -> str:
                turn = Turn(request)
                loop.call_soon_threadsafe(self._take, turn, request, work)
                return turn.wait()

            return handle

        every: dict[str, Callable[[Request], str]] = {
            **{name: self._for_all(name) for name in CONSEQUENCES},
            **{name: self._for_one(name) for name in PAIR_COMMANDS},
            "stop": self._end,
        }

        def snapshot(request: Request) -> str:
            moments: list[Moment] = []

            def pin(_request: Request) -> str:
                try:
                    moments.append(Moment.of(self._folder, self._store))
                # A failed snapshot must not end trading.
                except (RunError, StorageError, OSError) as error:
                    raise Refusal(str(error)) from error
                return ""

            in_turn(pin)(request)
            with moments[0] as moment:  # copied in this thread while the engine keeps running
                return take(moment)

        return {name: in_turn(work) for name, work in every.items()} | {"snapshot": snapshot}

    def _take(self, turn: Turn, request: Request, work: Callable[[Request], str]) -> None:
        """Execute a command if its sender is still waiting."""
        try:
            turn.take(lambda: work(request))
        except Exception as error:
            self._supervisor.report(request.command, error)

    def _for_all(self, name: Command) -> Callable[[Request], str]:
        def work(_request: Request) -> str:
            self._recorder.record(self._session, self._session.command(name, self._now_ns()))
            return CONSEQUENCES[name]

        return work

    def _for_one(self, name: PairCommand) -> Callable[[Request], str]:
        def work(request: Request) -> str:
            try:
                pair = Symbol(request.arguments.get("pair", ""))
            except SymbolError as error:
                raise Refusal(str(error)) from error
            transaction, consequence = self._session.command_pair(name, pair, self._now_ns())
            self._recorder.record(self._session, transaction)
            return consequence

        return work

    def _end(self, _request: Request) -> str:
        self._stop()
        return STOPPING
