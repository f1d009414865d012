"""What plays a run whose backend was left open, where Apple's frameworks can use more than a CPU.

Core AI's runtime on Linux's CPU passes for one that can. The process in the background is the real
one where a test says so, and a record of what would be started elsewhere.
"""

import dataclasses
import json
import os
from pathlib import Path

import pytest

from markets import MINUTE_NS, MONDAY_NS
from mlx_muzero.agent.backend_choice import speed_key
from mlx_muzero.agent.backend_speeds import BackendSpeeds, remember
from mlx_muzero.experiment import auto_backend
from mlx_muzero.experiment.auto_backend import Measured, Measurement, exports_of
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.exports.formats import why_not_installed
from mlx_muzero.market.bars import utc_text
from mlx_muzero.profiling import background
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.lock import locked
from mlx_muzero.training.run import BACKEND_SETTLED, RunFolder

BEGIN = Measurement.begin

SHORT = ("--split", "validation", "--sessions", "1", "--json")


@pytest.fixture
def left_open(trained):
    """The run, as if its backend had been left open."""
    path = trained / "journal.jsonl"
    line = {"event": BACKEND_SETTLED, "time": "2026-01-01T00:00:00+00:00", "backend": "native"}
    path.write_text(json.dumps(line) + "\n" + path.read_text())
    assert RunFolder(trained).backend_left_open
    return trained


@pytest.fixture
def begun(monkeypatch):
    """Has this machine's Core AI pass for more than a CPU; the measurements begun are kept."""
    if missing := why_not_installed("coreai"):
        pytest.skip(missing)
    begun = []
    monkeypatch.setattr(auto_backend, "formats_to_try", lambda: ("coreai",))
    monkeypatch.setattr(
        Measurement, "begin", lambda self, formats: begun.append((self, formats)) or 4711
    )
    return begun


def fastest(run, backend, roots=None):
    """Have a profile find `backend` the fastest, and what else is said for the roots."""
    loaded = load_run(run, "best", None, backend="native")
    rates = {"native": 1.0, "mlx": 2.0, backend: 9.0}
    speeds = BackendSpeeds(rates, roots_per_s=roots or {})
    remember(speed_key(loaded.model, loaded.config.search), speeds)


def test_elsewhere_nothing_is_measured_in_the_background(left_open, cli, monkeypatch):
    monkeypatch.setattr(auto_backend, "formats_to_try", lambda: ())
    monkeypatch.setattr(Measurement, "begin", lambda *_: pytest.fail("it was begun"))
    fastest(left_open, "mlx")
    code, out, err = cli("evaluate", left_open, *SHORT)
    assert code == 0, err
    assert json.loads(out)["backend"] == "native"
    assert "background" not in err


@pytest.mark.skipif("__import__('sys').platform == 'darwin'", reason="there it may")
def test_linux_has_nothing_but_its_cpu():
    assert auto_backend.formats_to_try() == ()


def test_a_run_whose_backend_was_named_keeps_it(trained, begun, cli):
    code, out, err = cli("evaluate", trained, *SHORT)
    assert code == 0, err
    assert json.loads(out)["backend"] == "native"
    assert not begun


@pytest.mark.slow
def test_a_backend_named_to_play_is_played(left_open, begun, cli):
    code, out, _ = cli("evaluate", left_open, *SHORT, "--backend", "mlx")
    assert (code, json.loads(out)["backend"]) == (0, "mlx")
    assert not begun


