"""The journal of a training: the waits for kept features are in it where there were any."""

from mlx_muzero.files.disk_waits import DISK_WAITS
from mlx_muzero.runlog import journal
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.learner import StepReport
from mlx_muzero.training.progress import Counters
from mlx_muzero.training.training_journal import STEPS_PER_LINE, TrainingJournal


def test_a_line_has_what_was_waited_since_the_one_before(tmp_path, small_config, monkeypatch):
    monkeypatch.setattr(DISK_WAITS, "seconds", 1.0)
    rules = TradingRules.from_config(small_config)
    kept = TrainingJournal(tmp_path / "journal.jsonl", small_config, rules)
    report = StepReport({}, 0.0, 0.0, 0.0)
    for waited in (0.0, 2.5, 0.0):
        monkeypatch.setattr(DISK_WAITS, "seconds", DISK_WAITS.seconds + waited)
        for step in range(1, STEPS_PER_LINE + 1):
            kept.learned(report, Counters(steps=step), 0.1)
    lines = list(journal.read(tmp_path / "journal.jsonl"))
    assert [line.get("disk_wait_s") for line in lines] == [None, 2.5, None]
