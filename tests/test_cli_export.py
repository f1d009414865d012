"""`mlx-muzero export` and `mlx-muzero verify`: a trained run's programs, and what is refused."""

import json
import sys

import pytest

from test_cli import mistake


@pytest.fixture
def exported(trained, cli):
    """The run's export folder, exported once for a small and a single batch."""
    code, _, err = cli("export", trained, "--batch", "16,1")
    assert code == 0, err
    return trained / "export"


def test_a_trained_run_is_exported_and_verified(trained, cli):
    code, out, err = cli("export", trained, "--batch", "16,1")
    assert code == 0, err
    for words in ("interpreter: within bounds", "recurrent value_logits", "after steps", "50"):
        assert words in out
    assert "searches of 25 simulations: the same action in 100.0%" in out
    last = err.splitlines()[-1]
    assert f"{trained / 'export'}: checkpoint 00000" in last
    assert "4 programs, exported and verified in " in last
    again = cli("verify", trained / "export")
    assert again[0] == 0
    assert again[1] == out


def test_the_figures_as_json(exported, cli):
    code, out, _ = cli("verify", exported, "--json")
    assert code == 0
    figures = json.loads(out, parse_constant=lambda name: pytest.fail(f"{name}: no JSON"))
    (engine,) = figures["engines"]
    assert (engine["engine"], engine["problems"]) == ("sim", [])
    assert engine["agreement"]["rate"] >= 0.99
    assert engine["agreement"]["decisions"] == figures["samples"]
    code, out, _ = cli("export", exported.parent, "--batch", "2", "--json", "--precision", "fp32")
    assert code == 0
    manifest = json.loads(out)
    assert manifest["export"] == str(exported)
    assert manifest["precision"] == "fp32"
    assert [program["rows"] for program in manifest["programs"]] == [2, 2]
    assert manifest["verification"]["engines"][0]["problems"] == []


def test_every_way_of_exporting(trained, cli):
    options = ["--batch", "3", "--layer-norm", "decomposed", "--multifunction"]
    code, _, err = cli("export", trained, *options)
    assert code == 0, err
    folder = trained / "export"
    assert sorted(p.name for p in folder.iterdir()) == ["manifest.json", "programs.mlpackage"]
    assert cli("verify", folder)[0] == 0


def test_an_export_that_was_changed_does_not_pass(exported, cli):
    path = next(exported.rglob("weight.bin"))
    path.write_bytes(path.read_bytes()[::-1])
    mistake(cli("verify", exported), 8, "weight.bin is changed since it was exported")


def test_an_export_of_a_checkpoint_no_longer_kept_says_so(exported, cli):
    checkpoint = json.loads((exported / "manifest.json").read_text())["checkpoint"]
    (exported.parent / "checkpoints" / checkpoint).rename(exported.parent / "elsewhere")
    mistake(cli("verify", exported), 5, "does not keep checkpoint", checkpoint)


@pytest.mark.parametrize(
    ("arguments", "code", "words"),
    [
        (["export", "none"], 5, ["none holds no run"]),
        (["verify", "none"], 8, ["none holds no export", "mlx-muzero export"]),
    ],
)
def test_what_is_not_there_is_one_sentence(cli, arguments, code, words):
    mistake(cli(*arguments), code, *words)


@pytest.mark.parametrize("batch", ["", "0", "1,,2", "-3", "1.5", "many"])
def test_a_batch_that_is_no_number_is_wrong_usage(cli, batch):
    code, out, err = cli("export", "run", "--batch", batch)
    assert (code, out) == (2, "")
    assert "write whole numbers" in err


def test_without_coremltools_the_remedy_is_named(cli, monkeypatch):
    for name in [n for n in sys.modules if n.startswith(("coremltools", "mlx_muzero.coreml."))]:
        monkeypatch.delitem(sys.modules, name)
    monkeypatch.setitem(sys.modules, "coremltools", None)
    mistake(cli("export", "run"), 8, "pip install 'mlx-muzero[coreml]'")
