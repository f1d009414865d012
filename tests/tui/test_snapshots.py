"""What every screen looks like at three sizes, and every state at the one that tells most.

After an intended change: scripts/test tests/tui/test_snapshots.py --snapshot-update, and look.
"""

import json
from pathlib import Path

import pytest

from mlx_muzero.machine import CoreKind
from mlx_muzero.profiling.machine_load import KindLoad, Load
from mlx_muzero.profiling.macmon import Watts
from muzero_tui.app import MuZeroApp
from paper_journals import MINUTE_NS, START_NS, Session
from training_journals import START, training_run
from tui_pilots import opened, press

SMALL, MEDIUM, LARGE = (80, 24), (120, 36), (200, 60)

LOAD = Load(
    (KindLoad(CoreKind("Performance", 4), 0.62), KindLoad(CoreKind("Efficiency", 6), 0.18)),
    9.4e9, 17.2e9, Watts(4.1, 0.2, 1.3, 9.8), 0.05, "",
)  # fmt: skip
"""What a Mac with macmon would tell."""

PROFILE = {
    "machine": "Apple M4, 10 cores, 16 GB", "subject": "runs/edge, checkpoint 000012",
    "verdict": "coreml CPU_AND_NE decides fastest here.", "notes": ["energy not available"],
    "targets": [{"name": "native", "simulated": False},
                {"name": "coreml CPU_AND_NE", "simulated": False},
                {"name": "mlx-gpu", "simulated": False}],
    "backends": [
        {"target": "native", "failure": "", "load_ms": 12.0, "memory_mb": 180.0, "energy": None,
         "steps": [{"pairs": 16, "simulations": 50, "p50_ms": 30.1, "p90_ms": 33.0,
                    "decisions_per_s": 531.0, "leaves_per_s": 26000.0}]},
        {"target": "coreml CPU_AND_NE", "failure": "", "load_ms": 900.0, "memory_mb": 240.0,
         "energy": {"cpu_w": 1.2, "gpu_w": 0.1, "ane_w": 0.9, "mj_per_decision": 2.5},
         "steps": [{"pairs": 16, "simulations": 50, "p50_ms": 21.0, "p90_ms": 25.0,
                    "decisions_per_s": 761.0, "leaves_per_s": 38000.0}]},
        {"target": "mlx-gpu", "failure": "no GPU here", "steps": []},
    ],
    "placements": [{"program": "recurrent_b32", "requested": "CPU_AND_NE", "failure": "",
                    "operations": [{"preferred": "ANE", "cost": 0.8},
                                   {"preferred": "CPU", "cost": 0.2}]}],
}  # fmt: skip


class Told:
    """A meter of a machine that does not change."""

    def __init__(self, load):
        self.last = load

    def read(self):
        return self.last

    def stop(self):
        pass


def paper(minutes=60, ill=(), mode="trading", reason=""):
    """A session that ends in some state, with decisions."""
    session = Session(Path("runs/paper"))
    for minute in range(minutes):
        last = minute == minutes - 1
        session.minute(mode if last else "trading", reason if last else "", ill if last else ())
        if minute >= minutes - 20:
            session.decide(session.pairs[minute % 3])
    if minutes:
        session.decide()
    session.note("hole", from_ns=START_NS, to_ns=START_NS + 7 * MINUTE_NS, reason="asleep")
    return session.folder, session.clock


def halted():
    return paper(mode="halted", reason="drawdown of 10 %")


def stale():
    return paper(ill=("SOL/USDT", "XRP/USDT"))


def logged():
    """A session that says something, and to which something happened."""
    folder, clock = paper()
    session = Session(folder)
    session.now_ns = START_NS + 60 * MINUTE_NS
    session.note("alerts", channel="ntfy", outcome="given up", count=3, reason="no answer in 10 s")
    session.note("risk", limit="drawdown", value=0.11, threshold=0.1, reaction="halted")
    said = [f"12:{minute:02d} decided 8 pairs in 31 ms" for minute in range(60)]
    folder.with_name("paper.log").write_text("\n".join(said) + "\n")
    return folder, clock


def training():
    return training_run(Path("runs/edge"))


