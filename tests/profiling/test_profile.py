"""The profile as a whole: what it says, what it draws, and what "auto" makes of it."""

import dataclasses
import json
import sys

import pytest

from factored_models import factored_config
from mlx_muzero import _core, kernel_choice
from mlx_muzero import machine as cores
from mlx_muzero.agent import backend_choice as backends
from mlx_muzero.agent.backend_speeds import BackendSpeeds, recall, remember
from mlx_muzero.config import toml as config_toml
from mlx_muzero.coreml.format import CoreMl
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE, Deployment
from mlx_muzero.exports.placement import OpPlacement, ProgramPlacement
from mlx_muzero.profiling import profile as profiling
from mlx_muzero.profiling.chart import draw
from mlx_muzero.profiling.energy import Energy
from mlx_muzero.profiling.figures import (
    BackendProfile,
    KernelTimes,
    PrecisionTimes,
    StepTimes,
)
from mlx_muzero.profiling.measure import Effort
from mlx_muzero.profiling.profile import profile
from mlx_muzero.profiling.targets import Target, has_gpu
from mlx_muzero.profiling.verdict import verdict
from model_exports import export_model
from muzero_cli.display.console import output_console
from muzero_cli.display.profile import profile_tables
from subjects import figures, small_subject

MLX = "mlx-gpu" if has_gpu() else "mlx-cpu"
NEURAL_ENGINE = Target("coreml", units="CPU_AND_NE")


@pytest.fixture
def subject(small_config):
    return small_subject(small_config)


@pytest.fixture
def exported(small_config, tmp_path):
    subject = small_subject(small_config, tmp_path / "export")
    export_model(tmp_path / "export", small_config, subject.model)
    return subject


@pytest.fixture
def measured(monkeypatch):
    """Replaces measuring by looking figures up; other targets are very slow."""

    def use(*found):
        known = {one.target: one for one in found}

        def look_up(subject, target, effort):
            return known.get(target.name, figures(target.name, 1000.0, 1.0))

        monkeypatch.setattr(profiling, "measure_in_child", look_up)

    return use


@pytest.fixture
def mac(monkeypatch):
    """Has this machine pass for a Mac."""
    monkeypatch.setattr(sys, "platform", "darwin")
    monkeypatch.setattr(cores, "_sysctl", lambda name: 4)
    monkeypatch.setattr(cores, "_sysctl_text", lambda name: "Apple M4")


def auto(subject):
    return dataclasses.replace(subject.config.search, backend="auto")


def test_a_profile_is_remembered_and_auto_goes_by_it(subject, measured):
    for faster, slower in (("native", "mlx"), ("mlx", "native")):
        names = {"native": "native", "mlx": MLX}
        measured(
            figures(names[faster], 5.0, leaves_per_s=2e9),
            figures(names[slower], 9.0, leaves_per_s=1e9),
        )
        found = profile(subject, Effort())
        assert found.speeds.fastest == faster
        search, speeds = backends.settle(subject.model, auto(subject))
        assert search.backend == faster
        assert speeds.leaves_per_s == found.speeds.leaves_per_s
        assert "as profiled" in str(speeds)


def test_precisions_are_remembered_next_to_float32(subject, measured):
    times = PrecisionTimes("float32", 8.0, 1.0), PrecisionTimes("int8", 4.0, 2.0)
    measured(
        figures("native", 5.0, leaves_per_s=2e9, precisions=times),
        figures(MLX, 9.0, leaves_per_s=1e9),
    )
    profile(subject, Effort())
    search = subject.config.search
    assert backends.precision_speeds(subject.model, search, ("int8",)) == {
        "float32": 2e9,
        "int8": 4e9,
    }
    # bfloat16 was not profiled: all are measured now.
    anew = backends.precision_speeds(subject.model, search, ("bfloat16",))
    assert anew.keys() == {"float32", "bfloat16"}
    assert 0 < anew["float32"] < 2e9


