"""`doctor --ane`: every question asked in order, on a Mac that is made up and on this machine."""

import json
import sys
from dataclasses import replace

import pytest

from fake_core_ml import FakeMac
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.profiling import ane_lab, ane_questions, core_ai_question, doctor
from mlx_muzero.profiling.ane_lab import Lab
from mlx_muzero.profiling.ane_questions import ask
from mlx_muzero.profiling.ane_report import write_report
from mlx_muzero.profiling.doctor import Check
from mlx_muzero.profiling.figures import BackendProfile
from mlx_muzero.profiling.measure import Effort
from mlx_muzero.profiling.targets import Target
from subjects import figures

QUESTIONS = 6

NO_CORE_AI = why_not_installed("coreai")

CHECKS = [Check("machine", "ok", "a machine")]


@pytest.fixture(autouse=True)
def few_exports(exported, monkeypatch):
    """Small ones: what is asked does not depend on their rows."""
    few, decomposed, joined = (
        ExportOptions(batches=(2,), **options)
        for options in ({}, {"layer_norm": "decomposed"}, {"multifunction": True})
    )
    norms = (("as one operation", few), ("decomposed", decomposed))
    for name, options in (("_MANY", few), ("_LAYER_NORMS", norms), ("_DRIFT", few)):
        monkeypatch.setattr(ane_questions, name, options)
    monkeypatch.setattr(ane_questions, "_JOINED", joined)
    monkeypatch.setattr(core_ai_question, "OPTIONS", few)
    monkeypatch.setattr(ane_lab, "SAMPLES", 4)
    monkeypatch.setattr(Lab, "_export", lambda self, options: exported(options))


@pytest.fixture
def make_lab(subject, tmp_path):
    def make(mac):
        lab = Lab(subject, tmp_path, mac)
        if mac is not None:
            mac.lab = lab
        return lab

    return make


def measure(subject, target, effort):
    if target.name == "mlx-cpu":
        return BackendProfile(target.name, failure="it ended by SIGKILL")
    return figures(target.name)


@pytest.mark.slow
def test_a_mac_answers_every_question(make_lab, monkeypatch, tmp_path):
    chosen = [Target("native"), Target("mlx", "cpu"), Target("coreml", units="CPU_AND_NE")]
    monkeypatch.setattr(ane_questions, "targets", lambda exported: chosen if exported else [])
    heard = []
    answers = list(
        ask(make_lab(FakeMac(broken=("CPU_ONLY",), on_the_engine=("conv",))), measure, heard.append)
    )
    assert heard == [answer.question for answer in answers]
    assert [answer.status for answer in answers] == ["answered"] * QUESTIONS
    placed, layer_norm, times, functions, drift, core_ai = (" ".join(a.findings) for a in answers)
    assert "recurrent_b2 with CPU_ONLY" in placed
    assert "operations on ANE" in placed
    assert "0% of the estimated time on the Neural Engine" in placed
    assert "Of layer norm itself" in layer_norm
    assert "Layer norm decomposed" in layer_norm
    assert "native: 1 leaves 1.00 ms, 64 leaves 1.00 ms" in times
    assert "mlx-cpu failed: it ended by SIGKILL" in times
    assert "coreml CPU_AND_NE" in times
    assert "Plans cover 4 of 4 functions" in functions
    assert "CPU_ONLY failed: its programs did not load" in drift
    assert "after 50 steps" in drift
    assert "within bounds" in core_ai or "Not measured" in core_ai

    write_report(tmp_path / "report.md", CHECKS, answers)
    text = (tmp_path / "report.md").read_text()
    headings = [line for line in text.splitlines() if line.startswith("## ")]
    assert headings[:-1] == [f"## {n}. {a.question}" for n, a in enumerate(answers, 1)]
    assert "- machine (ok): a machine" in text
    kept = json.loads(text.partition("```json\n")[2].partition("```")[0])
    assert [answer["question"] for answer in kept] == heard


