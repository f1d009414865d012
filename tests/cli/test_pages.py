"""`--html`: a report's page, from the command line."""

import json

import pytest

from pages import contents_in


def test_an_evaluation_as_a_page(cli, trained, tmp_path):
    page = tmp_path / "page.html"
    code, out, err = cli("evaluate", trained, "--html", page, "--json")
    assert code == 0, err
    assert f"written to {page}" in err
    found, answer = contents_in(page.read_text()), json.loads(out)
    assert found["verdict"]["call"] == answer["luck"]["verdict"]["call"]
    assert "Look 1 at this test split" in found["verdict"]["looked"]
    metrics = answer["policies"]["agent (search)"]
    assert found["courses"][0]["name"] == "agent (search)"
    assert found["courses"][0]["equity"][-1] == pytest.approx(metrics["net_pips"], rel=1e-5)
    assert {each["name"] for each in found["courses"]} == set(answer["policies"])
    assert metrics["trades"] == len(found["trades"]["gross"]) == 0  # a run so small stays flat
    assert found["decisions"] is None
    titles = [each["title"] for each in found["tables"]]
    assert titles == [
        "Beside the baselines",
        "Luck or skill",
        "By month",
        "By year",
        "What was tried",
    ]
    assert [each["title"] for each in found["plots"]] == ["Cost curve", "Calibration"]
    assert found["again"]["command"].startswith(f"mlx-muzero evaluate {trained} --html")
    assert len(found["again"]["facts"]["SHA-256 of the weights"]) == 64


@pytest.mark.slow
def test_the_results_are_the_same_without_a_page(cli, trained, tmp_path):
    answers = [
        json.loads(cli("evaluate", trained, "--split", "validation", "--json", *html)[1])
        for html in ([], ["--html", tmp_path / "page.html"])
    ]
    for answer in answers:
        del answer["decisions_per_s"]
    assert answers[0] == answers[1]
    assert contents_in((tmp_path / "page.html").read_text())["verdict"]["call"] == "none"


@pytest.mark.slow
def test_the_features_it_earns_with_are_on_the_page(cli, trained, tmp_path):
    page = tmp_path / "page.html"
    code, out, err = cli("evaluate", trained, "--importance", "--html", page, "--json")
    assert code == 0, err
    groups = json.loads(out)["importance"]
    tables = contents_in(page.read_text())["tables"]
    (table,) = (each for each in tables if each["title"] == "Which features it earns with")
    assert [row[0] for row in table["rows"]] == [each["group"] for each in groups]


def test_a_page_that_cannot_be_written_is_refused_before_anything_is_played(cli, trained, tmp_path):
    code, _, err = cli("evaluate", trained, "--html", tmp_path / "nowhere" / "page.html")
    assert code == 2
    assert "no such folder" in err