def test_kernels_are_remembered_and_the_fastest_are_named(
    subject, measured, monkeypatch, tmp_path, capsys
):
    monkeypatch.setattr(_core, "kernels", lambda: ["accelerate", "baseline", "sme"])
    monkeypatch.setattr(kernel_choice, "cache_folder", lambda: tmp_path)
    monkeypatch.delenv(kernel_choice.VARIABLE, raising=False)
    times = (
        KernelTimes("float32", "accelerate", "Accelerate", 8.0, 1.0),
        KernelTimes("float32", "baseline", "float32", 16.0, 0.5),
        KernelTimes("float32", "sme", "SME FMOPA", 5.0, 1.6),
        KernelTimes("int8", "accelerate", "SDOT", 3.0, 1.0),
        KernelTimes("int8", "baseline", "SDOT", 3.0, 1.0),
        KernelTimes("int8", "sme", "SDOT", 4.0, 0.75),
    )
    precisions = PrecisionTimes("float32", 5.0, 1.0), PrecisionTimes("int8", 3.0, 5 / 3)
    assert kernel_choice.kernels_here().name == "accelerate"
    measured(figures("native", 5.0, 3e9, kernels=times, precisions=precisions))
    found = profile(subject, Effort())
    said = (
        "native computes with kernels sme in float32 (1.60 times as fast as accelerate, as "
        "profiled here), accelerate in int8 (the default; baseline 1.00 times as fast, as profiled "
        "here); "
    )
    assert found.notes[0].startswith(said)
    output_console().print(profile_tables(found))
    rows = [line.split() for line in capsys.readouterr().out.splitlines()]
    assert ["kernels", "precision", "multiply", "by", "p50", "ms", "times", "accelerate"] in rows
    assert ["sme", "float32", "SME", "FMOPA", "5.00", "1.60"] in rows
    # This process computes as before; the next finds the speeds of its kernels.
    search = subject.config.search
    keys = {
        each: backends.speed_key(subject.model, dataclasses.replace(search, precision=each))
        for each in ("float32", "int8")
    }
    assert recall(keys["float32"]) is None
    kernel_choice._kept.cache_clear()
    assert [kernel_choice.kernels_here(each).name for each in keys] == ["sme", "accelerate"]
    speeds = backends.precision_speeds(subject.model, search, ("int8",))
    assert speeds == pytest.approx({"float32": 3e9, "int8": 5e9})


def test_speeds_of_other_kernels_are_outdated(subject, monkeypatch):
    model, search = subject.model, auto(subject)
    key = backends.speed_key(model, search)
    remember(key, BackendSpeeds({"native": 1.0, "mlx": 9e12}, roots_per_s={"native": 1, "mlx": 9}))
    assert backends.settle(model, search)[1].profiled
    assert not backends.outdated_speeds(model, search)
    kept = json.loads(key.path.read_text())
    for facts, earlier in (
        (kept | {"kernels": "amx"}, "with amx kernels"),
        ({name: kept[name] for name in kept if name != "kernels"}, "without telling its kernels"),
    ):
        key.path.write_text(json.dumps(facts))
        settled, speeds = backends.settle(model, search)
        assert (speeds.profiled, settled.root_backend) == (False, "auto")
        assert 0 < speeds.leaves_per_s["mlx"] < 9e12
        words = (
            f"a profile was made {earlier}, and native computes with {key.kernels}; mlx-muzero "
            "profile renews it"
        )
        assert str(speeds).endswith(f"; measured now: {words}")
        named = dataclasses.replace(search, backend="native")
        assert backends.outdated_speeds(model, named) == words  # the roots are left open
        named = dataclasses.replace(named, root_backend="native")
        assert not backends.outdated_speeds(model, named)
    monkeypatch.setenv(kernel_choice.VARIABLE, "baseline")
    remember(key, BackendSpeeds({"native": 1.0}))
    assert (recall(backends.speed_key(model, search)) is None) == (key.kernels != "baseline")


