"""The verdict in reports: first line, JSON, status, exit codes."""

import json

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.runlog.verdict_file import EXIT_CODES, VerdictFile
from paper_sessions import ScriptedPlanner, play


@pytest.fixture(scope="module")
def words():
    return lambda text: " ".join(text.split())


def test_it_heads_the_report_and_status_repeats_it(cli, trained, words):
    code, out, err = cli("evaluate", trained, "--sessions", 30)
    assert code == 0, err
    assert "between one and the first decision of the next, where window, unroll and" in words(out)
    verdict = words(out).split(". ")[0]
    assert verdict.startswith("Verdict: ")
    code, out, _ = cli("status", trained)
    assert code == 0
    assert verdict in words(out)
    code, out, _ = cli("status", trained, "--json")
    assert verdict in json.loads(out)["verdict"]


def test_json_has_the_evidence_and_the_exit_code_is_the_verdicts(cli, trained):
    code, out, err = cli("evaluate", trained, "--json", "--exit-code")
    luck = json.loads(out)["luck"]
    assert code == EXIT_CODES[luck["verdict"]["call"]], err
    assert luck["policy"] == "agent (search)"
    assert luck["verdict"]["observations"] == json.loads(out)["conditions"]["sessions"]
    assert (
        sum(row["sessions"] for row in luck["months"].values()) == luck["verdict"]["observations"]
    )


@pytest.mark.parametrize("status", [["status"], ["paper", "status"]])
def test_status_ends_with_the_code_of_the_verdict_it_tells(cli, tmp_path, status):
    run = play(tmp_path / "session", planner=ScriptedPlanner([])).folder.path
    code, _, err = cli(*status, run, "--exit-code")
    assert (code, "has no verdict yet" in err) == (RunError.exit_code, True)
    for call, wanted in EXIT_CODES.items():
        VerdictFile(call, ("few", "days"), "test", "2026-01-01T00:00:00+00:00").save(run)
        code, out, err = cli(*status, run, "--exit-code")
        assert (code, f"Verdict: {call}." in out) == (wanted, True), err
    code, _, err = cli(*status, run, "--exit-code", "--watch")
    assert (code, "leave one of the two out" in " ".join(err.split())) == (2, True)


def test_bars_that_made_the_run_have_no_verdict(cli, trained, words):
    code, out, _ = cli("evaluate", trained, "--sessions", 2, "--split", "validation")
    assert code == 0
    assert "Verdict: none. The run was trained or chosen on these bars." in words(out)
    code, _, err = cli("evaluate", trained, "--split", "train", "--exit-code")
    assert code == 2
    assert "no verdict on the train split" in words(err)
