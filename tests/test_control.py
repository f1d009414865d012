import json
import socket
import stat
import threading
from pathlib import Path

import pytest

from mlx_muzero.control import MAX_PATH_BYTES, ControlServer, send
from mlx_muzero.errors import RunError


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def refuse() -> str:
    raise RunError("not now")


def test_a_command_is_done_and_its_consequence_returned(path: Path):
    done: list[str] = []
    with ControlServer(path, {"halt": lambda: done.append("halt") or "nothing trades"}):
        assert send(path, "halt") == "nothing trades"
        assert send(path, "halt") == "nothing trades"
    assert done == ["halt", "halt"]


def test_only_the_owner_may_command(path: Path):
    with ControlServer(path, {}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_socket_goes_with_its_server(path: Path):
    server = ControlServer(path, {})
    server.close()
    server.close()
    assert not path.exists()
    with pytest.raises(RunError, match="no running process takes commands"):
        send(path, "halt")


@pytest.mark.parametrize("command", ["fly", ""])
def test_an_unknown_command_is_refused_by_name(path: Path, command: str):
    with (
        ControlServer(path, {"halt": str, "resume": str}),
        pytest.raises(RunError, match=f"no such command: {command}; there are halt, resume"),
    ):
        send(path, command)


def test_an_error_of_a_command_is_a_refusal_and_the_server_goes_on(path: Path):
    with ControlServer(path, {"flatten": refuse, "halt": lambda: "halted"}):
        with pytest.raises(RunError, match="refused: not now"):
            send(path, "flatten")
        assert send(path, "halt") == "halted"


@pytest.mark.parametrize("line", [b"\n", b"[1]\n", b"{\n", b'{"command": 3}\n', b"x" * 70_000])
def test_what_is_no_request_is_refused(path: Path, line: bytes):
    with ControlServer(path, {"halt": str}):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(path))
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            reply = json.loads(client.makefile().readline())
        assert reply["ok"] is False
        assert "no such command" in reply["text"]
        assert send(path, "halt") == ""


def test_one_who_leaves_without_asking_disturbs_nobody(path: Path):
    with ControlServer(path, {"halt": lambda: "halted"}):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(str(path))
        assert send(path, "halt") == "halted"


def test_a_killed_process_s_socket_is_replaced(path: Path):
    left_behind = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left_behind.bind(str(path))
    left_behind.close()
    assert path.exists()
    with ControlServer(path, {"halt": lambda: "halted"}):
        assert send(path, "halt") == "halted"


def test_a_second_server_at_one_path_is_refused(path: Path):
    with ControlServer(path, {"halt": lambda: "first"}):
        with pytest.raises(RunError, match="another process takes commands"):
            ControlServer(path, {})
        assert send(path, "halt") == "first"


def test_a_path_longer_than_the_system_takes_works_all_the_same(tmp_path: Path):
    folder = tmp_path / ("d" * MAX_PATH_BYTES)
    folder.mkdir()
    path = folder / "control.sock"
    for _ in range(2):
        with ControlServer(path, {"halt": lambda: "halted"}):
            assert send(path, "halt") == "halted"
            elsewhere = path.readlink()
            assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
            assert stat.S_IMODE(elsewhere.parent.stat().st_mode) == 0o700
        assert not path.is_symlink()
        assert not elsewhere.parent.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RunError, match="no socket can be made"):
        ControlServer(tmp_path / "nowhere" / "control.sock", {})


def test_a_process_that_is_busy_is_not_waited_for_for_ever(path: Path):
    free = threading.Event()

    def busy() -> str:
        free.wait()
        return "done"

    with ControlServer(path, {"flatten": busy}):
        with pytest.raises(RunError, match=r"no answer in 0\.05 s"):
            send(path, "flatten", timeout_s=0.05)
        free.set()
