"""Commands to a running process, through a Unix socket in its run folder (ADR 21).

One request a connection: ``{"command": NAME, "arguments": {...}, "within_s": SECONDS}`` and a
newline; the answer is ``{"ok": BOOL, "text": SENTENCE}`` and a newline. Whoever may write to the
folder's owner's files may command (mode 0600); nothing listens on a network.

A command is begun within the time its sender waits, or never: see `Turn`.
"""

import asyncio
import errno
import json
import os
import select
import shutil
import socket
import tempfile
import time
from collections.abc import Callable, Mapping
from concurrent.futures import CancelledError as TurnCancelled
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as TurnTimeout
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path

from mlx_muzero.errors import MuZeroError, RunError
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog.closeable import Closeable

MAX_PATH_BYTES = 100
"""What every system takes as a socket's path: macOS has 103 bytes, Linux 107."""

_NAME, _SHORT = "control.sock", "mlx-muzero-"  # of a socket whose path is too long, and its folder
_MAX_LINE_BYTES = 65_536
_MAX_ANSWER_BYTES = 16_777_216
_MAX_CLIENTS = 64
_BACKLOG = 1024  # that have connected and are not let in yet
_MAX_COMMANDS = 16  # under way at once
_PATIENCE_S = 5.0  # for a connected client to send its line, and to take the answer
_WITHIN_S = 10.0  # to begin a command that does not say how long it is waited for
_MAX_WITHIN_S = 60.0


class Refusal(RunError):
    """A command cannot be done, and nothing was: its sender's matter alone."""


@dataclass(frozen=True)
class Request:
    """A command as it was asked for.

    Attributes:
        command: its name.
        arguments: by name.
        within_s: how long its sender waits for it to begin, in seconds.
        sender_waits: whether its sender is still there.
    """

    command: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    within_s: float = _WITHIN_S
    sender_waits: Callable[[], bool] = field(default=lambda: True, compare=False)


Handler = Callable[[Request], str]
"""Does one command and returns, as a sentence, what follows from it."""