@pytest.mark.slow
def test_the_first_evaluation_begins_and_only_the_next_takes_what_was_found(
    left_open, begun, cli, monkeypatch
):
    played = cli("evaluate", left_open, *SHORT)
    assert played[0] == 0, played[2]
    ((measurement, formats),) = begun
    assert formats == ("coreai",)
    assert "backend native for now: process 4711 exports, verifies and measures Core AI" in (
        " ".join(played[2].split())
    )
    assert json.loads(played[1])["backend"] == "native"

    monkeypatch.setattr(background, "profile", profiled(left_open))
    said = []
    found = background.measure(measurement, formats, said.append, quiet_s=0.0)
    assert not found.failure, found
    assert said[-1] == "coreai-cpu decides fastest here"
    assert measurement.found() == found
    assert not (left_open / "export-coreai").exists()

    code, out, err = cli("evaluate", left_open, *SHORT)
    assert code == 0, err
    report = json.loads(out)
    assert (report["backend"], report["root_backend"]) == ("coreai-cpu", "native")
    words = " ".join(err.split())
    assert "backend coreai-cpu (roots: native), as measured in the background" in words
    assert "engine" not in words
    assert len(begun) == 1
    assert json.loads(cli("tree", left_open, "--at", AT, "--json")[1])["visits"]


AT = utc_text(MONDAY_NS + 1000 * MINUTE_NS)


def profiled(run):
    """A profile that finds Core AI on the CPU fastest, and its roots slow."""

    def profile(subject, effort, say):
        assert set(subject.exports) == {"coreai"}
        fastest(run, "coreai-cpu", {"native": 9.0, "mlx": 3.0, "coreai-cpu": 1.0})
        return type("Found", (), {"verdict": "coreai-cpu decides fastest here"})

    return profile


def test_what_ends_during_an_evaluation_counts_for_the_next(left_open, begun):
    run = load_run(left_open, "best", None, measure=True)
    agent = run.agent()
    ((measurement, _),) = begun
    fastest(left_open, "mlx")
    measurement.keep(Measured("mlx decides fastest here"))
    assert run.agent().backend == agent.backend == "native"
    assert {agent.backend for agent in run.searchers().values()} == {"native"}
    assert load_run(left_open, "best", None, measure=True).agent().backend == "mlx"


def test_what_was_found_with_other_kernels_is_not_told_for_what_plays(left_open, begun):
    load_run(left_open, "best", None, measure=True)
    fastest(left_open, "mlx")
    begun[0][0].keep(Measured("mlx decides fastest here"))
    ((path),) = (auto_backend.cache_folder() / "speeds").iterdir()
    path.write_text(json.dumps(json.loads(path.read_text()) | {"kernels": "amx"}))
    said = []
    load_run(left_open, "best", None, measure=True, tell=said.append).agent()
    assert said[0].startswith("speeds of an earlier profile do not count: a profile was made with")
    assert said[1].endswith(", as measured now")


def test_roots_that_are_named_stay_where_the_leaves_were_measured(left_open, begun):
    load_run(left_open, "best", None, measure=True)
    fastest(left_open, "mlx", {"native": 9.0, "mlx": 1.0})
    begun[0][0].keep(Measured("mlx decides fastest here"))
    settled = [
        load_run(left_open, "best", None, root_backend=roots).agent().root_backend
        for roots in (None, "mlx")
    ]
    assert settled == ["native", "mlx"]


def test_a_failure_is_told_and_not_tried_again(left_open, begun, monkeypatch):
    load_run(left_open, "best", None, measure=True)
    ((measurement, formats),) = begun

    def refuse(*_arguments, **_options):
        raise auto_backend.ExportError("the export differs from the model")

    monkeypatch.setattr(background, "export_run", refuse)
    found = background.measure(measurement, formats, lambda _text: None, quiet_s=0.0)
    assert found.failure == "no export for Core AI: the export differs from the model"
    told = []
    run = load_run(left_open, "best", None, tell=told.append, measure=True)
    assert run.config.search.backend == "native"
    assert len(begun) == 1
    (line,) = [line for line in told if "background" in line]
    for words in ("differs from the model", "auto-backend.log says more", "mlx-muzero profile"):
        assert words in line


