"""Which signals stop a process, and that one whose terminal is gone can go on to its end."""

import os
import pty
import signal
import subprocess
import sys

import pytest

from mlx_muzero.processes.stop_signals import stop_signals


@pytest.mark.parametrize("ignored", [False, True], ids=["usual", "nohup"])
def test_a_closed_terminal_stops_unless_that_is_ignored(ignored):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN if ignored else signal.SIG_DFL)
    try:
        assert (signal.SIGHUP in stop_signals()) is not ignored
    finally:
        signal.signal(signal.SIGHUP, before)


def test_what_is_said_to_a_closed_terminal_is_no_error(tmp_path, hangups):
    program = (
        "import sys, time\n"
        "from mlx_muzero.experiment.stop_switch import StopSwitch\n"
        "with StopSwitch(None) as stop:\n"
        "    open('ready', 'w').close()\n"
        "    while not stop.requested():\n"
        "        time.sleep(0.01)\n"  # a signal just before a pause would be waited for in vain
        "    print('saved', file=sys.stderr, flush=True)\n"
        "    open('saved', 'w').close()\n"
    )
    terminal, end = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", "import os, fcntl, termios; fcntl.ioctl(2, termios.TIOCSCTTY, 0)\n"
         f"os.chdir({str(tmp_path)!r})\n" + program],
        stdin=end, stdout=end, stderr=end, start_new_session=True,
    )  # fmt: skip
    os.close(end)
    while not (tmp_path / "ready").exists():
        assert process.poll() is None, os.read(terminal, 10_000)
    os.close(terminal)
    assert process.wait(timeout=30) == 0
    assert (tmp_path / "saved").exists()