class Turn:
    """One command's turn in the main flow: taken in time, or given up for good.

    The handler's thread makes it and calls `wait`; the main flow calls `take` with the work.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._done: Future[str] = Future()

    def take(self, work: Callable[[], str]) -> None:
        """Do `work`, unless its sender has been told that it will not be done, or has gone.

        Raises:
            Exception: what `work` raises, which the sender hears of too; but for a refusal.
        """
        # This process may have been stopped or asleep for longer than the sender was patient.
        if not self._request.sender_waits():
            self._done.cancel()
        if not self._done.set_running_or_notify_cancel():
            return
        try:
            self._done.set_result(work())
        except Refusal as refusal:
            self._done.set_exception(refusal)
        except BaseException as error:
            self._done.set_exception(error)
            raise

    def wait(self) -> str:
        """What `work` returned.

        Raises:
            Refusal: it was not begun in time, and will not be done later either.
        """
        try:
            return self._done.result(self._request.within_s)
        except TurnCancelled:
            raise Refusal(f"{self._request.command} was not done: its sender has gone") from None
        except TurnTimeout:
            if not self._done.cancel():
                return self._done.result()  # begun: what follows is on its way
        raise Refusal(
            f"{self._request.command} did not start within {self._request.within_s:g} s, "
            "because the process is busy, and will not run later: ask again"
        )


class ControlServer(Closeable):
    """Answers the commands in `handlers` at the socket `path` until `close`.

    Every client has a deadline, and where too many are connected the one that has kept silent
    longest makes room, so none keeps another from being heard.

    Args:
        path: where the socket appears; one that a killed process left there is replaced.
        handlers: what each command does, each call in a thread of its own. A `MuZeroError` one
            raises is answered as a refusal; anything else is also a fault.
        supervisor: hears of faults.

    Raises:
        RunError: somebody listens at `path`, or no socket can be made there.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler], supervisor: Supervisor) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._supervisor = supervisor
        self._short_folder: Path | None = None
        self._socket = self._bind()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._silent: dict[asyncio.Task[None], None] = {}  # have not sent their line, oldest first
        self._asked: set[asyncio.Task[None]] = set()  # are being answered
        self._pool = ThreadPoolExecutor(_MAX_COMMANDS, thread_name_prefix="command")
        self._thread = supervisor.thread("control", self._serve)

    def close(self) -> None:
        """Stop listening and remove the socket; a command under way is answered first."""
        with suppress(RuntimeError):  # the loop has ended with its thread
            self._loop.call_soon_threadsafe(self._closing.set)
        self._thread.join()
        self._pool.shutdown()
        self._socket.close()
        self._remove()

    def _bind(self) -> socket.socket:
        if _listens(self._path):
            raise RunError(f"{self._path}: another process takes commands there")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            if len(os.fsencode(self._path)) > MAX_PATH_BYTES:
                # Too long for the system: the socket lives in a folder of this user's alone.
                self._short_folder = Path(tempfile.mkdtemp(prefix=_SHORT))
                self._path.symlink_to(self._short_folder / _NAME)
            listener.bind(str(self._address()))
            self._address().chmod(0o600)  # nobody can connect before listen
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            self._remove()
            raise RunError(f"{self._path}: no socket can be made there: {error}") from error
        return listener

    def _address(self) -> Path:
        return self._path if self._short_folder is None else self._path.readlink()

    def _remove(self) -> None:
        self._path.unlink(missing_ok=True)
        if self._short_folder is not None:
            shutil.rmtree(self._short_folder, ignore_errors=True)

    def _serve(self) -> None:
        with asyncio.Runner(loop_factory=lambda: self._loop) as runner:
            runner.run(self._listen())

    async def _listen(self) -> None:
        server = await asyncio.start_unix_server(
            self._admit, sock=self._socket, limit=_MAX_LINE_BYTES, backlog=_BACKLOG
        )
        await self._closing.wait()
        server.close()
        for task in self._silent:
            task.cancel()
        await asyncio.gather(*self._asked, *self._silent, return_exceptions=True)

    def _admit(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if len(self._silent) + len(self._asked) >= _MAX_CLIENTS and self._silent:
            longest = next(iter(self._silent))
            del self._silent[longest]
            longest.cancel()
        task = asyncio.create_task(self._hear(reader, writer))
        self._silent[task] = None
        task.add_done_callback(partial(self._gone, writer))

    def _gone(self, writer: asyncio.StreamWriter, task: "asyncio.Task[None]") -> None:
        writer.close()  # not the task's to do: it may be cancelled before it begins
        self._silent.pop(task, None)
        self._asked.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._supervisor.report("control", error)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one client's line and answer it; one that is slow or has gone is let go."""
        task = asyncio.current_task()
        assert task is not None
        try:
            async with asyncio.timeout(_PATIENCE_S):
                request = _request(await _line(reader))
            self._silent.pop(task, None)
            self._asked.add(task)
            if request is not None:
                connection = writer.get_extra_info("socket")
                request = replace(request, sender_waits=partial(_is_there, connection))
            ok, text = await self._answer(request)
            async with asyncio.timeout(_PATIENCE_S):
                writer.write(json.dumps({"ok": ok, "text": text}).encode() + b"\n")
                await writer.drain()
        except OSError:  # a timeout is one
            writer.transport.abort()

    async def _answer(self, request: Request | None) -> tuple[bool, str]:
        handler = None if request is None else self._handlers.get(request.command)
        if request is None or handler is None:
            command = None if request is None else request.command
            return False, f"no such command: {command}; there are {', '.join(self._handlers)}"
        try:
            return True, await self._loop.run_in_executor(self._pool, handler, request)
        except MuZeroError as error:
            return False, str(error)
        except Exception as error:
            self._supervisor.report(request.command, error)
            return False, f"{request.command} failed: {type(error).__name__}: {error}"


def send(
    path: Path,
    command: str,
    timeout_s: float = _WITHIN_S,
    arguments: Mapping[str, str] | None = None,
) -> str:
    """Give `command` to the process that listens at `path`.

    Args:
        path: of the socket.
        command: its name.
        timeout_s: how long to wait for it to begin; what has begun is waited for as long again.
        arguments: by name.

    Returns:
        What follows from the command, as a sentence.

    Raises:
        RunError: nobody listens there, it does not answer in time, or it refuses.
    """
    until_s = time.monotonic() + 2.0 * timeout_s
    request = {"command": command, "arguments": dict(arguments or {}), "within_s": timeout_s}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            _connect(client, path, timeout_s)
        except TimeoutError as error:
            raise RunError(f"{path.parent}: the process is too busy to be asked") from error
        except OSError as error:
            raise RunError(f"{path.parent}: no running process takes commands there") from error
        try:
            client.sendall(json.dumps(request).encode() + b"\n")
            reply = json.loads(_read_answer(client, until_s))
            ok, text = bool(reply["ok"]), str(reply["text"])
        except TimeoutError as error:
            raise RunError(
                f"{path.parent}: no answer in {timeout_s:g} s, nor in as long again: the journal "
                f"says whether {command} was done"
            ) from error
        except (OSError, ValueError, RecursionError, KeyError, TypeError) as error:
            raise RunError(f"{path.parent}: the process ended before it answered") from error
    if not ok:
        raise RunError(f"{path.parent}: refused: {text}")
    return text


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        try:
            _connect(probe, path, _PATIENCE_S)
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def _connect(client: socket.socket, path: Path, timeout_s: float) -> None:
    until_s = time.monotonic() + timeout_s
    client.settimeout(timeout_s)
    while True:
        try:
            return client.connect(str(_socket_of(path)))
        except BlockingIOError:  # as many wait to be let in as the system allows
            if time.monotonic() > until_s:
                raise TimeoutError from None
            time.sleep(0.01)


def _socket_of(path: Path) -> Path:
    """Where `path` lies: itself, or where a `ControlServer` with too long a path put it.

    A stranger's folder may link to the socket of somebody else: no command goes there.
    """
    if not path.is_symlink():
        return path
    target = path.readlink()
    if target.name != _NAME or not target.parent.name.startswith(_SHORT):
        raise FileNotFoundError(errno.ENOENT, "it links to another program's socket", str(path))
    return target


async def _line(reader: asyncio.StreamReader) -> bytes:
    """Up to the newline or the end; nothing where that is too far."""
    try:
        return await reader.readline()
    except ValueError:
        return b""


def _request(line: bytes) -> Request | None:
    """What `line` asks for; None if it is no request."""
    try:
        facts = json.loads(line)
    except (ValueError, RecursionError):
        return None
    if not isinstance(facts, dict) or not isinstance(facts.get("command"), str):
        return None
    arguments = facts.get("arguments")
    arguments = arguments if isinstance(arguments, dict) else {}
    within_s = facts.get("within_s")
    if not isinstance(within_s, int | float) or not 0 <= within_s <= _MAX_WITHIN_S:
        within_s = _WITHIN_S
    texts = {name: value for name, value in arguments.items() if isinstance(value, str)}
    return Request(facts["command"], texts, float(within_s))


def _is_there(connection: socket.socket) -> bool:
    """Whether the other side has not closed `connection`."""
    if connection.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLHUP)  # which macOS wants to be asked for
    gone = select.POLLHUP | select.POLLERR | select.POLLNVAL
    return not any(event & gone for _, event in poll.poll(0))


def _read_answer(connection: socket.socket, until_s: float) -> bytes:
    answer = bytearray()
    while not answer.endswith(b"\n") and len(answer) < _MAX_ANSWER_BYTES:
        left_s = until_s - time.monotonic()
        if left_s <= 0.0:
            raise TimeoutError
        connection.settimeout(left_s)
        part = connection.recv(65_536)
        if not part:
            break
        answer += part
    return bytes(answer)
