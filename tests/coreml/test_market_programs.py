"""A factored model's programs: what the saved packages compute, and how an export is verified."""

import dataclasses

import mlx.core as mx
import numpy as np
import pytest

from examples import cases
from exports import passed
from factored_models import (
    COLUMNS,
    TOLD,
    assert_plays_alike,
    factored_config,
    random_model,
    randomized,
    some_windows,
)
from markets import walk_bars
from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.backends.mlx_market import MlxMarket
from mlx_muzero.config.schema import ModelConfig
from mlx_muzero.coreml import conversion
from mlx_muzero.coreml.interpreting import interpreter
from mlx_muzero.coreml.programs import build
from mlx_muzero.errors import ExportError
from mlx_muzero.exports.export import export
from mlx_muzero.exports.interface import MARKET_PROGRAMS, input_shapes, output_shapes
from mlx_muzero.exports.manifest import Manifest
from mlx_muzero.exports.market_networks import read_market_networks
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.output_errors import output_errors
from mlx_muzero.exports.program_market import ProgramMarket
from mlx_muzero.exports.samples import draw_samples, random_samples
from mlx_muzero.exports.search_agreement import SIMULATIONS
from mlx_muzero.exports.verification import interpreted, verify
from mlx_muzero.exports.weights import model_of, sizes_of, weights_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.models import build_factored

ROWS = 3


def saved(folder, model, precision):
    """The programs of `model`, built, converted, saved and read back."""
    sizes = sizes_of(model)
    networks = read_market_networks(weights_of(model), sizes, precision)
    programs = {}
    for name in MARKET_PROGRAMS:
        package = folder / f"{name}.mlpackage"
        conversion.save(build(name, networks, sizes, ROWS, precision, "op"), package)
        programs[name] = {ROWS: interpreter(package)}
    return programs


@pytest.mark.parametrize(
    ("precision", "width", "members", "exposures", "history", "bound"),
    [
        ("fp16", 16, 1, (0.0, 1.0, -1.0), (0, 2), 5e-3),
        ("fp32", 7, 3, (0.0, 0.5, 1.0, -1.0), (3,), 1e-5),
    ],
)
def test_saved_programs_compute_what_the_model_does(
    tmp_path, precision, width, members, exposures, history, bound
):
    sizes = ModelConfig(kind="factored", latent_width=width, members=members, chain_states=6)
    model = random_model(sizes, exposures=exposures, history=history)
    programs = saved(tmp_path, model, precision)
    for name, by_rows in programs.items():
        package = by_rows[ROWS]
        assert package._inputs == input_shapes(name, sizes_of(model), ROWS)
        assert package._outputs.keys() == output_shapes(name, sizes_of(model), ROWS).keys()
    # Rows that fill no program, and some that fill several.
    found = list(output_errors(programs, sizes_of(model), model, random_samples(model, 7)))
    assert len(found) == 8
    assert max(error.worst for error in found) < bound
    ours, theirs = (
        market.ahead(some_windows(5), 2)
        for market in (ProgramMarket(programs, model), MlxMarket(model))
    )
    np.testing.assert_allclose(ours.leaf_worth, theirs.leaf_worth, atol=20 * bound)
    np.testing.assert_allclose(ours.layers[1].move, theirs.layers[1].move, atol=20 * bound)
    assert (ours.leaf_cluster == theirs.leaf_cluster).mean() > 0.9


@pytest.mark.parametrize("members", cases(1, [3, 1]))
@pytest.mark.parametrize("known", cases(1, TOLD))
def test_programs_of_a_model_that_is_told_something_are_told_it(tmp_path, known, members):
    sizes = ModelConfig(kind="factored", latent_width=8, members=members, chain_states=6)
    model = random_model(sizes, known=known)
    programs = saved(tmp_path, model, "fp32")
    for name, by_rows in programs.items():
        assert by_rows[ROWS]._inputs == input_shapes(name, sizes_of(model), ROWS)
    found = list(output_errors(programs, sizes_of(model), model, random_samples(model, 7)))
    assert {error.output for error in found} >= {"worth", "usual_worth"}
    assert max(error.worst for error in found) < 1e-5
    assert_plays_alike(ProgramMarket(programs, model), MlxMarket(model), known, 1e-4)


