import json
import socket
import stat
import threading
import time
from contextlib import ExitStack
from pathlib import Path

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.processes.supervision import Supervisor
from mlx_muzero.runlog import control
from mlx_muzero.runlog.control import MAX_PATH_BYTES, ControlServer, Request, Turn, send


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "control.sock"


def serve(path: Path, handlers, supervisor: Supervisor | None = None) -> ControlServer:
    return ControlServer(path, handlers, supervisor or Supervisor())


def refuse(_request: Request) -> str:
    raise RunError("not now")


def test_a_command_is_done_and_its_consequence_returned(path: Path):
    done: list[str] = []
    with serve(path, {"halt": lambda _: done.append("halt") or "nothing trades"}):
        assert send(path, "halt") == "nothing trades"
        assert send(path, "halt") == "nothing trades"
    assert done == ["halt", "halt"]


def test_only_the_owner_may_command(path: Path):
    with serve(path, {}):
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_socket_goes_with_its_server(path: Path):
    server = serve(path, {})
    server.close()
    server.close()
    assert not path.exists()
    with pytest.raises(RunError, match="no running process takes commands"):
        send(path, "halt")


@pytest.mark.parametrize("command", ["fly", ""])
def test_an_unknown_command_is_refused_by_name(path: Path, command: str):
    with (
        serve(path, {"halt": repr, "resume": repr}),
        pytest.raises(RunError, match=f"no such command: {command}; there are halt, resume"),
    ):
        send(path, command)


def test_an_error_of_a_command_is_a_refusal_and_the_server_goes_on(path: Path):
    with serve(path, {"flatten": refuse, "halt": lambda _: "halted"}):
        with pytest.raises(RunError, match="refused: not now"):
            send(path, "flatten")
        assert send(path, "halt") == "halted"


@pytest.mark.parametrize(
    "line", [b"\n", b"[1]\n", b"{\n", b'{"command": 3}\n', b"x" * 70_000, b"[" * 60_000 + b"\n"]
)
def test_what_is_no_request_is_refused(path: Path, line: bytes):
    with serve(path, {"halt": lambda _: ""}):
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
            client.connect(str(path))
            client.sendall(line)
            client.shutdown(socket.SHUT_WR)
            reply = json.loads(client.makefile().readline())
        assert reply["ok"] is False
        assert "no such command" in reply["text"]
        assert send(path, "halt") == ""


def test_one_who_leaves_without_asking_disturbs_nobody(path: Path):
    with serve(path, {"halt": lambda _: "halted"}):
        for _ in range(3):
            with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as client:
                client.connect(str(path))
        assert send(path, "halt") == "halted"


def test_a_killed_process_s_socket_is_replaced(path: Path):
    left_behind = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    left_behind.bind(str(path))
    left_behind.close()
    assert path.exists()
    with serve(path, {"halt": lambda _: "halted"}):
        assert send(path, "halt") == "halted"


def test_a_second_server_at_one_path_is_refused(path: Path):
    with serve(path, {"halt": lambda _: "first"}):
        with pytest.raises(RunError, match="another process takes commands"):
            serve(path, {})
        assert send(path, "halt") == "first"


def test_a_link_to_the_socket_of_somebody_else_is_not_followed(tmp_path: Path):
    with ControlServer(tmp_path / "control.sock", {"halt": lambda request: "x"}, Supervisor()):
        (tmp_path / "stranger").mkdir()
        link = tmp_path / "stranger" / "control.sock"
        link.symlink_to(tmp_path / "control.sock")
        with pytest.raises(RunError, match="no running process"):
            send(link, "halt")
        assert send(tmp_path / "control.sock", "halt") == "x"


def test_a_path_longer_than_the_system_takes_works_all_the_same(tmp_path: Path):
    folder = tmp_path / ("d" * MAX_PATH_BYTES)
    folder.mkdir()
    path = folder / "control.sock"
    for _ in range(2):
        with serve(path, {"halt": lambda _: "halted"}):
            assert send(path, "halt") == "halted"
            elsewhere = path.readlink()
            assert stat.S_IMODE(elsewhere.stat().st_mode) == 0o600
            assert stat.S_IMODE(elsewhere.parent.stat().st_mode) == 0o700
        assert not path.is_symlink()
        assert not elsewhere.parent.exists()


def test_a_folder_that_is_not_there_is_named(tmp_path: Path):
    with pytest.raises(RunError, match="cannot create a socket"):
        serve(tmp_path / "nowhere" / "control.sock", {})


def test_a_process_that_is_busy_is_not_waited_for_for_ever(path: Path):
    free = threading.Event()

    def busy(_request: Request) -> str:
        free.wait()
        return "done"

    with serve(path, {"flatten": busy}):
        with pytest.raises(RunError, match=r"no answer in 0\.05 s"):
            send(path, "flatten", timeout_s=0.05)
        free.set()


def test_what_has_begun_is_waited_for(path: Path):
    free = threading.Event()

    def slow(_request: Request) -> str:
        free.wait()
        return "done"

    with serve(path, {"flatten": slow}):
        threading.Timer(0.3, free.set).start()
        assert send(path, "flatten", timeout_s=0.2) == "done"