def test_a_paper_session_begins_it_too_and_the_next_plays_what_was_found(left_open, begun, db):
    from mlx_muzero.paper.beginning import SessionOptions, new_settings

    none = (None,) * 5
    options = SessionOptions(left_open, "TEST", None, "best", None, None, db, *none[:3], ())
    told = []
    first = new_settings(options, told.append, told.append)
    assert first.session.backend == "native"
    ((measurement, _),) = begun
    fastest(left_open, "mlx")
    measurement.keep(Measured("mlx decides fastest here"))
    assert new_settings(options, told.append, told.append).session.backend == "mlx"
    assert any("backend mlx, as measured in the background" in str(line) for line in told)


def test_only_one_process_measures_a_run(left_open, begun):
    load_run(left_open, "best", None, measure=True)
    measurement = begun[0][0]
    with locked(measurement.lock_path):
        assert BEGIN(measurement, ("coreai",)) == os.getpid()
        job = dataclasses.asdict(measurement) | {
            "run": str(measurement.run),
            "result": str(measurement.result),
            "formats": ["coreai"],
            "quiet_s": 0.0,
        }
        background.main(json.dumps(job))
    assert measurement.found() is None


def test_exports_in_the_background_stand_in_for_missing_and_stale_ones(left_open, begun):
    run = load_run(left_open, "best", None, backend="native")
    assert exports_of(run.folder, run.model) == run.folder.export_paths
    run.folder.background_exports_path.mkdir()
    assert exports_of(run.folder, run.model) == run.folder.export_paths


def test_an_evaluation_removes_what_no_checkpoint_can_play_and_says_so(trained, cli):
    unfinished = trained / "background-exports" / ("0" * 16)
    (unfinished / "coreai.partial").mkdir(parents=True)
    code, _, err = cli("evaluate", trained, *SHORT)
    assert code == 0, err
    assert not unfinished.exists()
    assert "never finished" in " ".join(err.split())


@pytest.mark.parametrize(("loads", "quiet"), [([9.0, 9.0, 0.1], True), ([9.0] * 9, False)])
def test_a_quiet_machine_is_waited_for_but_not_for_ever(monkeypatch, loads, quiet):
    """The kernel's load and the clock are made up: a look takes as long as it says."""
    looks, slept = iter(loads), []
    monkeypatch.setattr(background, "performance_cores", lambda: 4)
    monkeypatch.setattr(background.os, "getloadavg", lambda: (next(looks), 0.0, 0.0))
    monkeypatch.setattr(background.time, "sleep", slept.append)
    monkeypatch.setattr(background.time, "monotonic", lambda: sum(slept))
    assert background._quiet(20.0) is quiet
    assert sum(slept) == (10.0 if quiet else 20.0)


def test_a_training_that_leaves_its_backend_open_says_so(cli, config_file, db, tmp_path):
    start = ("train", "--run", "run", "--config", config_file, "--db", db)
    code, _, err = cli(*start, "--set", "search.backend=auto", "--minutes", "0")
    assert code == 0, err
    event = next(journal.read(Path("run") / "journal.jsonl"))
    assert event["event"] == BACKEND_SETTLED
    assert event["backend"] in event["leaves_per_s"]
    assert RunFolder(tmp_path / "run").backend_left_open


@pytest.mark.slow
def test_the_process_in_the_background_does_it_all(left_open, begun, cli):
    """Exported, verified by Apple's runtime and measured; then played if it is the fastest."""
    load_run(left_open, "best", None, measure=True)
    measurement = begun[0][0]
    pid = BEGIN(measurement, ("coreai",), quiet_s=0.0)
    assert os.waitpid(pid, 0)[1] == 0, measurement.log_path.read_text()
    log = measurement.log_path.read_text()
    assert "exporting for Core AI into" in log
    assert "measuring coreai-cpu" in log
    assert "decides fastest here" in measurement.found().verdict
    code, out, err = cli("evaluate", left_open, *SHORT)
    assert code == 0, err
    assert "as measured in the background" in " ".join(err.split())
    assert json.loads(out)["backend"] in {"native", "mlx", "coreai-cpu"}
