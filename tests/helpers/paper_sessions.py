"""Small paper sessions: a planner without networks, made-up markets, a feed that replays them."""

import asyncio
import hashlib
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import numpy as np

from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.errors import RunError
from mlx_muzero.market.bars import Bars
from mlx_muzero.paper.engine import Engine
from mlx_muzero.paper.feeds.events import BarClosed
from mlx_muzero.paper.feeds.replay import ReplayFeed
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.tables import TABLES
from mlx_muzero.paper.session_setup import make_session
from mlx_muzero.paper.settings import PaperSettings, override
from mlx_muzero.runlog import journal
from mlx_muzero.runlog.control import send
from mlx_muzero.runlog.journal import Journal
from mlx_muzero.search.result import SearchResult, SearchStatistics
from mlx_muzero.trading.positions import FX_ACTIONS

CONFIG = replace(FX_MICRO, market=replace(FX_MICRO.market, window_bars=4))
WARM_BARS = 123
BEGIN_NS = MONDAY_NS + (WARM_BARS - 1) * MINUTE_NS
"""Where a session of `play` begins: what is before is history, and its first bar is decided on."""
OUTCOMES = [0.5, 0.25, 0.25]
"""That a `DicePlanner` expects of every action."""
TABLE = FX_ACTIONS


class DicePlanner:
    """Plays a legal action that a digest of everything it is asked decides."""

    backend = root_backend = "dice"
    precision = "float32"

    def __init__(self, table=TABLE):
        self.asked, self._table = [], table

    def plan(self, observation, position, seed, simulations, moment):
        if simulations > 2:  # what only measures speed is asked with as few as may be
            self.asked.append((observation.copy(), position.copy(), simulations))
        table = self._table
        actions, rows = len(table.action_names), len(position)
        visits = np.zeros((rows, actions), np.int32)
        for i in range(rows):
            digest = hashlib.sha256(observation[i].tobytes() + seed[i].tobytes()).digest()
            legal = np.flatnonzero(table.legal[position[i]])
            visits[i, legal[digest[0] % len(legal)]] = simulations
        zeros = np.zeros(rows, np.float32)
        none = np.zeros(rows, np.int32)
        return SearchResult(
            visits=visits,
            value=visits[:, 0].astype(np.float32),
            q=np.zeros((rows, actions), np.float32),
            prior=np.full((rows, actions), 1 / actions, np.float32),
            policy=visits / np.float32(simulations),
            action=visits.argmax(axis=1).astype(np.int32),
            raw_value=zeros,
            statistics=SearchStatistics(none, zeros, *(none,) * 6),
        )

    rivals = ()

    def troubles(self):
        return []

    def on(self, backend, root_backend="auto"):
        return self

    def tree(self, root, simulations):
        """Every action with `OUTCOMES` after it, but for those with `action % 3 == 2`."""
        actions = len(self._table.action_names)
        expanded = [action for action in range(actions) if action % 3 != 2]
        leaves = [(1 + action, outcome) for action in expanded for outcome in range(3)]
        rows = 1 + actions + len(leaves)
        parent = [-1] + [0] * actions + [above for above, _ in leaves]
        edge = [-1, *range(actions), *(outcome for _, outcome in leaves)]
        known = OUTCOMES * len(expanded)
        return {
            "node": np.arange(rows),
            "parent": np.array(parent),
            "kind": np.array([0] + [1] * actions + [0] * len(leaves)),
            "action_or_outcome": np.array(edge),
            "visits": np.ones(rows, np.int32),
            "depth": np.zeros(rows, np.int32),
            "probability": np.array([np.nan] * (1 + actions) + known),
        } | {name: np.full(rows, np.nan) for name in ("prior", "value", "reward")}


class ScriptedPlanner(DicePlanner):
    """Plays `actions`, one a decision, for all pairs; then holds."""

    def __init__(self, actions):
        super().__init__()
        self._actions = list(actions)

    def plan(self, observation, position, seed, simulations, moment):
        result = super().plan(observation, position, seed, simulations, moment)
        if simulations <= 2:
            return result
        wanted = TABLE.action_names.index(self._actions.pop(0) if self._actions else "HOLD")
        visits = np.zeros_like(result.visits)
        visits[:, wanted] = simulations
        return replace(result, visits=visits, action=visits.argmax(axis=1).astype(np.int32))


