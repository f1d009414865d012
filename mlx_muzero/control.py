"""Commands to a running process, through a Unix socket in its run folder (design 5).

One request a connection: ``{"command": NAME}`` and a newline; the answer is
``{"ok": BOOL, "text": SENTENCE}`` and a newline. Whoever may write to the folder's owner's files
may command (mode 0600); nothing listens on a network.
"""

import json
import os
import shutil
import socket
import tempfile
import threading
from collections.abc import Callable, Mapping
from pathlib import Path

from mlx_muzero.closing import Closing
from mlx_muzero.errors import MuZeroError, RunError

Handler = Callable[[], str]
"""Does one command and returns, as a sentence, what follows from it."""

MAX_PATH_BYTES = 100
"""What every system takes as a socket's path: macOS has 103 bytes, Linux 107."""

_MAX_LINE_BYTES = 65_536
_PATIENCE_S = 5.0  # for a connected peer to send its line


class ControlServer(Closing):
    """Answers the commands in `handlers` at the socket `path` until `close`.

    Handlers run in the server's thread, one at a time.

    Args:
        path: where the socket appears; one that a killed process left there is replaced.
        handlers: what each command does. A `MuZeroError` one raises is answered as a refusal.

    Raises:
        RunError: somebody listens at `path`, or no socket can be made there.
    """

    def __init__(self, path: Path, handlers: Mapping[str, Handler]) -> None:
        self._path = path
        self._handlers = dict(handlers)
        self._short_folder: Path | None = None
        self._socket = self._bind()
        self._thread = threading.Thread(target=self._serve, name="control", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Stop listening and remove the socket; a command under way is answered first."""
        if self._socket.fileno() < 0:
            return
        # A shut socket wakes the accept that waits on it on Linux only; a connection does anywhere.
        self._closing = True
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as waker:
            waker.connect(str(self._address()))
        self._thread.join()
        self._socket.close()
        self._remove()

    def _bind(self) -> socket.socket:
        self._closing = False
        if _listens(self._path):
            raise RunError(f"{self._path}: another process takes commands there")
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            self._path.unlink(missing_ok=True)
            if len(os.fsencode(self._path)) > MAX_PATH_BYTES:
                # Too long for the system: the socket lives in a folder of this user's alone.
                self._short_folder = Path(tempfile.mkdtemp(prefix="mlx-muzero-"))
                self._path.symlink_to(self._short_folder / "control.sock")
            listener.bind(str(self._address()))
            self._address().chmod(0o600)  # nobody can connect before listen
            listener.listen()
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
        while True:
            connection, _ = self._socket.accept()
            with connection:
                if self._closing:
                    return
                connection.settimeout(_PATIENCE_S)
                try:
                    ok, text = self._answer(_read_line(connection))
                    connection.sendall(json.dumps({"ok": ok, "text": text}).encode() + b"\n")
                except OSError:
                    continue  # whoever asked has gone

    def _answer(self, line: bytes) -> tuple[bool, str]:
        try:
            request = json.loads(line)
        except ValueError:
            request = None
        command = request.get("command") if isinstance(request, dict) else None
        handler = self._handlers.get(command) if isinstance(command, str) else None
        if handler is None:
            return False, f"no such command: {command}; there are {', '.join(self._handlers)}"
        try:
            return True, handler()
        except MuZeroError as error:
            return False, str(error)


def send(path: Path, command: str, timeout_s: float = 10.0) -> str:
    """Give `command` to the process that listens at `path`.

    Returns:
        What follows from the command, as a sentence.

    Raises:
        RunError: nobody listens there, it does not answer in time, or it refuses.
    """
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
        client.settimeout(timeout_s)
        try:
            client.connect(str(path.readlink() if path.is_symlink() else path))
        except OSError as error:
            raise RunError(f"{path.parent}: no running process takes commands there") from error
        try:
            client.sendall(json.dumps({"command": command}).encode() + b"\n")
            reply = json.loads(_read_line(client))
        except TimeoutError as error:
            raise RunError(
                f"{path.parent}: no answer in {timeout_s:g} s; it may be busy"
            ) from error
        except (OSError, ValueError) as error:
            raise RunError(f"{path.parent}: the process ended before it answered") from error
    if not reply["ok"]:
        raise RunError(f"{path.parent}: refused: {reply['text']}")
    return str(reply["text"])


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(_PATIENCE_S)
        try:
            probe.connect(str(path.readlink() if path.is_symlink() else path))
        except TimeoutError:
            return True
        except OSError:
            return False
    return True


def _read_line(connection: socket.socket) -> bytes:
    line = b""
    while not line.endswith(b"\n") and len(line) < _MAX_LINE_BYTES:
        part = connection.recv(4096)
        if not part:
            break
        line += part
    return line
