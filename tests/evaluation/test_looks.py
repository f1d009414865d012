"""Looks at unseen bars are recorded next to their store and told with every result."""

import json

import pytest

from mlx_muzero.experiment.looks import looked_bars
from mlx_muzero.timeunits import DAY_NS


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
    assert "Look 3 at this test split; 1 configuration was tried: 1 judged" in words


@pytest.mark.slow
def test_what_chose_the_run_is_no_look(evaluated):
    assert evaluated("--split", "validation") is None
    assert evaluated()["evaluations"] == 1


@pytest.mark.slow
def test_a_training_counts_its_configuration(evaluated, cli, config_file, db, tmp_path):
    for seed in (5, 6, 6):
        run = tmp_path / f"run{seed}"
        options = ["--config", config_file, "--db", db, "--set", "train.episodes=1"]
        again = ["--resume"] if run.exists() else [*options, "--set", f"train.seed={seed}"]
        code, _, err = cli("train", "--run", run, *again)
        assert code == 0, err
    assert evaluated()["trained"] == 2


def test_validations_and_every_row_are_recorded_by_themselves(cli, config_file, db, tmp_path):
    run = tmp_path / "run"
    code, _, err = cli("train", "--run", run, "--config", config_file, "--db", db)
    assert code == 0, err
    code, _, err = cli("evaluate", run, "--sessions", 2, "--split", "validation")
    assert code == 0, err
    code, out, err = cli("looks", "--db", db, "--json")
    assert code == 0, err
    looks = json.loads(out)["looks"]
    validations = [look for look in looks if look["event"] == "validated"]
    journaled = (run / "journal.jsonl").read_text().count('"event": "validated"')
    assert journaled > 0
    assert len(validations) == journaled + 1
    assert {look["part"] for look in validations} == {"validation"}
    assert validations[-1]["policies"]["agent (search)"]["totals"]
    assert [look["event"] for look in looks].count("trained") == 1
    code, out, _ = cli("looks", "--db", db, "--symbol", "TEST")
    assert code == 0
    assert f"1 training, {len(validations)} judgement" in " ".join(out.split())


def test_a_test_of_a_few_hours_is_known_to_be_of_the_market_it_was_trained_on(small_dataset):
    whole, test = looked_bars(small_dataset), looked_bars(small_dataset, "test")
    assert test.end_ns - test.first_ns < DAY_NS / 2
    assert test.digest != whole.digest
    assert test.same_market(whole) is True
    assert (whole.first_ns < test.first_ns, test.end_ns) == (True, whole.end_ns)


def test_a_copied_store_goes_on_with_the_looks(cli, trained, db, tmp_path, evaluated):
    assert evaluated()["evaluations"] == 1
    elsewhere = tmp_path / "copy.duckdb"
    elsewhere.write_bytes(db.read_bytes())
    assert evaluated("--db", elsewhere)["evaluations"] == 2
    code, out, err = cli("looks", "--db", elsewhere, "--all", "--json")
    assert code == 0, err
    assert len(json.loads(out)["looks"]) == 2
    other = tmp_path / "other.duckdb"
    code, _, err = cli("looks", "--db", other, "--merge", f"{db}.looks.jsonl")
    assert code == 0, err
    assert "1 looks added" in err