def test_roots_are_remembered_and_the_verdict_names_their_backend(subject, measured):
    measured(
        figures("native", 5.0, leaves_per_s=2e9, root_ms=4.0),
        figures(MLX, 9.0, leaves_per_s=1e9, root_ms=1.0),
    )
    found = profile(subject, Effort())
    assert found.speeds.roots_per_s == {"native": 4000.0, "mlx": 16000.0}
    assert found.verdict.endswith("takes native, and mlx for the roots.")
    search, _ = backends.settle(subject.model, auto(subject))
    assert (search.backend, search.root_backend) == ("native", "mlx")


def test_a_factored_model_is_profiled_and_auto_goes_by_it(small_config, measured):
    subject = small_subject(factored_config(small_config))
    measured(figures("native", 0.25, leaves_per_s=1e9), figures(MLX, 0.125, leaves_per_s=2e9))
    found = profile(subject, Effort())
    assert found.expansion == "market states"
    assert found.verdict.startswith(
        f"{MLX} decides fastest here: 16 pairs with 50 simulations in 0.12 ms"
    )
    search, speeds = backends.settle(subject.model, auto(subject))
    assert search.backend == "mlx"
    assert speeds.profiled


def test_without_a_profile_auto_measures(subject):
    _, speeds = backends.settle(subject.model, auto(subject))
    assert not speeds.profiled


@pytest.mark.parametrize("text", ["", "[]", "{}", '{"leaves_per_s": {"native": "fast"}}'])
def test_a_damaged_memory_is_none(subject, text):
    key = backends.speed_key(subject.model, auto(subject))
    remember(key, BackendSpeeds({"native": 1.0}))
    assert recall(key).leaves_per_s == {"native": 1.0}
    key.path.write_text(text)
    assert recall(key) is None


def test_what_speeds_depend_on_is_told_apart(subject, monkeypatch):
    def key(**changes):
        search = dataclasses.replace(subject.config.search, **changes)
        return backends.speed_key(subject.model, search).path

    first = key()
    others = {key(expansion="single_outcome"), key(leaves_per_step=2), key(threads=1)}
    with monkeypatch.context() as patch:
        patch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_AND_GPU")
        others.add(key())
        patch.setattr("importlib.metadata.version", lambda name: "another")
        others.add(key())
    assert len(others) == 5
    assert first not in others
    assert key(num_simulations=3, backend="native") == first


def test_auto_takes_core_ml_only_on_a_mac_and_for_an_export_of_the_model(
    exported, mac, monkeypatch
):
    model, search = exported.model, auto(exported)
    rates = {"native": 5.0, "coreml": 9.0, "coreml-sim": 99.0}
    remember(backends.speed_key(model, search), BackendSpeeds(rates))

    def settled(deployment):
        return backends.settle(model, search, deployment)[0].backend

    heard = []
    deployment = Deployment(exported.exports, heard.append)
    assert settled(None) == "native"
    # The files of this export are the tests' own; their digests are not looked at here.
    monkeypatch.setattr("mlx_muzero.exports.manifest.Manifest.check_files", lambda *_: None)
    assert settled(deployment) == "coreml"
    assert not heard
    model.dynamics_network.reward.bias = model.dynamics_network.reward.bias + 1.0
    assert settled(deployment) == "native"
    (event,) = heard
    assert event.backend == "native"
    assert "coreml was the fastest here, but" in event.reason
    assert "mlx-muzero export" in event.reason
    monkeypatch.setattr(sys, "platform", "linux")
    remember(backends.speed_key(model, search), BackendSpeeds(rates))
    assert settled(deployment) == "native"


@pytest.mark.slow
def test_a_profile_changes_no_run_that_has_begun(cli, config_file, db, tmp_path, small_config):
    train = ("train", "--run", "run")
    subject = small_subject(small_config)
    key = backends.speed_key(subject.model, subject.config.search)
    remember(key, BackendSpeeds({"native": 1.0, "mlx": 2.0}))
    options = ("--db", db, "--set", "train.episodes=4", "--set", "search.backend=auto")
    code, _, err = cli(*train, "--config", config_file, *options)
    assert code == 0, err
    assert "search backend: mlx (leaves/s: native 1, mlx 2; as profiled)" in err
    config = tmp_path / "run" / "config.toml"
    settled = config.read_text()
    remember(key, BackendSpeeds({"native": 3.0, "mlx": 2.0}))
    code, _, err = cli(*train, "--resume")
    assert code == 0, err
    assert "search backend" not in err
    assert config.read_text() == settled
    assert config_toml.load(config).search.backend == "mlx"


