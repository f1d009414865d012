"""A child ends with its parent, however that ended."""

import signal
import subprocess
import sys
from pathlib import Path

from mlx_muzero.processes.lifeline import Lifeline

CHILD = """
import signal, sys, time
from mlx_muzero.processes.lifeline import end_with_parent
if sys.argv[2] == "stubborn":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
end_with_parent(int(sys.argv[1]), 0.1)
print("ready", flush=True)
time.sleep(60)
"""


def child(kind):
    lifeline = Lifeline()
    number = lifeline.descriptor
    process = subprocess.Popen(
        [sys.executable, "-c", CHILD, str(number), kind], pass_fds=[number], stdout=subprocess.PIPE
    )
    lifeline.handed_over()
    assert process.stdout.readline() == b"ready\n"
    assert process.poll() is None, "it lives as long as its parent"
    return lifeline, process


def test_it_ends_as_if_it_had_been_told_to():
    lifeline, process = child("obedient")
    lifeline.close()  # as the system does for a parent that was killed
    assert process.wait(20) == -signal.SIGTERM
    process.stdout.close()


def test_one_that_does_not_listen_ends_all_the_same():
    lifeline, process = child("stubborn")
    lifeline.close()
    assert process.wait(20) == 1
    process.stdout.close()


def descriptors():
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_no_descriptor_is_left():
    before = descriptors()
    lifeline, process = child("obedient")
    lifeline.close()
    process.wait(20)
    process.stdout.close()
    assert descriptors() == before
