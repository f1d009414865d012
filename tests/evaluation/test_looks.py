"""Looks at unseen bars are recorded next to their store and told with every result."""

import json

import pytest


@pytest.fixture
def evaluated(cli, trained):
    """A function that evaluates the run and returns the looks that its JSON tells of."""

    def evaluate(*options):
        code, out, err = cli("evaluate", trained, "--sessions", 2, "--json", *options)
        assert code == 0, err
        return json.loads(out)["conditions"]["looks"]

    return evaluate


def test_every_evaluation_of_the_test_split_counts(evaluated, cli, trained, db):
    assert (evaluated()["evaluations"], evaluated()["evaluations"]) == (1, 2)
    lines = (db.parent / "market.duckdb.looks.jsonl").read_text().splitlines()
    kept = [json.loads(line) for line in lines]
    assert [look["event"] for look in kept] == ["evaluated"] * 2
    assert kept[0]["digest"] == kept[1]["digest"]
    assert kept[0]["run"] == trained.name
    assert kept[0]["checkpoint"] == "000001-episode-000004"
    code, out, _ = cli("evaluate", trained, "--sessions", 2)
    assert code == 0
    words = " ".join(out.split())
    assert "Looks at these bars: 3 evaluations of 1 configuration, this one included" in words


def test_what_chose_the_run_is_no_look(evaluated):
    assert evaluated("--split", "validation") is None
    assert evaluated()["evaluations"] == 1


def test_a_training_counts_its_configuration(evaluated, cli, config_file, db, tmp_path):
    for seed in (5, 6, 6):
        run = tmp_path / f"run{seed}"
        options = ["--config", config_file, "--db", db, "--set", "train.episodes=1"]
        again = ["--resume"] if run.exists() else [*options, "--set", f"train.seed={seed}"]
        code, _, err = cli("train", "--run", run, *again)
        assert code == 0, err
    assert evaluated()["trained"] == 2