@pytest.mark.slow
@pytest.mark.skipif(bool(NO_CORE_AI), reason=str(NO_CORE_AI))
def test_elsewhere_each_question_says_that_it_needs_a_mac_and_what_is_known(make_lab):
    answers = list(ask(make_lab(None), measure))
    assert len(answers) == QUESTIONS
    for answer in answers:
        assert answer.status == "needs a Mac"
        first, *rest = answer.findings
        assert first.startswith("This needs a Mac: ")
        assert first.count(".") == first.endswith(".") == 1
        assert rest
        assert answer.figures
    saved, _, times, functions, drift, core_ai = (" ".join(a.findings) for a in answers)
    assert "recurrent_b2 is saved as" in saved
    assert "native: 1 leaves" in times
    assert "holds 2 functions" in functions
    assert "In the interpreter: latents off by" in drift
    assert "within bounds" in core_ai


@pytest.mark.slow
def test_a_question_that_fails_keeps_none_from_being_asked(make_lab, monkeypatch):
    lab = make_lab(None)

    def fail(options):
        raise ExportError("no coremltools")

    monkeypatch.setattr(lab, "exported", fail)
    answers = list(ask(lab, measure))
    *of_core_ml, core_ai = (answer.status for answer in answers)
    assert of_core_ml == ["failed"] * (QUESTIONS - 1)
    assert core_ai == "needs a Mac"
    assert answers[0].findings == ("ExportError: no coremltools",)


@pytest.mark.slow
def test_a_mac_on_which_nothing_works_has_failed(make_lab, monkeypatch):
    class BrokenMac(FakeMac):
        units = ("CPU_ONLY",)

        def plan(self, export, units):
            plans = super().plan(export, units)
            return tuple(replace(plan, operations=(), failure="SIGKILL") for plan in plans)

    monkeypatch.setattr(ane_questions, "targets", lambda exported: [Target("mlx", "cpu")])
    answers = list(ask(make_lab(BrokenMac(broken=("CPU_ONLY",))), measure))
    failed = [answer.status == "failed" for answer in answers]
    assert failed == [True, True, True, False, True, False]
    assert "SIGKILL" in answers[0].findings[0]
    assert "Plans cover 0 of" in answers[3].findings[0]


@pytest.mark.skipif(sys.platform == "darwin", reason="about other systems")
def test_there_is_no_core_ml_elsewhere():
    assert devices("coreml") is None


@pytest.fixture
def command(cli, monkeypatch, subject):
    """The verb, on a small model and with checks that take no time."""
    monkeypatch.setattr(doctor, "examine", lambda: CHECKS)
    monkeypatch.setattr("mlx_muzero.profiling.ane_report.preset_subject", lambda: subject)
    monkeypatch.setattr(ane_questions, "targets", lambda exported: [Target("native")])
    little = Effort(seconds=0.0, batches=(2,), pairs=(2,), simulations=(4,))
    monkeypatch.setattr(ane_questions, "EFFORT", little)
    return cli


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "darwin", reason="about other systems")
def test_the_command_writes_a_report_and_exits_with_0(command, tmp_path):
    code, out, err = command("doctor", "--ane", "--report", "found.md")
    assert code == 0
    assert "written to found.md" in err
    assert out.count("This needs a Mac") == QUESTIONS
    assert (tmp_path / "found.md").read_text().count("This needs a Mac") >= QUESTIONS


@pytest.mark.slow
def test_the_command_exits_with_1_when_a_question_fails(command, monkeypatch, tmp_path):
    def fail(self, options):
        raise ExportError("no coremltools")

    monkeypatch.setattr(Lab, "_export", fail)
    code, out, _ = command("doctor", "--ane", "--json")
    assert code == 1
    found = json.loads(out)
    assert found["checks"][0]["name"] == "machine"
    assert {answer["status"] for answer in found["answers"]} >= {"failed"}
    assert (tmp_path / "mlx-muzero-ane.md").exists()


def test_without_ane_nothing_is_written(command, tmp_path):
    code, out, _ = command("doctor", "--json")
    assert code == 0
    machine, charts = json.loads(out)
    assert machine == CHECKS[0].as_dict()
    assert charts["name"] == "charts"
    assert not list(tmp_path.glob("*.md"))
