"""Makes agents that play exports of the current weights while learning continues.

Exporting takes seconds, and so does loading a program for the first time. Both happen in other
processes; a thread in this one waits for them, one refresh at a time.
"""

import shutil
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from pathlib import Path
from queue import SimpleQueue

from mlx_muzero.agent.backend_choice import settle_roots
from mlx_muzero.agent.muzero_agent import MuZeroAgent
from mlx_muzero.config.choices import ExportBackend
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import ConfigError, EngineLost, ExportError, MuZeroError
from mlx_muzero.exports.deployment import Deployment, EngineEvent
from mlx_muzero.exports.export_process import export_in_child
from mlx_muzero.exports.formats import format_named
from mlx_muzero.exports.program import PLAYS
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.exports.weights import model_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.networks.kinds import require_muzero
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.threads import in_thread, join
from mlx_muzero.types import F32

Weights = dict[str, F32]
"""Copied parameters and batch-norm statistics of a model, by name."""

_SAMPLES = 128
"""Number of situations each export is verified on."""

_LANE = 32
"""Rows are a multiple of this: the Neural Engine pads rows to 64 bytes of float16."""


@dataclass(frozen=True, eq=False)
class Refreshed:
    """An agent that plays an export.

    Attributes:
        agent: uses the exported weights, for roots too.
        steps: training steps of the weights.
        events: what happens to its programs, from any thread.
        folder: folder of the export.
    """

    agent: MuZeroAgent
    steps: int
    events: SimpleQueue[EngineEvent]
    folder: Path


class Refresher:
    """Makes an agent with a newer export every `collect.refresh_steps` training steps.

    Attributes:
        events: failed refreshes.
    """

    def __init__(
        self,
        config: Config,
        backend: ExportBackend,
        dataset: MarketDataset,
        rules: TradingRules,
        folder: Path,
    ) -> None:
        """Prepare for refreshes.

        Args:
            config: the run's configuration.
            backend: backend that plays the exports.
            dataset: the market; exports are verified on its validation split.
            rules: trading rules.
            folder: receives the exports; must hold nothing else.

        Raises:
            ConfigError: this machine cannot run `backend`.
        """
        _require_engine(backend)
        self.events: SimpleQueue[EngineEvent] = SimpleQueue()
        self._config = config
        self._backend = backend
        self._states = rules.states
        self._samples = draw_samples(dataset, rules, _SAMPLES)
        self._folder = folder
        self._under_way: Future[Refreshed | None] | None = None
        self._ready: Refreshed | None = None
        self._begun_at: int | None = None
        self._in_use: Path | None = None
        self._closed = threading.Event()

    def begin(self, steps: int, weights: Callable[[], Weights]) -> None:
        """Start a refresh with the weights after `steps` training steps, if due.

        Never waits; only one refresh is in progress at a time.
        """
        self._collect_finished()
        due = self._begun_at is None or steps - self._begun_at >= self._config.collect.refresh_steps
        if due and self._under_way is None:
            self._begun_at = steps
            copied = weights()
            keep = {self._in_use, None if self._ready is None else self._ready.folder}
            self._under_way = in_thread(lambda: self._refresh_or_report(steps, copied, keep))

    def take(self) -> Refreshed | None:
        """The newest finished refresh, unless it was taken before."""
        self._collect_finished()
        newest, self._ready = self._ready, None
        if newest is not None:
            self._in_use = newest.folder
        return newest

    def close(self) -> None:
        """Abandon the refresh in progress and remove the exports."""
        self._closed.set()
        join(self._under_way)
        unused = self.take()
        if unused is not None:
            unused.agent.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _collect_finished(self) -> None:
        """Let a finished refresh replace an older one that was not taken."""
        if self._under_way is None or not self._under_way.done():
            return
        done, self._under_way = self._under_way, None
        newest = done.result()
        if newest is not None:
            if self._ready is not None:
                self._ready.agent.close()
            self._ready = newest

    def _refresh_or_report(
        self, steps: int, weights: Weights, keep: set[Path | None]
    ) -> Refreshed | None:
        """Like `_refresh`, but returns None and adds an event on failure."""
        try:
            for folder in set(self._folder.glob("*")) - keep:
                shutil.rmtree(folder)
            return self._refresh(steps, weights)
        except (MuZeroError, OSError) as error:
            self.events.put(EngineEvent("engine_refresh_failed", str(error)))
            return None

    def _refresh(self, steps: int, weights: Weights) -> Refreshed:
        config = self._config
        folder = self._folder / f"step-{steps}"
        leaves = config.collect.envs * config.search.leaves_per_step
        rows = -(-leaves // _LANE) * _LANE
        made = PLAYS[self._backend].format
        manifest = export_in_child(weights, config, folder, rows, self._samples, self._closed, made)
        model = require_muzero(model_of(weights, manifest.sizes), "collecting with an export")
        events: SimpleQueue[EngineEvent] = SimpleQueue()
        deployment = Deployment({made: folder}, events.put)
        # No export played when the run settled what evaluates its own roots.
        asked = replace(config.search, backend=self._backend, root_backend="auto")
        search = settle_roots(model, asked, deployment)
        agent = MuZeroAgent(model, search, self._states, len(OUTCOME_NAMES), deployment)
        if self._closed.is_set():
            agent.close()
        if agent.backend != self._backend:
            *_, lost = drained(events)
            raise EngineLost(lost.reason)
        return Refreshed(agent, steps, events, folder)


def drained(events: SimpleQueue[EngineEvent]) -> Iterator[EngineEvent]:
    """Yield and remove the events that have arrived so far."""
    while not events.empty():
        yield events.get()


def _require_engine(backend: ExportBackend) -> None:
    play = PLAYS[backend]
    made = format_named(play.format)
    try:
        made.require_installed()
    except ExportError as error:
        raise ConfigError(f'collect.backend: "{backend}": {error}') from error
    if play.engine != "sim" and (play.units or made.preferred_units) not in made.units_here():
        instead = next(
            name for name, other in PLAYS.items() if other.format == play.format and other != play
        )
        raise ConfigError(
            f'collect.backend: "{backend}" needs {made.system}; "{instead}" runs the '
            "same programs anywhere, slowly"
        )
