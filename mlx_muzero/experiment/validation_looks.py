"""Records every validation of a training: each may choose the weights that are tested later."""

from collections.abc import Callable
from dataclasses import replace
from functools import cached_property
from pathlib import Path

from mlx_muzero.config.schema import Config
from mlx_muzero.evaluation.agent_policies import AGENT
from mlx_muzero.evaluation.metrics import Metrics
from mlx_muzero.experiment.looks import configuration_digest, looked_bars
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.runlog.look import Look, LookedBars, Tried
from mlx_muzero.runlog.look_ledger import LookLedger


class ValidationLooks:
    """Records the validations of one run, and says once if they cannot be recorded."""

    def __init__(
        self,
        store: Path,
        dataset: MarketDataset,
        config: Config,
        run: Path,
        tell: Callable[[str], None],
    ) -> None:
        self._ledger = LookLedger(store)
        self._dataset, self._config = dataset, config
        self._run, self._tell = run.name, tell
        self._told = False

    def __call__(self, metrics: Metrics | None) -> None:
        """Record one validation, and with `metrics` what it earned."""
        unrecorded = self._ledger.note(self._look(metrics))
        if unrecorded is not None and not self._told:
            self._told = True
            self._tell(f"warning: validations are not in the ledger of looks: {unrecorded}")

    def _look(self, metrics: Metrics | None) -> Look:
        bars, configuration = self._validated
        policies = {} if metrics is None else {AGENT: _tried(metrics)}
        seed = self._config.train.seed
        return Look(
            "validated",
            bars,
            configuration,
            self._run,
            part="validation",
            seed=seed,
            policies=policies,
        )

    @cached_property
    def _validated(self) -> tuple[LookedBars, str]:
        bars = looked_bars(self._dataset, "validation")
        return replace(bars, marks={}), configuration_digest(self._config)


def _tried(metrics: Metrics) -> Tried:
    """What a validation earned in all, without its course."""
    groups = metrics.session_groups
    sharpe = (metrics.sharpe or 0.0) / metrics.sharpe_factor
    return Tried(groups, metrics.net_pips / groups, sharpe, 0, 1, ())
