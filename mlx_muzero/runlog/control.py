"""Commands to a running process, through a Unix socket in its run folder (ADR 21).

One request per connection: ``{"command": NAME, "arguments": {...}, "within_s": SECONDS}`` and a
newline; the answer is ``{"ok": BOOL, "text": SENTENCE}`` and a newline. Only the owner of the
folder's files may send commands (mode 0600); nothing listens on a network.

A command starts within the time that its sender waits, or never: see `Turn`.
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
"""Longest socket path that works on every system: macOS allows 103 bytes, Linux 107."""

_NAME, _SHORT = "control.sock", "mlx-muzero-"  # names used if a socket's path is too long
_MAX_LINE_BYTES = 65_536
_MAX_ANSWER_BYTES = 16_777_216
_MAX_CLIENTS = 64
_BACKLOG = 1024  # connections not accepted yet
_MAX_COMMANDS = 16  # running at once
_PATIENCE_S = 5.0  # for a client to send its line, and to read the answer
_WITHIN_S = 10.0  # to start a command whose sender does not say how long it waits
_MAX_WITHIN_S = 60.0


class Refusal(RunError):
    """A command was refused and had no effect; concerns only its sender."""


@dataclass(frozen=True)
class Request:
    """A command as requested.

    Attributes:
        command: name of the command.
        arguments: its arguments by name.
        within_s: seconds that its sender waits for it to start.
        sender_waits: returns whether its sender is still connected.
    """

    command: str
    arguments: Mapping[str, str] = field(default_factory=dict)
    within_s: float = _WITHIN_S
    sender_waits: Callable[[], bool] = field(default=lambda: True, compare=False)


Handler = Callable[[Request], str]
"""Runs a command and returns a sentence with the outcome."""


class Turn:
    """One command's turn in the main flow: taken in time, or abandoned for good.

    The handler's thread creates it and calls `wait`; the main flow calls `take` with the work.
    """

    def __init__(self, request: Request) -> None:
        self._request = request
        self._done: Future[str] = Future()

    def take(self, work: Callable[[], str]) -> None:
        """Do `work`, unless its sender was told that it would not be done, or has gone.

        Raises:
            Exception: an exception of `work`, also reported to the sender; a refusal is not raised.
        """
        # This process may have been suspended for longer than the sender waits.
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
        """Wait for `work` and return its result.

        Raises:
            Refusal: it did not start in time, and will not run later either.
        """
        try:
            return self._done.result(self._request.within_s)
        except TurnCancelled:
            raise Refusal(f"{self._request.command} was not done: its sender has gone") from None
        except TurnTimeout:
            if not self._done.cancel():
                return self._done.result()  # started: wait for the result
        raise Refusal(
            f"{self._request.command} did not start within {self._request.within_s:g} s, "
            "because the process is busy, and will not run later: ask again"
        )


class ControlServer(Closeable):
    """Answers the commands in `handlers` at the socket `path` until closed.

    Every client has a deadline, and when too many are connected, the one silent for longest is
    dropped, so that no client can block another.

    Args:
        path: path of the socket; one left behind by a killed process is replaced.
        handlers: the handler of each command, each call in a thread of its own. A `MuZeroError`
            that it raises is answered as a refusal; any other exception is also a fault.
        supervisor: receives faults.

    Raises:
        RunError: another process listens at `path`, or no socket can be created there.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler], supervisor: Supervisor) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._supervisor = supervisor
        self._short_folder: Path | None = None
        self._socket = self._bind()
        self._loop = asyncio.new_event_loop()
        self._closing = asyncio.Event()
        self._silent: dict[asyncio.Task[None], None] = {}  # no request line yet, oldest first
        self._asked: set[asyncio.Task[None]] = set()  # being answered
        self._pool = ThreadPoolExecutor(_MAX_COMMANDS, thread_name_prefix="command")
        self._thread = supervisor.thread("control", self._serve)

    def close(self) -> None:
        """Stop listening and remove the socket, after answering commands in progress."""
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
                # Too long for the system: put the socket in a private folder.
                self._short_folder = Path(tempfile.mkdtemp(prefix=_SHORT))
                self._path.symlink_to(self._short_folder / _NAME)
            listener.bind(str(self._address()))
            self._address().chmod(0o600)  # nobody can connect before listen
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            self._remove()
            raise RunError(f"{self._path}: cannot create a socket there: {error}") from error
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
        writer.close()  # not in the task: it may be cancelled before it starts
        self._silent.pop(task, None)
        self._asked.discard(task)
        if not task.cancelled() and (error := task.exception()):
            self._supervisor.report("control", error)

    async def _hear(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        """Read one client's line and answer it; drop a client that is slow or has gone."""
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
        except OSError:  # includes timeouts
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
    """Send `command` to the process that listens at `path`.

    Args:
        path: path of the socket.
        command: name of the command.
        timeout_s: seconds to wait for it to start; once started, it is waited for as long again.
        arguments: its arguments by name.

    Returns:
        The outcome, as a sentence.

    Raises:
        RunError: no process listens there, it does not answer in time, or it refuses.
    """
    until_s = time.monotonic() + 2.0 * timeout_s
    request = {"command": command, "arguments": dict(arguments or {}), "within_s": timeout_s}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        try:
            _connect(client, path, timeout_s)
        except TimeoutError as error:
            raise RunError(f"{path.parent}: the process is too busy to take commands") from error
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
        except BlockingIOError:  # the backlog is full
            if time.monotonic() > until_s:
                raise TimeoutError from None
            time.sleep(0.01)


def _socket_of(path: Path) -> Path:
    """The socket of `path`: itself, or where `ControlServer` put it if the path was too long.

    A stranger's folder may link to someone else's socket; no command is sent there.
    """
    if not path.is_symlink():
        return path
    target = path.readlink()
    if target.name != _NAME or not target.parent.name.startswith(_SHORT):
        raise FileNotFoundError(errno.ENOENT, "it links to another program's socket", str(path))
    return target


async def _line(reader: asyncio.StreamReader) -> bytes:
    """A line, up to the newline or the end; empty if it is too long."""
    try:
        return await reader.readline()
    except ValueError:
        return b""


def _request(line: bytes) -> Request | None:
    """The request in `line`, or None if it is not one."""
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
    """Whether the other side still has `connection` open."""
    if connection.fileno() < 0:
        return False
    poll = select.poll()
    poll.register(connection.fileno(), select.POLLHUP)  # macOS reports it only if requested
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
