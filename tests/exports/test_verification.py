"""Verification: figures that are right, and an export that is wrong in any way does not pass."""

import functools
import shutil
import sys
from contextlib import contextmanager

import numpy as np
import pytest

from examples import cases
from exports import passed, run_config, trading_model
from markets import MINUTE_NS, walk_bars
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.child import ChildLost
from mlx_muzero.exports.deployment import COMPUTE_UNITS_VARIABLE
from mlx_muzero.exports.devices import ThisMachine
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import (
    Agreement,
    Disagreement,
    Drift,
    EngineFigures,
    OutputError,
    Verification,
)
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.program import program_set
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.exports.verification import interpreted, verify
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.trading.positions import FX_ACTIONS

MODES = ["all_outcomes", "single_outcome"]


@pytest.fixture(scope="module")
def model():
    return trading_model()


@pytest.fixture(scope="module")
def dataset(model):
    return MarketDataset.from_bars(walk_bars(1500), run_config(model).market)


@pytest.fixture(scope="module")
def samples(model, dataset):
    return draw_samples(dataset, TradingRules.from_config(run_config(model)), 40)


@pytest.fixture(scope="module")
def exported(model, tmp_path_factory):
    """The folder of an export of the model, made once for each way of making it."""

    @functools.cache
    def folder(mode="all_outcomes", **options):
        made = tmp_path_factory.mktemp("made") / "export"
        how = ExportOptions(batches=(2, 16), **options)
        export(weights_of(model), run_config(model, mode), "made", made, passed, how)
        return made

    return folder


@pytest.fixture
def check(model, samples, exported):
    """Verifies an export of the model; `load` comes between the programs and the figures."""

    def verified(mode="all_outcomes", mac=None, load=interpreted, quick=False, of=model, **options):
        folder = exported(mode, **options)
        return verify(folder, of, FX_ACTIONS, samples, mac, quick=quick, load=load)

    return verified


@functools.cache
def read_once(folder, key):
    """The program of an export that stays as it is."""
    (entry,) = (entry for entry in Manifest.load(folder).programs if entry.key == key)
    return interpreted(folder, entry)


def spoiled(change):
    """A loader whose programs' outputs go through `change(name, outputs)` on the way."""

    def load(folder, entry):
        program = read_once(folder, entry.key)
        return lambda inputs: change(entry.name, program(inputs))

    return load


@pytest.mark.parametrize("mode", cases(1, MODES))
def test_an_export_of_a_model_passes_with_all_its_figures(check, mode):
    found = check(mode)
    (figures,) = found.engines
    assert found.problems() == []
    assert {error.program for error in figures.outputs} == {
        "all_outcomes": {"initial", "recurrent"},
        "single_outcome": {"initial", "afterstate", "dynamics"},
    }[mode]
    assert all(0.0 < error.typical <= error.worst < error.largest for error in figures.outputs)
    assert [drift.steps for drift in figures.drift] == [1, 5, 50]
    assert all(0.0 < drift.latent_frac < 0.05 for drift in figures.drift)
    assert (figures.agreement.simulations, figures.agreement.decisions) == (25, 40)
    assert figures.agreement.rate >= 0.99


@pytest.mark.slow
def test_a_float32_export_is_the_model_but_for_rounding(check):
    (figures,) = check(precision="fp32").engines
    assert max(error.worst for error in figures.outputs) < 1e-4
    assert max(drift.latent_frac for drift in figures.drift) < 1e-4
    assert figures.agreement.disagreements == ()


@pytest.mark.slow
def test_a_quick_verification_looks_at_outputs_only(check):
    (figures,) = check(quick=True).engines
    assert figures.outputs
    assert (figures.drift, figures.agreement) == ((), None)


SPOILS = {
    "off": lambda array: array + 0.3,
    "nan": lambda array: np.where(np.arange(array.shape[-1]) == 1, np.nan, array),
    "other rows": lambda array: array[..., ::-1],
}


@pytest.mark.parametrize("how", SPOILS)
@pytest.mark.parametrize(
    ("program", "output"),
    [("recurrent", "reward"), ("recurrent", "next_latent"), ("initial", "policy_logits")],
)
def test_a_wrong_output_is_named(check, how, program, output):
    def change(name, outputs):
        if name == program:
            outputs[output] = SPOILS[how](outputs[output])
        return outputs

    found = check(load=spoiled(change))
    (problem,) = found.problems()
    assert problem.startswith(f"{program} {output} is off by ")
    with pytest.raises(ExportError, match=f"differs from the model: {program} {output}"):
        found.require_passed()
    assert found.as_dict()["engines"][0]["problems"] == [problem]


def test_other_weights_are_refused(check):
    with pytest.raises(ExportError, match="made from other weights, of checkpoint made"):
        check(of=trading_model(seed=1))


@pytest.mark.slow
def test_a_changed_package_is_refused(exported, tmp_path, model, samples):
    shutil.copytree(exported(), tmp_path / "export")
    path = next((tmp_path / "export").rglob("weight.bin"))
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(ExportError, match=r"weight\.bin is changed since it was exported"):
        verify(tmp_path / "export", model, FX_ACTIONS, samples)