def test_what_the_exporter_does_not_know_is_refused():
    model = random_model()
    weights = weights_of(model) | {"worth_head.gate": np.zeros(3, np.float32)}
    with pytest.raises(ExportError, match=r"parameter worth_head\.gate \(3,\) is not part"):
        read_market_networks(weights, sizes_of(model), "fp16")
    weights = weights_of(model) | {"move_head.output.bias": np.full(3, 1e5, np.float32)}
    with pytest.raises(ExportError, match=r"move_head\.output\.bias reaches 100000, beyond"):
        read_market_networks(weights, sizes_of(model), "fp16")


def test_a_model_is_its_weights_and_sizes():
    model = random_model(exposures=(0.0, 0.5, -1.0, 1.0))
    again = model_of(weights_of(model), sizes_of(model))
    observation = mx.array(some_windows()[..., :COLUMNS])
    np.testing.assert_array_equal(
        again.summary(again.representation(observation)),
        model.summary(model.representation(observation)),
    )


class Verified:
    """A model of the configured market, its export, and situations to compare them in."""

    def __init__(self, small_config, folder):
        config = factored_config(small_config)
        self.rules, self.folder = TradingRules.from_config(config), folder
        self.model = randomized(build_factored(config, self.rules.table))
        dataset = MarketDataset.from_bars(walk_bars(1500), config.market)
        self.samples = draw_samples(dataset, self.rules, 40)
        self._search = config.search
        export(weights_of(self.model), config, "m", folder, passed, ExportOptions((8,)))

    def decide(self, market):
        agent = FactoredAgent(self.model, self._search, self.rules, market=market)
        observation, position = self.samples.observation, self.samples.position
        seed = np.zeros(len(position), np.uint64)
        return agent.plan(observation, position, seed, simulations=SIMULATIONS, noise=False)

    def figures(self, load=interpreted, **options):
        options = {"decide": self.decide} | options
        table = self.rules.table
        found = verify(self.folder, self.model, table, self.samples, load=load, **options)
        return found, found.engines[0]


@pytest.fixture(scope="module")
def verified(small_config, tmp_path_factory):
    return Verified(small_config, tmp_path_factory.mktemp("made") / "export")


def test_an_export_passes_with_all_its_figures(verified):
    manifest = Manifest.load(verified.folder)
    assert manifest.config.model.kind == "factored"
    assert manifest.sizes == sizes_of(verified.model)
    assert [entry.key for entry in manifest.programs] == ["root_b8", "step_b8"]
    found, figures = verified.figures()
    assert found.problems() == []
    assert {error.program for error in figures.outputs} == {"root", "step"}
    assert all(0.0 < error.typical <= error.worst < error.largest for error in figures.outputs)
    assert [drift.steps for drift in figures.drift] == [1, 5, 50]
    assert all(0.0 < drift.latent_frac < 0.01 for drift in figures.drift)
    assert all(0.0 < drift.value < 0.1 for drift in figures.drift)
    assert (figures.agreement.simulations, figures.agreement.decisions) == (25, 40)
    assert figures.agreement.rate >= 0.99


@pytest.mark.parametrize(("program", "output"), [("root", "worth"), ("step", "next_latent")])
def test_a_wrong_output_is_named(verified, program, output):
    def load(folder, entry):
        loaded = interpreted(folder, entry)

        def run(inputs):
            outputs = loaded(inputs)
            if entry.name == program:
                outputs[output] = outputs[output][..., ::-1]
            return outputs

        return run

    _, figures = verified.figures(load=load)
    assert any(problem.startswith(f"{program} {output} ") for problem in figures.problems("fp16"))


def test_decisions_have_to_be_asked_for(verified):
    with pytest.raises(ValueError, match="with `decide`"):
        verified.figures(decide=None)
    _, quick = verified.figures(decide=None, quick=True)
    assert quick.agreement is None


def test_searches_that_disagree_do_not_pass(verified):
    def decide(market):
        result = verified.decide(market)
        if isinstance(market, ProgramMarket):
            return dataclasses.replace(result, action=(result.action + 1) % 3)
        return result

    found, _ = verified.figures(decide=decide)
    assert "searches agree on 0.0% of 40 decisions" in found.problems()[0]
