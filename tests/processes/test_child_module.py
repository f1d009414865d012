"""What a process says is kept for its last words, and never fills a disk."""

import os
import subprocess
import sys
import tempfile

from mlx_muzero.processes.child_module import forget_words, how_it_ended

TALKS = """
import sys
for line in sys.stdin:
    print("warning: " + "." * int(line), file=sys.stderr)
    print("said", flush=True)
sys.exit("the device is gone")
"""


def test_a_talkative_process_keeps_a_short_file():
    with tempfile.TemporaryFile() as stderr:
        command = [sys.executable, "-c", TALKS]
        pipe = subprocess.PIPE
        with subprocess.Popen(command, stdin=pipe, stdout=pipe, stderr=stderr, text=True) as talker:
            for size in (10, 3 << 20, 3 << 20, 10):
                forget_words(stderr)
                talker.stdin.write(f"{size}\n")
                talker.stdin.flush()
                assert talker.stdout.readline() == "said\n"
            forget_words(stderr)
            assert os.fstat(stderr.fileno()).st_size < 100
            talker.stdin.close()
            assert how_it_ended(talker, stderr) == (
                "it ended with exit code 1 (the device is gone)"
            )
