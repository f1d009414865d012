"""A training in another process, within what a paper session's candidates may use."""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np

from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.market.bars import Bars
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.retraining.settings import RetrainSettings
from mlx_muzero.paper.retraining.told_validations import ToldValidations
from mlx_muzero.processes.child_module import END_S
from mlx_muzero.processes.lifeline import Lifeline, end_with_parent
from mlx_muzero.runlog import journal
from mlx_muzero.symbols.symbol import Symbol
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS

_BARS = 40_000
_MONDAY_NS = 4 * DAY_NS + 2000 * 7 * DAY_NS
_BEGINS_WITHIN_S = 300.0


@contextmanager
def training() -> Iterator[None]:
    """Train the preset fx_micro in another process, from its first episode on until the end."""
    with tempfile.TemporaryDirectory() as folder:
        lifeline = Lifeline()
        process = subprocess.Popen(
            [sys.executable, __file__, json.dumps([folder, lifeline.descriptor])],
            pass_fds=[lifeline.descriptor],
            stdout=subprocess.DEVNULL,
        )
        lifeline.handed_over()
        try:
            until = time.monotonic() + _BEGINS_WITHIN_S
            while not _trains(Path(folder) / "run" / "journal.jsonl"):
                if process.poll() is not None or time.monotonic() > until:
                    raise SystemExit("the training beside did not begin")
                time.sleep(0.1)
            yield
            if process.poll() is not None:
                raise SystemExit("the training beside ended early: choose fewer --minutes")
        finally:
            process.kill()
            process.wait()
            lifeline.close()


def _trains(path: Path) -> bool:
    return path.exists() and any(event["event"] == "learned" for event in journal.read(path))


def _train(folder: Path) -> None:
    """Train, as `mlx_muzero.paper.retraining.candidate` does."""
    from mlx_muzero.experiment.stop_switch import StopSwitch
    from mlx_muzero.experiment.training import Training
    from mlx_muzero.training.run import RunFolder

    steps = np.random.default_rng(0).integers(-30, 31, _BARS) / 1000.0
    close = np.round(110.0 + np.cumsum(steps), 3)
    opens = _MONDAY_NS + MINUTE_NS * np.arange(_BARS, dtype=np.int64)
    none = np.full(_BARS, np.nan)
    with BarStore(folder / "bars.duckdb") as store:
        store.write(Bars("USDJPY", opens, close, close, close, close, none))
    market = replace(FX_MICRO.market, symbol=Symbol("USDJPY"))
    search = replace(FX_MICRO.search, threads=RetrainSettings().threads, backend="native")
    config = replace(FX_MICRO, market=market, search=search)

    def say(_text: str) -> None:
        pass

    made = Training.new(RunFolder(folder / "run"), config, folder / "bars.duckdb", say)
    stop = StopSwitch(None)
    with made.opened(ToldValidations(say), stop.requested, say) as trainer, stop:
        trainer.run()


if __name__ == "__main__":
    where, lifeline_of_parent = json.loads(sys.argv[1])
    os.nice(RetrainSettings().niceness)
    end_with_parent(lifeline_of_parent, END_S)
    _train(Path(where))