def settings(pairs=("USDJPY", "EURJPY"), *changes):
    return override(
        PaperSettings(pairs={pair: pair for pair in pairs}),
        ["session.simulations=8", "timing.deadline_ms=59000", *changes],
    )


def market(pair, bars=WARM_BARS + 30, seed=0) -> Bars:
    return walk_bars(bars, seed, pair)


def markets(pairs, bars=WARM_BARS + 30):
    return [market(pair, bars, seed) for seed, pair in enumerate(pairs)]


def columns_of(name, rows):
    """Rows of the store's table `name` as `PaperStore.columns` gives them."""
    return {column: np.array([row[column] for row in rows]) for column in TABLES[name]}


def open_engine(folder: PaperFolder, store, paper, planner, feed, crash=None, **options):
    """An engine in a folder that this process holds."""
    if not folder.exists:
        folder.begin(paper)
    config, series = options.pop("config", CONFIG), options.pop("series", None)
    session = make_session(paper, config, planner, options.pop("begin_ns"), series)
    recorder = Recorder(folder, store, Journal(folder.journal_path), crash or (lambda _point: None))
    options.setdefault("now_ns", None)
    if (retraining_of := options.pop("retraining_of", None)) is not None:
        options["retraining"] = retraining_of(folder.path, paper, session)
    return Engine(folder, paper, session, store, recorder, feed, **options), session


def play(
    path,
    paper=None,
    planner=None,
    bars=None,
    crash=None,
    feed=None,
    begin_ns=BEGIN_NS,
    **options,
):
    """One process's life in the folder `path`: what it leaves behind."""
    folder, planner = PaperFolder(path), planner or DicePlanner()
    paper = paper or (folder.settings() if folder.exists else settings())
    feed = feed or ReplayFeed(bars or markets(paper.pairs))
    with folder.held(), PaperStore(folder.store_path, exports=[folder.snapshots_path]) as store:
        engine, session = open_engine(
            folder, store, paper, planner, feed, crash, begin_ns=begin_ns, **options
        )
        asyncio.run(engine.run())
        tables = {name: store.table(name) for name in TABLES}
    return SimpleNamespace(folder=folder, session=session, planner=planner, **tables)


class Commanding:
    """A replay in which something is done before some bars of the first pair.

    Args:
        bars: of the pairs.
        path: folder of the session.
        at: by number of the bar, a command for the socket, such as "exclude USDJPY", or what is
            called in a thread of its own.
    """

    def __init__(self, bars, path, at):
        self._feed, self._path, self._at = ReplayFeed(bars), path, dict(at)
        self._first = bars[0].symbol
        self.answers = []

    @asynccontextmanager
    async def subscribe(self, first):
        async with self._feed.subscribe(first) as events:
            yield self._commanding(events)

    async def _commanding(self, events):
        count = 0
        async for event in events:
            if isinstance(event, BarClosed) and event.bar.pair == self._first:
                action = self._at.get(count)
                count += 1
                if action:
                    await self._caught_up(event.bar.open_time_ns)
                    await self._act(action)
            yield event

    async def _caught_up(self, close_ns):
        """Wait until the engine is done with the bars before."""
        done = []
        while close_ns not in done:
            await asyncio.sleep(0.005)
            events = journal.read(self._path / "journal.jsonl")
            done = [event["close_ns"] for event in events if event["event"] == "minute"]

    async def _act(self, action):
        act = self._send if isinstance(action, str) else _call
        self.answers.append(await asyncio.to_thread(act, action))

    def _send(self, text):
        command, _, pair = text.partition(" ")
        try:
            arguments = {"pair": pair} if pair else {}
            return send(self._path / "control.sock", command, arguments=arguments)
        except RunError as error:
            return str(error)


def _call(action):
    return action()


def events_of(played, name=None):
    events = list(journal.read(played.folder.journal_path))
    return events if name is None else [e for e in events if e["event"] == name]