class FakeMac:
    """Core ML played by the interpreter; its process dies on units in `lost`, `wrong` are off."""

    format = "coreml"
    units = ("CPU_ONLY", "CPU_AND_GPU", "CPU_AND_NE")

    def __init__(self, lost=(), wrong=()):
        self.lost, self.wrong = lost, wrong

    @contextmanager
    def programs(self, export, units):
        if units in self.lost:
            raise ChildLost("Failed to build the model execution plan", curable=False)
        entries = Manifest.load(export).programs
        off = 1.0 if units in self.wrong else 0.0

        def call(key, inputs):
            program = read_once(export, key)
            return {name: array + off for name, array in program(inputs).items()}

        yield program_set(call, entries)


def test_a_mac_verifies_every_compute_unit(check):
    found = check(mac=FakeMac(), quick=True)
    assert [figures.name for figures in found.engines] == [
        "interpreter",
        "Core ML CPU_ONLY",
        "Core ML CPU_AND_GPU",
        "Core ML CPU_AND_NE",
    ]
    assert all(figures.outputs for figures in found.engines)
    assert found.problems() == []


@pytest.mark.skipif(sys.platform == "darwin", reason="Core ML is there")
def test_the_environment_can_keep_a_mac_to_one_compute_unit(check, monkeypatch):
    monkeypatch.setenv(COMPUTE_UNITS_VARIABLE, "CPU_ONLY")
    found = check(mac=ThisMachine("coreml"), quick=True)
    assert [figures.name for figures in found.engines] == ["interpreter", "Core ML CPU_ONLY"]
    assert "Core ML runs on macOS only" in found.problems()[0]


def test_a_compute_unit_that_cannot_be_used_is_reported(check):
    found = check(mac=FakeMac(lost=["CPU_AND_GPU"], wrong=["CPU_AND_NE"]), quick=True)
    problems = [figures.problems("fp16") for figures in found.engines]
    assert problems[:2] == [[], []]
    assert problems[2] == ["Failed to build the model execution plan"]
    assert "initial latent is off by" in problems[3][0]
    assert found.problems() == []
    assert found.as_dict()["engines"][2]["failure"] == problems[2][0]


def test_an_export_that_no_compute_unit_runs_does_not_pass(check):
    units = FakeMac.units
    found = check(mac=FakeMac(lost=units[:2], wrong=units[2:]), quick=True)
    assert [problem.split(":")[0] for problem in found.problems()] == [
        f"Core ML {name}" for name in units
    ]


def with_figures(precision="fp16", **figures):
    return Verification(precision, 100, (EngineFigures("sim", None, **figures),))


@pytest.mark.parametrize(
    ("figures", "problem"),
    [
        ({"outputs": (OutputError("initial", "latent", 0.5, 0.009, 0.0),)}, None),
        ({"outputs": (OutputError("initial", "latent", 0.5, 0.011, 0.0),)}, "initial latent"),
        ({"outputs": (OutputError("initial", "latent", 10.0, 0.09, 0.0),)}, None),
        ({"drift": (Drift(5, 0.5, 0, 0, 0),)}, "latents are off by 50.00% after 5 steps"),
        ({"drift": (Drift(5, float("nan"), 0, 0, 0),)}, "latents are off by nan"),
        ({"drift": (Drift(50, 0.5, 0, 0, 0),)}, None),
        (
            {"agreement": Agreement(25, 100, 0.01, (Disagreement(0, 0.02), Disagreement(0, 0.02)))},
            r"median of 0\.02 .* as good as ties, .* train further and export then",
        ),
        ({"agreement": Agreement(25, 100, 0.0, (Disagreement(0, 0.1),))}, None),
        (
            {"agreement": Agreement(25, 100, 0.0, (Disagreement(1, 0.2), Disagreement(5, 0.5)))},
            r"searches agree on 98\.0% of 100 decisions; 99% is required\. .* median of 0\.5",
        ),
    ],
)
def test_bounds(figures, problem):
    found = with_figures(**figures)
    if problem is None:
        found.require_passed()
    else:
        with pytest.raises(ExportError, match=problem):
            found.require_passed()


def test_figures_that_are_no_numbers_fit_json():
    error = OutputError("initial", "latent", 1.0, float("nan"), float("inf"))
    (engine,) = with_figures(outputs=(error,)).as_dict()["engines"]
    assert engine["outputs"][0]["worst"] is None


def test_samples_are_real_situations_of_the_validation_split(samples, dataset, model):
    rules = TradingRules.from_config(run_config(model))
    again = draw_samples(dataset, rules, 40)
    np.testing.assert_array_equal(again.observation, samples.observation)
    assert len(samples) == 40
    assert FX_ACTIONS.legal[samples.position, samples.action].all()
    assert set(samples.position) == {0, 1, 2}
    assert set(samples.outcome) == {0, 1, 2}
    np.testing.assert_array_equal(samples.account, samples.position)  # entries are not counted
    bars = dataset.evaluation_starts("validation", 16)[:, None] + np.arange(12)
    market, account = np.split(samples.observation, [dataset.features.shape[1]], axis=2)
    for window, minute, step in zip(market, samples.minute, samples.bar, strict=True):
        (seen,) = (
            bar for bar in bars[:, step] if (dataset.features[bar - 7 : bar + 1] == window).all()
        )
        assert dataset.open_time_ns[seen] == minute * MINUTE_NS
    # The first of an account's features is the side it holds.
    sides = FX_ACTIONS.exposures[samples.position]
    np.testing.assert_array_equal(account[:, -1, 0], sides)
    assert len(draw_samples(dataset, rules, 10**6)) == bars.size