def plan(share, program="recurrent_b32", requested="CPU_AND_NE"):
    operations = (
        OpPlacement("conv", "a", "ANE", ("CPU", "ANE"), share),
        OpPlacement("relu", "b", "CPU", ("CPU",), 1.0 - share),
        OpPlacement("add", "c", None, (), None),
    )
    return ProgramPlacement(program, requested, operations)


def speeds(**rates):
    return BackendSpeeds(rates)


def test_the_verdict_names_the_fastest_and_what_auto_takes():
    chosen = [Target("native"), Target("mlx", "cpu"), Target("coreml-sim")]
    found = [figures("native", 10.0), figures("mlx-cpu", 35.0), figures("coreml-sim", 1.0)]
    text = verdict(chosen, found, [], speeds(native=1.0), Effort())
    assert text == (
        "native decides fastest here: 16 pairs with 50 simulations in 10 ms, 1,600 decisions/s, "
        '3.5 times as fast as mlx-cpu; search.backend = "auto" takes native.'
    )


@pytest.mark.parametrize(
    ("plans", "words"),
    [
        ([], "is unknown"),
        ([plan(0.0)], "plans none of"),
        ([plan(0.5), plan(0.75), plan(1.0, "initial_b32")], "plans 50% to 75% of"),
        ([plan(0.5, requested="CPU_ONLY")], "is unknown"),
    ],
)
def test_the_verdict_says_whether_the_neural_engine_is_used(plans, words):
    chosen = [NEURAL_ENGINE, Target("native")]
    found = [figures(NEURAL_ENGINE.name, 5.0), figures("native", 10.0)]
    assert words in verdict(chosen, found, plans, speeds(coreml=1.0), Effort())


def test_where_nothing_works_the_verdict_says_so():
    failed = [BackendProfile("native", failure="no")]
    assert "Nothing" in verdict([Target("native")], failed, [], None, Effort())


@pytest.fixture
def on_a_mac(exported, measured, mac, monkeypatch):
    """A profile of a Mac: one unit fails, energy is sampled, placements are known."""
    energy = Energy("macmon", 1.0, 0.5, 2.0, 100.0, 8, system_w=9.0, idle_w=5.0)
    broken = Target("coreml", units="CPU_AND_GPU")
    measured(
        figures("native", 10.0, energy=energy),
        figures(NEURAL_ENGINE.name, 20.0),
        BackendProfile(broken.name, failure="ended by SIGABRT [MLIR]"),
    )
    monkeypatch.setattr(
        profiling, "targets", lambda exported: [Target("native"), NEURAL_ENGINE, broken]
    )
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_AND_NE")
    lost = ProgramPlacement("initial_b32", "CPU_AND_NE", failure="no answer")
    monkeypatch.setattr(CoreMl, "plan", lambda self, folder, units: (plan(0.75), lost))
    return profile(exported, Effort())


def shown(found, capsys):
    output_console().print(profile_tables(found))
    return capsys.readouterr().out


def test_the_published_transformer_stands_beside_one_not_beside_root_inference(
    subject, measured, capsys
):
    reactive = tuple(StepTimes(pairs, 0, 7.25, 9.0, 0.0, 5) for pairs in (8, 16))
    measured(figures("native", 5.0), figures(MLX, 9.0, reactive=reactive))
    found = profile(subject, Effort())
    (line,) = (row for row in shown(found, capsys).splitlines() if "reactive" in row)
    assert line.split()[2:] == ["17", "7.2", MLX, "16", "pairs"]
    values = json.loads(json.dumps(found.as_dict(), allow_nan=False))
    assert values["backends"][1]["reactive"][1]["decisions_per_s"] == pytest.approx(16e3 / 7.25)


