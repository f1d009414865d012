#!/bin/sh
# mlx.launch of MLX 0.32.4 asks in a busy loop whether a rank takes input: while two ranks sleep for
# three seconds, it uses most of a core. Once each rank's stdin is full and its own stays open, it
# waits. Seen: "usual: busy; stdin full: idle". Exits 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m venv "$folder/venv"
"$folder/venv/bin/python" -m pip install --quiet --disable-pip-version-check "mlx[cpu]==0.32.4"

cat >"$folder/measure.py" <<'PROGRAM'
import os
import subprocess
import sys
from pathlib import Path

LAUNCH = Path(sys.executable).with_name("mlx.launch")
COMMAND = [LAUNCH, "--backend", "ring", "-n", "2", "--", sys.executable, "-c"]


def spent_s(filler):
    """Processor time of mlx.launch and two ranks that sleep."""
    before = os.times()
    stdin = subprocess.DEVNULL if filler is None else subprocess.PIPE
    launched = subprocess.Popen([*COMMAND, "import time; time.sleep(3)"], stdin=stdin, bufsize=0)
    if filler is not None:
        launched.stdin.write(filler)
    launched.wait()
    after = os.times()
    return after[2] + after[3] - before[2] - before[3]


found = {"usual": spent_s(None), "stdin full": spent_s(b"\n" * 2**16)}
seen = {name: "busy" if spent > 0.6 else "idle" for name, spent in found.items()}
print("; ".join(f"{name}: {how}" for name, how in seen.items()))
sys.exit(seen != {"usual": "busy", "stdin full": "idle"})
PROGRAM
"$folder/venv/bin/python" "$folder/measure.py"