def planted():
    """A training on a planted market, whose best checkpoint net pips choose."""
    levels = {"optimum": 19.5, "line": 11.2}
    return training_run(Path("runs/edge"), config='train.best_by = "net_pips"\n', levels=levels)


def profiled():
    folder, clock = training()
    (folder / "profile.json").write_text(json.dumps(PROFILE))
    return folder, clock


def empty(kind):
    folder = Path("runs/empty")
    folder.mkdir(parents=True)
    (folder / kind).touch()
    return folder, lambda: START


def compared():
    """Trainings that differ in a few keys."""
    configs = (
        "",
        'train.best_by = "net_pips"\ntrain.learning_rate = 0.5\n',
        "search.num_simulations = 9\n",
    )
    for number, config in enumerate(configs):
        folder, lift = Path(f"runs/try-{number}"), 1.5 * number
        _, clock = training_run(folder, rounds=32 + 8 * number, config=config, lift=lift)
    return Path("runs"), clock


def several():
    training()
    return Path("runs"), paper()[1]


SCREENS = {
    "runs": (several, []),
    "runs-compared": (compared, ["o", "o", "m", "up", "m", "up", "m", "p"]),
    "train": (training, []),
    "live": (paper, []),
    "tree": (paper, ["4", "down", "tab", "down"]),
    "profile": (profiled, ["5"]),
    "process": (logged, ["6"]),
}
"""At every size."""

STATES = {
    "runs-none": (lambda: (Path("runs"), lambda: START), []),
    "train-overflow": (training, ["v"] * 8),
    "train-no-data": (lambda: empty("config.toml"), []),
    "train-planted": (planted, []),
    "train-replay": (training, ["semicolon", "semicolon"]),
    "live-halted": (halted, []),
    "live-past": (paper, ["semicolon", "semicolon"]),
    "live-confirm": (paper, ["f"]),
    "live-no-data": (lambda: empty("paper.toml"), []),
    "live-light": (paper, ["t"]),
    "live-ansi": (paper, ["t", "t"]),
    "live-color-blind": (paper, ["t", "t", "t"]),
    "tree-training": (training, ["4"]),
    "tree-no-data": (lambda: empty("paper.toml"), ["4"]),
    "profile-no-data": (training, ["5"]),
    "process-no-data": (lambda: empty("config.toml"), ["6"]),
    "tree-chart": (paper, ["4", "g"]),
    "help": (paper, ["question_mark"]),
    "copy": (paper, ["c"]),
    "jump": (paper, ["j"]),
}
"""At the smallest, which shows what has no room."""

SELDOM = {
    *("live-past", "live-color-blind", "live-light", "live-ansi", "train-overflow"),
    *("tree-chart", "tree-no-data", "process-no-data", "profile-no-data", "runs-none"),
    *("copy", "jump"),
}
"""Of these, what few changes can alter."""

WIDE_STATES = {"live-stale": (stale, []), "train-planted": (planted, [])}
"""Whose reasons only the largest has room for."""

WAYS = SCREENS | STATES | WIDE_STATES


def case(name, size):
    marks = () if size == SMALL and name not in SELDOM else pytest.mark.slow
    return pytest.param(name, size, id=f"{name}-{size[0]}x{size[1]}", marks=marks)


CASES = [
    *(case(name, size) for name in SCREENS for size in (SMALL, MEDIUM, LARGE)),
    *(case(name, SMALL) for name in STATES),
    *(case(name, LARGE) for name in WIDE_STATES),
]


@pytest.mark.parametrize(("name", "size"), CASES)
def test_it_looks_as_it_did(name, size, snap_compare, monkeypatch, tmp_path):
    monkeypatch.setenv("TEXTUAL_ANIMATIONS", "none")
    monkeypatch.setenv("TEXTUAL_COLOR_SYSTEM", "truecolor")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("muzero_tui.app.MuZeroApp._refusal", lambda _app: "")
    monkeypatch.setattr("muzero_tui.screens.process.LoadMeter", lambda: Told(LOAD))
    make, keys = WAYS[name]
    folder, clock = make()

    async def settle(pilot):
        await opened(pilot)
        for key in keys:
            await press(pilot, key)
            await pilot.app.workers.wait_for_complete()  # a marked run is read
        await press(pilot)

    assert snap_compare(MuZeroApp(folder, clock=clock), terminal_size=size, run_before=settle)
