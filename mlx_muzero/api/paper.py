"""Replays a paper session over stored bars, in this process."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from mlx_muzero.api.notes import note_all
from mlx_muzero.api.store import Store, store_path, symbols_in_words
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.choices import Backend
from mlx_muzero.exports.deployment import EngineEvent
from mlx_muzero.frames import FrameLibrary, frame_of_rows
from mlx_muzero.paper.beginning import SessionOptions, settings_of
from mlx_muzero.paper.cost_notes import CostNotes
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.opening import opened
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.report.at_rest import report_folder
from mlx_muzero.paper.report.session_report import SessionReport
from mlx_muzero.paper.session import Session
from mlx_muzero.paper.settings import PaperSettings


@dataclass(frozen=True, eq=False)
class PaperReplay:
    """The result of a call of `replay_paper`.

    Attributes:
        session: folder of the session.
        ended: whether all bars have been replayed; if not, call again to continue.
        report: the session's results.
    """

    session: Path
    ended: bool
    report: SessionReport

    def to_frame(self, library: FrameLibrary | None = None) -> Any:
        """A row for the agent and one for each baseline: all of its `Metrics`, in basis points.

        Args:
            library: "pandas" or "polars"; None for whichever is installed, pandas first.

        Raises:
            MuZeroError: neither is installed.
        """
        played = {"agent": self.report.metrics, **self.report.baselines}
        return frame_of_rows("policy", {name: m.as_row() for name, m in played.items()}, library)


def replay_paper(
    run: str | Path,
    session: str | Path,
    *,
    symbols: str | Sequence[str] | None = None,
    store: Store | str | Path | None = None,
    first_utc: str | None = None,
    end_utc: str | None = None,
    checkpoint: str = "best",
    backend: Backend | None = None,
    simulations: int | None = None,
    overrides: Mapping[str, Any] | None = None,
) -> PaperReplay:
    """Paper-trade stored bars as fast as possible, with the engine that trades live feeds.

    An interrupt ends it after the current minute; the same call continues from there.

    Args:
        run: folder of the training run whose agent trades.
        session: folder of the session, new or started with the same arguments.
        symbols: symbols to trade; None for those of the run.
        store: bar store to replay; None for the one the run was trained on.
        first_utc: first minute to trade; None for the earliest possible.
        end_utc: end of the replay; None for the end of the store.
        checkpoint: "best", "latest" or a checkpoint's name.
        backend: backend that evaluates the search's leaves; None for the run's.
        simulations: simulations per decision; None for the run's.
        overrides: session settings by key, as in ``{"risk.max_total_exposure": 1.0}``.

    Raises:
        ConfigError, DataError: the settings are invalid, or the store lacks the bars.
        RunError: the folder holds another session, or another process trades it.
    """
    folder = PaperFolder(Path(session))
    options = SessionOptions(
        model=Path(run),
        pairs=symbols_in_words(symbols),
        feed="replay",
        checkpoint=checkpoint,
        backend=backend,
        simulations=simulations,
        database=store_path(store),
        replay_from=first_utc,
        replay_to=end_utc,
        speed=None,
        overrides=tuple(config_toml.assignment(k, v) for k, v in (overrides or {}).items()),
    )
    playback = _Playback(folder, options)
    # A notebook's own thread already runs an event loop.
    with ThreadPoolExecutor(1) as thread:
        running = thread.submit(playback.run)
        try:
            ended = running.result()
        except KeyboardInterrupt:
            playback.stop()
            ended = running.result()
    note_all(dict.fromkeys(playback.said))
    report = report_folder(folder)
    return PaperReplay(folder.path, ended, report)


class _Playback:
    """Trades a session in a separate thread.

    Attributes:
        said: notes for the user, once it has ended.
    """

    def __init__(self, folder: PaperFolder, options: SessionOptions) -> None:
        self.said: list[str] = []
        self._folder, self._options = folder, options
        self._asked_to_stop = False
        self._stop: Callable[[], object] | None = None

    def run(self) -> bool:
        """Trade until the bars end, returning True, or until `stop`."""
        with opened(
            self._folder,
            lambda: settings_of(self._folder, self._options, self._hear, self.said.append),
            self._hear,
            self.said.append,
            self._minutes,
        ) as engine:
            return asyncio.run(self._follow(engine))

    def stop(self) -> None:
        """End after the current minute; called from another thread."""
        self._asked_to_stop = True
        if self._stop is not None:
            self._stop()

    async def _follow(self, engine: Engine) -> bool:
        loop = asyncio.get_running_loop()
        self._stop = partial(loop.call_soon_threadsafe, engine.stop)
        if self._asked_to_stop:
            engine.stop()
        return await engine.run()

    def _hear(self, event: EngineEvent) -> None:
        self.said.append(str(event))

    def _minutes(self, session: Session, settings: PaperSettings) -> Callable[[Row], None]:
        costs = CostNotes(session, settings.fills)
        return lambda facts: self.said.extend(costs.of_minute(facts["pairs"]))