def test_arguments_come_with_the_command(path: Path):
    with serve(path, {"close": lambda request: f"closed {request.arguments['pair']}"}):
        assert send(path, "close", arguments={"pair": "USDJPY"}) == "closed USDJPY"


def connected(path: Path) -> socket.socket:
    client = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    client.settimeout(5.0)
    control._connect(client, path, 5.0)
    return client


def test_two_hundred_silent_clients_keep_nobody_from_being_heard(path: Path):
    with serve(path, {"halt": lambda _: "halted"}), ExitStack() as stack:
        clients = [stack.enter_context(connected(path)) for _ in range(200)]
        began_s = time.monotonic()
        assert send(path, "halt") == "halted"
        assert time.monotonic() - began_s < 2.0
        assert clients[0].recv(1) == b""  # the longest silent made room


def test_one_that_drips_bytes_keeps_nobody_from_being_heard_and_is_let_go(path: Path, monkeypatch):
    monkeypatch.setattr(control, "_PATIENCE_S", 0.2)
    with serve(path, {"halt": lambda _: "halted"}), connected(path) as client:
        client.sendall(b"{")
        assert send(path, "halt") == "halted"
        released = False
        for _ in range(100):
            time.sleep(0.01)
            try:
                client.sendall(b" ")
            except BrokenPipeError:
                released = True
        assert released


def test_one_that_does_not_take_its_answer_is_let_go(path: Path, monkeypatch):
    monkeypatch.setattr(control, "_PATIENCE_S", 0.1)
    handlers = {"report": lambda _: "x" * 8_000_000, "halt": lambda _: "halted"}
    with serve(path, handlers), connected(path) as client:
        client.sendall(b'{"command": "report"}\n')
        assert send(path, "halt") == "halted"


def test_a_long_answer_arrives_whole(path: Path):
    with serve(path, {"report": lambda _: "x" * 1_000_000}):
        assert send(path, "report") == "x" * 1_000_000


def test_a_bug_in_a_command_is_answered_and_told_and_the_server_goes_on(path: Path):
    supervisor = Supervisor()
    handlers = {"flatten": lambda _: str(1 // 0), "halt": lambda _: "halted"}
    with serve(path, handlers, supervisor):
        with pytest.raises(RunError, match="flatten failed: ZeroDivisionError"):
            send(path, "flatten")
        assert send(path, "halt") == "halted"
    assert supervisor.fault is not None
    assert supervisor.fault.what == "flatten"


@pytest.mark.parametrize("text", [b"", b"null\n", b"[" * 60_000 + b"\n", b"{}\n"])
def test_an_answer_that_is_none_is_no_crash(path: Path, text: bytes):
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as listener:
        listener.bind(str(path))
        listener.listen()

        def answer() -> None:
            with listener.accept()[0] as client:
                client.recv(1000)
                client.sendall(text)

        thread = threading.Thread(target=answer)
        thread.start()
        with pytest.raises(RunError, match="ended before it answered"):
            send(path, "halt")
        thread.join()


def test_a_turn_not_taken_in_time_is_never_taken():
    turn, done = Turn(Request("halt", within_s=0.01)), []
    with pytest.raises(RunError, match=r"did not start within 0\.01 s.*will not run later"):
        turn.wait()
    turn.take(lambda: done.append(1) or "halted")
    assert done == []


def test_a_turn_taken_in_time_is_waited_for_however_long_it_takes():
    turn, begun = Turn(Request("halt", within_s=0.05)), threading.Event()

    def work() -> str:
        begun.set()
        time.sleep(0.15)
        return "halted"

    thread = threading.Thread(target=turn.take, args=[work])
    thread.start()
    begun.wait()
    assert turn.wait() == "halted"
    thread.join()


def test_what_fails_in_a_turn_is_heard_on_both_sides():
    turn = Turn(Request("halt"))
    with pytest.raises(RunError, match="the disk is full"):
        turn.take(full)
    with pytest.raises(RunError, match="the disk is full"):
        turn.wait()


def full() -> str:
    raise RunError("the disk is full")


def test_a_command_whose_sender_has_gone_is_not_done(path: Path):
    """As when this process was stopped for longer than the sender was patient."""
    asked, turns, done = threading.Event(), [], []

    def halt(request: Request) -> str:
        turns.append(Turn(request))
        asked.set()
        return turns[0].wait()

    with serve(path, {"halt": halt}):
        with connected(path) as client:
            client.sendall(b'{"command": "halt"}\n')
            asked.wait()
        turns[0].take(lambda: done.append(1) or "halted")
    assert done == []


def test_a_command_whose_sender_waits_without_more_to_send_is_done(path: Path):
    def halt(request: Request) -> str:
        turn = Turn(request)
        threading.Thread(target=turn.take, args=[lambda: "halted"]).start()
        return turn.wait()

    with serve(path, {"halt": halt}):
        assert send(path, "halt") == "halted"