def test_a_macs_profile_is_shown_whole(on_a_mac, capsys):
    text = shown(on_a_mac, capsys)
    assert "ended by SIGABRT [MLIR]" in text
    assert "40.0" in text  # 4 W over 100 decisions/s, in mJ
    assert "native 9.00 W, 5.00 W at rest" in " ".join(text.split())
    assert "recurrent_b32, CPU_AND_NE requested: 1 on ANE, 1 on CPU, 1 on undetermined" in text
    assert "75.0%" in text
    assert "initial_b32, CPU_AND_NE requested: no plan, no answer" in text
    for line in ("reactive Transformer", "MCTS, 50 simulations (estimate)", "100-250"):
        assert line in text
    assert on_a_mac.verdict in " ".join(text.split())
    assert "energy not available" not in text


def test_energy_of_the_chip_alone_is_told_as_such(subject, measured):
    measured(figures("native", 10.0, energy=Energy("powermetrics", 1.0, 0.5, 2.0, 100.0, 8)))
    notes = " ".join(profile(subject, Effort()).notes)
    assert "energy is that of CPU, GPU and Neural Engine together" in notes
    assert "at rest" not in notes


def test_a_profile_is_json(on_a_mac):
    values = json.loads(json.dumps(on_a_mac.as_dict(), allow_nan=False))
    assert values["auto"] == "native"
    assert values["targets"][0]["name"] == "native"
    native = values["backends"][0]
    assert native["energy"]["mj_per_decision"] == pytest.approx(40.0)
    assert (native["energy"]["system_w"], native["energy"]["idle_w"]) == (9.0, 5.0)
    assert native["calls"][1]["leaves_per_s"] == pytest.approx(64_000)
    assert native["steps"][-1]["decisions_per_s"] == pytest.approx(1600)
    assert values["published"][1]["high_ms"] == 250


@pytest.mark.slow
def test_a_profile_is_drawn(on_a_mac, tmp_path):
    draw(on_a_mac, tmp_path / "chart.png")
    assert (tmp_path / "chart.png").read_bytes().startswith(b"\x89PNG")


def test_a_chart_needs_matplotlib_before_anything_is_measured(cli, monkeypatch, measured):
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    monkeypatch.delitem(sys.modules, "mlx_muzero.profiling.chart")
    monkeypatch.setattr(profiling, "measure_in_child", None)
    code, _, err = cli("profile", "--png", "chart.png")
    assert code == 3
    assert "pip install 'mlx-muzero[chart]'" in err


@pytest.mark.slow
def test_profile_of_a_run(cli, trained, monkeypatch, tmp_path):
    code, out, err = cli("profile", trained, "--seconds", "0", "--json", "--png", "chart.png")
    assert code == 0, err
    values = json.loads(out)
    real = [t["name"] for t in values["targets"] if not t["simulated"]]
    assert real[:2] == ["native", "mlx-cpu"]
    for backend in values["backends"]:
        assert not backend["failure"]
        assert [call["leaves"] for call in backend["calls"]] == [2**n for n in range(9)]
        assert len(backend["steps"]) == 6
        assert backend["memory_mb"] > 20
    assert "holds no export" in values["notes"][0]
    assert (tmp_path / "chart.png").exists()


def test_profile_without_a_run_is_of_the_preset(cli, measured):
    measured()
    code, out, err = cli("profile")
    assert code == 0, err
    assert "fx_micro, random weights" in out
    assert "has no export" in " ".join(out.split())


def test_a_chart_needs_a_folder_before_anything_is_measured(cli, monkeypatch):
    monkeypatch.setattr(profiling, "measure_in_child", None)
    code, _, err = cli("profile", "--png", "nowhere/chart.png")
    assert code == 2
    assert "no such folder: nowhere" in err


def test_profile_of_no_run_is_refused(cli):
    code, _, err = cli("profile", "nowhere")
    assert code == 5
    assert "nowhere" in err
