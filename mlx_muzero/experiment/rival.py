"""Trains the rival of a run, as often and as long as the run's market saw agents trained."""

import hashlib
import json
from collections.abc import Callable
from dataclasses import asdict, replace
from functools import cached_property, partial
from pathlib import Path

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.ppo.learning import Budget, Learner, Trained, train
from mlx_muzero.evaluation.ppo.networks import ActorCritic
from mlx_muzero.evaluation.ppo.policy import PPO, PPOPolicy
from mlx_muzero.evaluation.ppo.recipe import SPACE, Recipe, recipe_of
from mlx_muzero.evaluation.ppo.rival import Rival, Trial
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.experiment.looks import configuration_digest, looked_bars, recipe_digest, tried
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.runlog.look import Kind, Look
from mlx_muzero.runlog.look_ledger import LookLedger
from mlx_muzero.runlog.working_time import minutes_worked
from mlx_muzero.trading.rules import TradingRules
from mlx_muzero.training.device import use_device
from mlx_muzero.training.rival_folder import Asked, RivalFolder
from mlx_muzero.training.run import MarketRecord, RunFolder, misfit
from mlx_muzero.words import command, counted

RIVAL = "/rival"
"""Follows the run's name in the ledger of looks, where no folder's name can end so."""

Tell = Callable[[str], None]


