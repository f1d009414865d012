"""Has a child process for the export in the folder given, says its number, and waits to be killed.

Arguments: the export's folder, and "busy" to ask the child for something first.
"""

import sys
import time
from pathlib import Path

from mlx_muzero.exports.deployment import Limits
from model_exports import deployed_child

ANSWER_S = 1.0


def main(folder: Path, doing: str) -> None:
    child, inputs = deployed_child(folder, Limits(answer_s=60.0 if doing == "idle" else ANSWER_S))
    print(child.pid, flush=True)
    if doing == "busy":
        child.call("recurrent_b2", inputs)
    time.sleep(600)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
