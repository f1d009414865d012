"""Judges a candidate on its newest days, beside the model that plays, by paired days.

Both play the same sessions, at the costs and limits of the paper session and with as many
simulations. The candidate was neither trained nor chosen on these days; if the playing model was on
some of them, that counts in its favour.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from mlx_muzero.config.schema import Config, SearchConfig
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.agent_policies import AGENT, SearchPolicy
from mlx_muzero.evaluation.backtest import Backtest, backtest
from mlx_muzero.evaluation.luck.paired_days import daily, paired
from mlx_muzero.experiment.looks import record_evaluation
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.exports.deployment import Deployment
from mlx_muzero.exports.weights import digest, weights_of
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.paper.beginning import rules_in_force
from mlx_muzero.paper.retraining.played_model import PlayedModel, run_of
from mlx_muzero.paper.retraining.verdict import Verdict
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.trading.rules import ExposureLimit, TradingRules
from mlx_muzero.training.models import load_model
from mlx_muzero.training.run import RunFolder


@dataclass(frozen=True)
class Court:
    """What a candidate is judged by.

    Attributes:
        session: the session's folder.
        settings: the session's settings.
        config: the configuration of the run that the session was started with.
        dataset: bars whose test split judges.
        ledger: the bar store whose ledger counts the look.
        say: receives what is done.
    """

    session: Path
    settings: PaperSettings
    config: Config
    dataset: MarketDataset
    ledger: Path
    say: Callable[[str], None]

    def judge(self, number: int, playing: PlayedModel) -> Verdict:
        """Play candidate `number` and the `playing` model, and record the look.

        Raises:
            RunError: a model cannot be read, or has other weights than it played with.
        """
        candidate = self._loaded(PlayedModel(number, "best", ""))
        beside = self._loaded(playing)
        if digest(weights_of(beside.model)) != playing.weights:
            raise RunError(
                f"{beside.folder.path}: checkpoint {beside.checkpoint} has other weights than the "
                "session plays; restore it from a copy"
            )
        rules, dataset = candidate.rules, candidate.dataset
        starts = dataset.evaluation_starts("test")
        played: dict[str, Backtest] = {}
        for name, run in (("candidate", candidate), ("playing", beside)):
            self.say(f"the {name} model plays {len(starts):,} sessions")
            policy = SearchPolicy(run.agent(), self.settings.session.simulations, AGENT)
            played[name] = backtest(policy, dataset, rules, starts)
        looked = record_evaluation(candidate, dataset, "test", {AGENT: played["candidate"]})
        _, earned = daily(played)
        begins = played["candidate"].spans_ns[0]
        return Verdict(
            PlayedModel(number, candidate.checkpoint, digest(weights_of(candidate.model))),
            playing.weights,
            utc_text(int(begins.min())),
            utc_text(int(begins.max())),
            paired(earned["candidate"], earned["playing"]),
            float(np.mean(earned["candidate"])),
            float(np.mean(earned["playing"])),
            rules.unit,
            "" if looked.looks is None else looked.looks.words,
        )

    def _loaded(self, model: PlayedModel) -> TrainedRun:
        """`model` with the bars, ready to play at the session's costs."""
        trained = TradingRules.from_config(self.config)
        folder = RunFolder(run_of(model, self.session, self.settings.session.model))
        networks, checkpoint = load_model(folder, trained.table, model.checkpoint)
        limit = ExposureLimit(self.settings.risk.max_total_exposure, len(self.dataset.symbols))
        shared = None if limit.fits(trained.table) else limit
        rules = replace(
            rules_in_force(trained, self.settings, self.config.market), exposure_limit=shared
        )
        dataset = replace(self.dataset, in_step=True) if shared else self.dataset
        config = replace(self.config, market=dataset.config, search=self._search)
        return TrainedRun(
            *(folder, config, rules, trained, networks, checkpoint, dataset, self.ledger),
            Deployment({}),
        )

    @property
    def _search(self) -> SearchConfig:
        """The session's search, on a backend that needs no export, within the core budget."""
        search = replace(self.config.search, threads=self.settings.retrain.threads)
        return replace(search, backend="native", root_backend="auto", precision="float32")
