"""The logs of a run and of what works for it."""

import pytest

from mlx_muzero.runlog.logs import log_of, logs_of


@pytest.fixture
def run(tmp_path):
    folder = tmp_path / "run"
    folder.mkdir()
    return folder


def test_its_own_comes_first_even_before_it_exists(run):
    assert logs_of(run) == [log_of(run)] == [run.parent / "run.log"]


def test_candidates_come_last_and_the_newest_of_them_first(run):
    (run / "watch.log").touch()
    for name in ("0002", "0010", "0001", "other", "x0003"):
        (run / "candidates" / name).mkdir(parents=True)
        (run / "candidates" / name / "log.txt").touch()
    (run / "candidates" / "0011").mkdir()  # said nothing yet
    found = [str(path.relative_to(run)) for path in logs_of(run)[1:]]
    assert found == ["watch.log", *(f"candidates/{n}/log.txt" for n in ("0010", "0002", "0001"))]


@pytest.mark.parametrize("linked", ["watch.log", "candidates", "candidates/0001"])
def test_no_link_leads_out_of_the_run(run, tmp_path, linked):
    (run / linked).parent.mkdir(exist_ok=True)
    (tmp_path / "other" / "0001").mkdir(parents=True)
    for name in ("log.txt", "0001/log.txt"):
        (tmp_path / "other" / name).touch()
    target = "other/log.txt" if linked.endswith(".log") else "other"
    (run / linked).symlink_to(tmp_path / target)
    assert logs_of(run) == [log_of(run)]
