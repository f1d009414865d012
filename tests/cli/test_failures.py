"""How a command ends that failed: its exit code, one line, or with --json one object."""

import errno
import json
from pathlib import Path

import pytest
from typer.main import get_command

from mlx_muzero import errors
from muzero_cli import failures, main
from muzero_cli.failures import answer, wants_json
from muzero_cli.verb_table import VERBS
from wrong_paths import leaves

KINDS = [kind for kind in vars(errors).values() if isinstance(kind, type)]


def fails_with(monkeypatch, error):
    def fail(**_):
        raise error

    monkeypatch.setattr(main, "app", fail)


def failure(result, code):
    """What standard output says of an error; standard error says nothing."""
    got, out, err = result
    assert (got, err) == (code, "")
    told = json.loads(out)["error"]
    assert told["exit_code"] == code
    return told


def test_every_exit_code_has_a_name_of_its_own():
    named = [kind for kind in KINDS if "exit_code" in vars(kind)]
    assert all("code" in vars(kind) for kind in named)
    assert len({kind.code for kind in KINDS}) == len(named)


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_an_error_is_an_object_where_json_is_asked_for(cli, monkeypatch, kind):
    fails_with(monkeypatch, kind("no [bold] \x1b[2J way"))
    told = failure(cli("verb", "--json"), kind.exit_code)
    assert told == {
        "code": kind.code, "exit_code": kind.exit_code, "message": "no [bold] \x1b[2J way",
    }  # fmt: skip


@pytest.mark.parametrize("verb", [*VERBS, "nonsense"])
def test_wrong_usage_is_an_object_too(cli, verb):
    told = failure(cli(verb, "--no-such-option", "--json"), 2)
    assert told["code"] == "usage"
    assert "No such" in told["message"]


def test_a_path_the_system_refuses_is_told(cli, monkeypatch):
    error = OSError(errno.ENOSPC, "No space left on device", "runs/a/journal.jsonl")
    fails_with(monkeypatch, error)
    code, out, err = cli("verb")
    assert (code, out) == (14, "")
    assert err.startswith("error: runs/a/journal.jsonl: the disk is full.")
    assert failure(cli("verb", "--json"), 14)["code"] == "storage"


def test_an_error_goes_to_standard_error_where_standard_output_takes_nothing(cli, monkeypatch):
    def full(_text):
        raise OSError(errno.ENOSPC, "No space left on device")

    fails_with(monkeypatch, errors.DataError("no bars"))
    monkeypatch.setattr(failures, "echo", full)
    assert cli("verb", "--json") == (4, "", "error: no bars\n")


@pytest.mark.parametrize("error", [ValueError("x"), ConnectionResetError(104, "reset")])
def test_a_bug_keeps_its_traceback(cli, monkeypatch, capfd, error):
    fails_with(monkeypatch, error)
    with pytest.raises(type(error)):
        cli("verb")
    assert capfd.readouterr().out == ""
    with pytest.raises(type(error)):
        cli("verb", "--json")
    assert json.loads(capfd.readouterr().out)["error"]["code"] == "bug"


def test_an_answer_has_null_for_what_is_no_number(capsys):
    answer({"ratio": float("nan"), "folds": [float("inf"), 1.5]})
    assert json.loads(capsys.readouterr().out) == {"ratio": None, "folds": [None, 1.5]}


def test_json_is_printed_by_answer_alone():
    modules = Path(failures.__file__).parent.rglob("*.py")
    assert {path.name for path in modules if "import json" in path.read_text()} == {
        "failures.py",
        "tree.py",  # quotes the labels of a graph
    }


def test_json_after_the_end_of_options_is_a_name():
    assert wants_json(["status", "run", "--json"])
    assert not wants_json(["status", "--", "--json"])


def test_every_verb_takes_json():
    for words, command in leaves(get_command(main.app)):
        assert any("--json" in parameter.opts for parameter in command.params), words
