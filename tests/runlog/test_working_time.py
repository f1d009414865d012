import json

import pytest

from mlx_muzero.runlog.working_time import minutes_worked


def test_minutes_of_all_processes_add_up_and_pauses_do_not(tmp_path):
    journal = tmp_path / "journal.jsonl"
    assert minutes_worked(journal) == 0.0
    lines = [
        {"event": "started", "time": "2024-01-01T00:00:00+00:00"},
        {"event": "learned", "time": "2024-01-01T00:02:00+00:00"},
        {"event": "learned", "time": "tomorrow"},
        {"event": "learned", "time": 5},
        {"event": "learned"},
        {"event": "learned", "time": "2030-01-01T00:00:00"},
        {"event": "started", "time": "2024-01-03T00:00:00+00:00"},
        {"event": "finished", "time": "2024-01-03T00:00:30+00:00"},
    ]
    journal.write_text("".join(json.dumps(line) + "\n" for line in lines))
    assert minutes_worked(journal) == pytest.approx(2.5)
    journal.write_text(json.dumps(lines[1]) + "\n")
    assert minutes_worked(journal) == 0.0
