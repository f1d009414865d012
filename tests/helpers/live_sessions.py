"""Paper sessions on a live feed of a made-up venue, in virtual time."""

import asyncio
from types import SimpleNamespace

from market_source import MarketSource
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.feeds.settings import FeedSettings
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.runlog import journal
from mlx_muzero.timeunits import HOUR_NS, MINUTE_NS
from mlx_muzero.trading.positions import ACTION_TABLES
from paper_sessions import CONFIG, DicePlanner, open_engine, settings
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, run

START_NS = MONDAY_NS + 10 * HOUR_NS + 30 * SECOND_NS
PAIRS = ("USDJPY", "EURJPY")


def trade(
    path,
    minutes,
    machine_ahead_ns=0,
    prepare=lambda clock, source: None,
    pairs=PAIRS,
    start_ns=START_NS,
    config=CONFIG,
    series=(),
    macro=(),
    read_macro=dict,
    companion=None,
    changes=(),
    make_planner=DicePlanner,
    **options,
):
    """What a session of so many minutes leaves behind; `prepare` may change the world meanwhile."""
    table = ACTION_TABLES[config.trading.actions]

    async def main():
        clock = VirtualClock(start_ns)
        clock.wall_jump_ns = machine_ahead_ns
        source = MarketSource(clock)
        told = []
        feed = LiveFeed(
            source,
            settings=FeedSettings(**options),
            clock=clock,
            uniform=lambda: 0.5,
            series=source,
            announcing=source,
            wanted=dict.fromkeys(pairs, series),
            macro=macro,
            read_macro=read_macro,
        )
        planner = make_planner(table)
        folder = PaperFolder(path)
        with folder.held(), PaperStore(folder.store_path) as store:
            engine, session = open_engine(
                folder,
                store,
                folder.settings() if folder.exists else settings(pairs, *changes),
                planner,
                feed,
                config=config,
                now_ns=feed.now_ns,
                say=told.append,
                begin_ns=clock.wall_ns(),
                companion=companion,
            )
            changing = prepare(clock, source)
            stopping = asyncio.create_task(_stop(clock, minutes, engine))
            try:
                await engine.run()
            finally:
                stopping.cancel()
                del changing
                tables = {
                    name: store.table(name)
                    for name in (
                        "decisions",
                        "orders",
                        "fills",
                        "trades",
                        "equity",
                        "bars",
                        "points",
                    )
                }
        events = list(journal.read(folder.journal_path))
        return SimpleNamespace(
            session=session,
            planner=planner,
            source=source,
            said=told,
            events=events,
            folder=folder,
            **tables,
        )

    return run(main(), grace_s=0)


async def _stop(clock, minutes, engine):
    await clock.sleep(minutes * MINUTE_NS)
    engine.stop()


def journaled(played, name, **facts):
    """Events of that name that have these facts."""
    return [
        e for e in played.events
        if e["event"] == name and all(e.get(key) == value for key, value in facts.items())
    ]  # fmt: skip
