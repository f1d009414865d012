"""Trains the run in the folder given and kills itself in the middle of writing a checkpoint.

Arguments: the run's folder, the audit event to die at, and at which of those that name a file of
its checkpoints. Nothing is patched: the interpreter's audit events tell what is about to be done.
"""

import os
import signal
import sys
from pathlib import Path

from markets import walk_bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.training.run import RunFolder
from runs import make_trainer


def main(folder: Path, event: str, number: int) -> None:
    config = RunFolder(folder).config()
    dataset = MarketDataset.from_bars(walk_bars(1500), config.market)
    trainer = make_trainer(folder, config, dataset)
    checkpoints = str(folder / "checkpoints")
    seen = 0

    def die_at(name: str, arguments: tuple[object, ...]) -> None:
        nonlocal seen
        if name == event and str(arguments[0]).startswith(checkpoints):
            seen += 1
            if seen == number:
                os.kill(os.getpid(), signal.SIGKILL)

    sys.addaudithook(die_at)
    trainer.run()


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