class RivalTraining:
    """Trials of a rival that are ready to be made, or to go on.

    Args:
        folder: the run's.
        database: the store that holds its bars; None for the run's own.
        minutes: that each trial may take; None for as long as the run was trained.
        updates: that each trial makes, instead; what they lead to can be repeated.
        trials: how many; None for as many as configurations were trained on these bars.
        seed: of the first trial; each further one has the next.
        tell: receives what bars lack, and what is not in the ledger.

    Raises:
        RunError: there is no run, its store now holds other bars, or its rival was begun with other
            settings.
    """

    def __init__(
        self,
        folder: RunFolder,
        database: Path | None = None,
        minutes: float | None = None,
        updates: int | None = None,
        trials: int | None = None,
        seed: int = 0,
        tell: Tell = lambda _text: None,
    ) -> None:
        self.folder, self.config, self._tell = folder, folder.config(), tell
        market = folder.market()
        use_device(self.config.train.device)
        self.dataset, self._store = load_dataset(
            self.config, database or Path(market.store), tell=tell, period=market.period
        )
        folder.require_market(MarketRecord.of(self._store, self.dataset))
        self.rules = TradingRules.from_config(self.config)
        self._kept = RivalFolder(folder.path / "rival")
        if minutes is None and updates is None:
            minutes = self._minutes_of_run()
        digest = rival_digest(self.config, market)
        self.asked = Asked(digest, seed, minutes, updates)
        self.trials = self._begun()
        self.wanted = self._agents_tried if trials is None else trials

    @property
    def heading(self) -> str:
        """What is going to be done, in words."""
        asked, left = self.asked, max(self.wanted - len(self.trials), 0)
        each = f"{asked.updates:,} updates" if asked.updates else f"{asked.minutes:.3g} minutes"
        done = f", {len(self.trials):,} of them before" if self.trials else ""
        total = f", {left * asked.minutes:.3g} minutes in all" if asked.minutes else ""
        return (
            f"{self.folder.path}: {counted(self.wanted, 'trial')} of PPO{done}, "
            f"{each} each{total}; by the ledger, "
            f"{counted(self._agents_tried, 'configuration')} of agents trained on these bars"
        )

    def run(
        self,
        progress: Callable[[int, int, int | None], None] = lambda _trial, _done, _of: None,
        stop: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Make what is left of the trials; return False if it was stopped within one.

        Args:
            progress: told the trial's number from 1, its updates done, and of how many.
            stop: polled between updates.
        """
        with self.folder.held():
            while len(self.trials) < self.wanted:
                number = len(self.trials) + 1
                if not self._make(number, partial(progress, number), stop):
                    return False
        return True

    def _make(
        self, number: int, progress: Callable[[int, int | None], None], stop: Callable[[], bool]
    ) -> bool:
        recipe, seed = recipe_of(number - 1, self.asked.seed), self.asked.seed + number - 1
        self._look("trained", recipe, seed)
        learner = Learner(self.config, self.rules, self.dataset, recipe, seed)
        starts = self.dataset.evaluation_starts("validation", self.config.train.validate_sessions)
        made = train(
            learner,
            Budget(self.asked.minutes, self.asked.updates),
            lambda policy: backtest(policy, self.dataset, self.rules, starts),
            progress,
            stop,
        )
        if made is None:
            return False
        self._look("validated", recipe, seed, made)
        trial = Trial(
            recipe.as_dict(),
            seed,
            max(made.checked_net_pips),
            made.chosen_updates,
            made.checked_net_pips[made.chosen_updates],
        )
        trials = (*self.trials, trial)
        self._kept.keep(self.asked, trials, made.weights)
        self.trials = trials
        return True

    def _begun(self) -> tuple[Trial, ...]:
        kept = self._kept.kept()
        if kept is None:
            return ()
        asked, trials = kept
        if asked != self.asked:
            own = "" if asked.digest == self.asked.digest else "for another configuration, "
            raise RunError(
                f"{self._kept.path} was begun {own}with {asked.words}, not {self.asked.words}. "
                "Go on with its own options, or remove that folder to begin anew."
            )
        return trials

    def _minutes_of_run(self) -> float:
        kept = self._kept.kept()
        if kept is not None and kept[0].minutes is not None:
            return kept[0].minutes
        minutes = minutes_worked(self.folder.journal_path)
        if minutes <= 0.0:
            raise RunError(
                f"{self.folder.journal_path} does not say how long the run was trained. State "
                "how long each trial may take with --minutes."
            )
        return round(minutes, 2) or 0.01

    @cached_property
    def _agents_tried(self) -> int:
        """Configurations trained on the market that were no rivals, at least 1."""
        kept = LookLedger(self._store).kept()
        market = kept.of_market(looked_bars(self.dataset))
        found = {
            look.configuration
            for look in market
            if look.kind == "trained" and not look.run.endswith(RIVAL)
        }
        return max(len(found), 1)

    def _look(self, kind: Kind, recipe: Recipe, seed: int, made: Trained | None = None) -> None:
        bars = looked_bars(self.dataset, None if made is None else "validation")
        look = Look(
            kind,
            bars if made is None else replace(bars, marks={}),
            _digest(configuration_digest(self.config), recipe, seed),
            self.folder.path.name + RIVAL,
            part="" if made is None else "validation",
            seed=seed,
            recipe=_digest(recipe_digest(self.config), recipe),
            policies={} if made is None else {PPO: tried(made.validation)},
        )
        unrecorded = LookLedger(self._store).note(look)
        if unrecorded is not None:
            self._tell(f"warning: a trial is not in the ledger of looks: {unrecorded}")


def rival_digest(config: Config, market: MarketRecord) -> str:
    """SHA-256 of what a rival is made from: configuration, bars, and what its trials may vary."""
    made_from = [config_toml.dumps(config), market.digest, asdict(recipe_of(0, 0)), SPACE]
    return hashlib.sha256(json.dumps(made_from).encode()).hexdigest()


def _digest(config: str, recipe: Recipe, seed: int | None = None) -> str:
    return hashlib.sha256(json.dumps([config, recipe.as_dict(), seed]).encode()).hexdigest()


def load_rival(run: TrainedRun) -> Rival | str:
    """The rival of `run`, or why there is none, in words.

    Raises:
        RunError: it cannot be read.
    """
    folder = run.folder
    train_it = command("train-rival", folder.path)
    stored = RivalFolder(folder.path / "rival")
    kept = stored.kept()
    if kept is None:
        return f"none was trained for this run; train one with: {train_it}"
    asked, trials = kept
    config = folder.config()
    if asked.digest != rival_digest(config, folder.market()):
        return (
            f"left out, as {stored.path} was trained for another configuration, other bars or by "
            f"another version. Remove it and train one with: {train_it}"
        )
    rules = run.trained_rules
    if run.rules.states.count != rules.states.count or run.rules.sees_balance != rules.sees_balance:
        return "left out, as it learned under other limits on entries than those in force"
    network = ActorCritic(config, rules)
    weights = stored.weights()
    try:
        network.load_weights(list(weights.items()), strict=True)
    except ValueError as error:
        raise misfit(stored.path, error) from error
    network.eval()
    return Rival(PPOPolicy(network), trials, asked.minutes)
