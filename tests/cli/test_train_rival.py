"""`mlx-muzero train-rival`, and its row in `evaluate --compare`."""

import json
from functools import partial

import pytest

from mlx_muzero.evaluation.full_comparison import compare_fully
from mlx_muzero.evaluation.ppo import recipe
from mlx_muzero.evaluation.ppo.recipe import Recipe
from mlx_muzero.experiment import evaluating
from mlx_muzero.experiment import rival as rivals
from mlx_muzero.runlog.look_ledger import read_looks
from small_recipes import TINY


@pytest.fixture
def quick(monkeypatch):
    """Trials and comparisons of milliseconds."""
    small = Recipe(sessions=4, horizon=4, epochs=1, batch=16)
    monkeypatch.setattr(recipe, "RECIPE", small)
    monkeypatch.setattr(evaluating, "compare_fully", partial(compare_fully, recipe=TINY))


def looks(db, kind):
    found = read_looks(db.with_name(f"{db.name}.looks.jsonl"))
    return [look for look in found if look.kind == kind and look.run.endswith("/rival")]


@pytest.mark.slow
def test_trials_go_on_where_they_stopped_and_each_is_a_look(cli, trained, db, quick, monkeypatch):
    options = ("train-rival", trained, "--updates", 4, "--trials", 3, "--json")
    made, calls = rivals.train, []

    def stopped_in_the_second(*given):
        calls.append(given)
        return None if len(calls) == 2 else made(*given)

    monkeypatch.setattr(rivals, "train", stopped_in_the_second)
    code, out, err = cli(*options)
    assert code == 130, err
    assert (json.loads(out)["finished"], len(json.loads(out)["trials"])) == (False, 1)
    assert "the same command begins again" in err
    code, out, err = cli(*options)
    assert code == 0, err
    assert "3 trials of PPO, 1 of them before, 4 updates each" in err
    left = json.loads(out)
    assert (left["finished"], [each["seed"] for each in left["trials"]]) == (True, [0, 1, 2])
    assert len(looks(db, "trained")) == 4
    assert len({look.configuration for look in looks(db, "trained")}) == 3
    assert [look.policies.keys() for look in looks(db, "validated")] == [{"ppo"}] * 3
    code, out, _ = cli("looks", "--json", "--db", db)
    assert code == 0
    # Its own trials do not count as agents that were tried.
    code, _, err = cli("train-rival", trained, "--updates", 4)
    assert code == 0
    assert "1 trial of PPO" in err
    assert "1 configuration of agents trained on these bars" in err
    code, out, _ = cli("train-rival", trained, "--updates", 4)
    assert "(chosen)" in out
    code, _, err = cli("train-rival", trained, "--updates", 5)
    assert code != 0
    assert "was begun with --updates 4 --seed 0, not --updates 5 --seed 0" in err


@pytest.mark.slow
def test_evaluate_compare_has_its_row(cli, trained, db, quick, monkeypatch):
    evaluated = ("evaluate", trained, "--sessions", 2, "--compare", "--simulations", 2)
    code, out, err = cli(*evaluated)
    assert code == 0, err
    words = " ".join(out.split())
    assert "PPO: none was trained for this run; train one with: mlx-muzero train-rival" in words
    assert cli("train-rival", trained, "--updates", 4, "--trials", 2)[0] == 0
    code, out, err = cli(*evaluated, "--json")
    assert code == 0, err
    found = json.loads(out)
    assert "ppo" in found["policies"]
    assert len(found["ppo"]["trials"]) == 2
    code, out, _ = cli(*evaluated)
    assert "Best of 2 trials by the validation split" in " ".join(out.split())
    # Another configuration has another rival.
    mark = trained / "config.toml"
    mark.write_text(mark.read_text().replace("num_simulations = 4", "num_simulations = 3"))
    code, out, err = cli(*evaluated)
    assert code == 0, err
    assert "PPO: left out, as" in " ".join(out.split())
