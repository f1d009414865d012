"""Runs a command as if this process had begun before an update: MARK COMMAND...

The first process says that it is of another version than the disk. Once MARK exists, a process is
what it is: the one that the first becomes when it notices.
"""

import sys
from pathlib import Path

import mlx_muzero
from mlx_muzero.watchdog import watcher
from muzero_cli.main import run


def main():
    mark = Path(sys.argv.pop(1))
    if not mark.exists():
        mark.touch()
        mlx_muzero.__version__ = "0.0.1"
    watcher.VERSION_EVERY_S = 0.1
    run()


if __name__ == "__main__":
    main()
