"""Agents that play exports of the weights being learned, made while learning goes on.

Exporting takes seconds, and so does the first load of a program. Both happen in other processes; a
thread of this one waits for them, for one refresh at a time.
"""

import shutil
import sys
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path
from queue import SimpleQueue

from mlx_muzero.agent.agent import Agent
from mlx_muzero.config.choices import ConcreteBackend
from mlx_muzero.config.schema import Config
from mlx_muzero.coreml.export_process import export_apart
from mlx_muzero.coreml.loading import LOAD_PROGRAM
from mlx_muzero.errors import ConfigError, EngineLost, MuZeroError
from mlx_muzero.exports.deployment import Deployment, EngineEvent
from mlx_muzero.exports.samples import draw_samples
from mlx_muzero.exports.weights import model_of
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.observation.outcomes import OUTCOME_NAMES
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.threads import in_thread, join
from mlx_muzero.types import F32

Weights = dict[str, F32]
"""Parameters and batch-norm statistics of a model by name, copied."""

_SAMPLES = 128
"""Situations that each export is verified on."""

_LANE = 32
"""Rows are a multiple of this: 64 bytes of float16, which the Neural Engine pads rows to."""


@dataclass(frozen=True, eq=False)
class Refreshed:
    """An agent that plays an export.

    Attributes:
      agent: with the weights that were exported, for roots too.
      steps: training steps of them.
      events: what happens to its programs, from any thread.
      folder: of the export.
    """

    agent: Agent
    steps: int
    events: SimpleQueue[EngineEvent]
    folder: Path


class Refresher:
    """Makes an agent with a newer export each `collect.refresh_steps` training steps.

    Attributes:
      events: refreshes that failed.
    """

    def __init__(
        self,
        config: Config,
        backend: ConcreteBackend,
        dataset: MarketDataset,
        rules: TradingRules,
        folder: Path,
    ) -> None:
        """Prepares refreshes.

        Args:
          config: of the run.
          backend: that plays the exports.
          dataset: the market; exports are verified on its validation split.
          rules: of trading.
          folder: where the exports go; nothing else may be in it.

        Raises:
          ConfigError: this machine cannot run `backend`.
        """
        _require_engine(backend)
        self.events: SimpleQueue[EngineEvent] = SimpleQueue()
        self._config = config
        self._backend = backend
        self._table = rules.table
        self._samples = draw_samples(dataset, rules, _SAMPLES)
        self._folder = folder
        self._under_way: Future[Refreshed | None] | None = None
        self._ready: Refreshed | None = None
        self._begun_at: int | None = None
        self._in_use: Path | None = None
        self._closed = threading.Event()

    def begin(self, steps: int, weights: Callable[[], Weights]) -> None:
        """Begins a refresh with the weights of `steps` training steps, if that is due.

        Never waits: while one is under way no other begins.
        """
        self._take_in()
        due = self._begun_at is None or steps - self._begun_at >= self._config.collect.refresh_steps
        if due and self._under_way is None:
            self._begun_at = steps
            copied = weights()
            keep = {self._in_use, None if self._ready is None else self._ready.folder}
            self._under_way = in_thread(lambda: self._reported(steps, copied, keep))

    def take(self) -> Refreshed | None:
        """The newest refresh that is done, if it was not taken before."""
        self._take_in()
        newest, self._ready = self._ready, None
        if newest is not None:
            self._in_use = newest.folder
        return newest

    def close(self) -> None:
        """Gives up the refresh under way and removes the exports."""
        self._closed.set()
        join(self._under_way)
        unused = self.take()
        if unused is not None:
            unused.agent.close()
        shutil.rmtree(self._folder, ignore_errors=True)

    def _take_in(self) -> None:
        """Has a refresh that is done take the place of an older one that nobody took."""
        if self._under_way is None or not self._under_way.done():
            return
        done, self._under_way = self._under_way, None
        newest = done.result()
        if newest is not None:
            if self._ready is not None:
                self._ready.agent.close()
            self._ready = newest

    def _reported(self, steps: int, weights: Weights, keep: set[Path | None]) -> Refreshed | None:
        """As `_refresh`, but None and an event if it fails."""
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
        manifest = export_apart(weights, config, folder, rows, self._samples, self._closed)
        model = model_of(weights, manifest.sizes)
        events: SimpleQueue[EngineEvent] = SimpleQueue()
        search = replace(config.search, backend=self._backend)
        deployment = Deployment(folder, events.put, loader=LOAD_PROGRAM)
        agent = Agent(model, search, self._table, len(OUTCOME_NAMES), deployment)
        if self._closed.is_set():
            agent.close()
        if agent.backend != self._backend:
            *_, lost = drained(events)
            raise EngineLost(lost.reason)
        return Refreshed(agent, steps, events, folder)


def drained(events: SimpleQueue[EngineEvent]) -> Iterator[EngineEvent]:
    """What has come so far, taken out."""
    while not events.empty():
        yield events.get()


def _require_engine(backend: ConcreteBackend) -> None:
    if backend == "coreml" and sys.platform != "darwin":
        raise ConfigError(
            'collect.backend: "coreml" needs macOS; "coreml-sim" runs the same programs anywhere, '
            "slowly"
        )
    if find_spec("coremltools") is None:
        raise ConfigError(
            f"collect.backend: \"{backend}\" needs coremltools: pip install 'mlx-muzero[coreml]'"
        )
