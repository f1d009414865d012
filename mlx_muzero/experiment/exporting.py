"""Exports a run and verifies the export on the run's own bars before it appears."""

from collections.abc import Callable
from pathlib import Path

import numpy as np

from mlx_muzero.agent.factored_agent import FactoredAgent
from mlx_muzero.agent.moment import Moment
from mlx_muzero.config.choices import ExportFormat
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.devices import devices
from mlx_muzero.exports.export import export
from mlx_muzero.exports.figures import Verification
from mlx_muzero.exports.manifest import Manifest, export_format, is_export
from mlx_muzero.exports.options import ExportOptions
from mlx_muzero.exports.samples import Samples, draw_samples
from mlx_muzero.exports.search_agreement import SIMULATIONS
from mlx_muzero.exports.verification import SAMPLES, verify
from mlx_muzero.exports.weights import weights_of
from mlx_muzero.networks.factored import FactoredModel
from mlx_muzero.search.market_evaluator import MarketEvaluator
from mlx_muzero.search.result import SearchResult
from mlx_muzero.training.run import RunFolder

VERIFYING = "verifying: calls of programs"


def export_run(
    run: TrainedRun,
    made_for: ExportFormat,
    options: ExportOptions,
    judged: Callable[[Verification], None],
    tick: Callable[[], None] = lambda: None,
    doing: Callable[[str], None] = lambda _what: None,
    target: Path | None = None,
) -> Manifest:
    """Export the networks of `run` into its folder; an older export stays until verified.

    Args:
        run: the run to export.
        made_for: the format.
        options: how to export.
        judged: receives the verification, even if it failed.
        tick: called for every program made, and for every call of one during verification.
        doing: called when verification begins.
        target: the export's folder; None for the usual one.

    Raises:
        ExportError: the format's library is missing, or the programs differ from the model.
    """
    samples = draw_samples(run.dataset, run.rules, SAMPLES)

    def verified(folder: Path) -> Verification:
        doing(VERIFYING)
        found = _verified(folder, run, samples, tick)
        judged(found)
        return found

    return export(
        weights_of(run.model),
        run.config,
        run.checkpoint,
        target or run.folder.export_paths[made_for],
        verified,
        options,
        tick,
        export_format=made_for,
    )


def exports_in(folder: Path) -> list[Path]:
    """The export in `folder`, or if that is a run all exports in it; `folder` if there are none."""
    if is_export(folder):
        return [folder]
    of_run = [path for path in RunFolder(folder).export_paths.values() if is_export(path)]
    return of_run or [folder]


def verify_export(
    folder: Path, run: TrainedRun, tick: Callable[[], None] = lambda: None
) -> Verification:
    """Verify the export in `folder` against the model of `run`, from which it was made.

    Raises:
        ExportError: its files were changed, or it was made from other weights.
    """
    return _verified(folder, run, draw_samples(run.dataset, run.rules, SAMPLES), tick)


def _verified(
    folder: Path, run: TrainedRun, samples: Samples, tick: Callable[[], None]
) -> Verification:
    model, rules = run.model, run.rules
    # All are planned together, and none reads beyond its session's end.
    last = max(run.config.market.session_bars - 1 - run.config.search.depth_limit, 0)

    def decide(market: MarketEvaluator) -> SearchResult:
        assert isinstance(model, FactoredModel)
        agent = FactoredAgent(model, run.config.search, rules, run.trained_rules, market)
        seed = np.zeros(len(samples), np.uint64)
        return agent.plan(
            samples.observation,
            samples.account,
            seed,
            simulations=SIMULATIONS,
            noise=False,
            moment=Moment(samples.minute, np.minimum(samples.bar, last)),
        )

    runs_it = devices(export_format(folder))
    return verify(folder, model, rules.table, samples, runs_it, decide=decide, tick=tick)
