"""`compare-runs`: what differs in the settings, and in what was earned by day."""

import json
import shutil
from pathlib import Path

import pytest

from pages import contents_in


@pytest.fixture
def two(cli, trained, config_file, db, tmp_path):
    """Two runs: the trained one, and one with another seed."""
    other = tmp_path / "other"
    options = ("--config", config_file, "--db", db, "--set", "train.episodes=4")
    code, _, err = cli("train", "--run", other, *options, "--set", "train.seed=9")
    assert code == 0, err
    return trained, other


def test_runs_are_compared_by_key_and_by_day(cli, two):
    first, other = two
    code, out, err = cli("compare-runs", first, other, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert found["differing"]["train.seed"][other.name] == 9
    assert set(found["policies"]) == {first.name, other.name}
    (day,) = found["by_day"].values()
    nets = found["net_pips_by_day"]
    mean = (sum(nets[other.name]) - sum(nets[first.name])) / len(found["days"])
    assert day["mean"] == pytest.approx(mean)
    assert found["conditions"]["looks"]["configurations"] == 2
    code, out, err = cli("compare-runs", first, other, "--html", "page.html")
    assert (code, "written to page.html" in err) == (0, True)
    page = contents_in(Path("page.html").read_text())
    ends = {course["name"]: course["equity"][-1] for course in page["courses"]}
    assert ends == pytest.approx({name: sum(net) for name, net in nets.items()}, abs=1e-3)
    assert all(course["shown"] for course in page["courses"]), "laid over each other"
    titles = [table["title"] for table in page["tables"]]
    assert titles == ["Runs", f"Beyond {first.name}, by day", "Settings that differ"]
    assert page["tables"][1]["rows"][0][1] == pytest.approx(day["mean"])
    assert ["train.seed", "0", "9"] in page["tables"][2]["rows"]
    repeating = page["again"]["facts"]
    assert [repeating[f"seed, {run.name}"] for run in (first, other)] == ["0", "9"]
    configurations = "SHA-256 of the configuration, {}"
    assert len({repeating[configurations.format(run.name)] for run in (first, other)}) == 2
    assert "SHA-256 of the bars" in repeating, "told once: the runs share them"
    words = " ".join(out.split())
    for part in ("train.seed", "better", "worse", f"Beyond {first.name}", "equity by day"):
        assert part in words
    assert max(map(len, out.splitlines())) <= 100


def test_a_copy_is_the_same_configuration(cli, trained, tmp_path):
    copy = shutil.copytree(trained, tmp_path / "copy")
    code, out, err = cli("compare-runs", trained, copy, "--sessions", 2)
    assert code == 0, err
    assert "The runs have the same configuration." in out
    code, _, err = cli("compare-runs", trained)
    assert code == 2
    assert "at least two run folders" in " ".join(err.split())
