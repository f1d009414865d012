"""Funding and open interest reach a live session as they reach training."""

import gzip
import json
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest

from examples import cases
from live_sessions import START_NS, journaled, trade
from market_source import point
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.download.job import Wish, download
from mlx_muzero.download.report import DownloadReport
from mlx_muzero.errors import DataError
from mlx_muzero.market.bars import Bars, utc_text
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.funding_rates import funding_paid
from mlx_muzero.market.history import PairHistory, load_history
from mlx_muzero.market.importers import import_file
from mlx_muzero.market.observation.context import context_columns, context_names
from mlx_muzero.market.series import (
    BOOK_IMBALANCE,
    FUNDING_RATE,
    MACRO,
    OF_BARS,
    OPEN_INTEREST,
    TAKER_BUY_SHARE,
    TRADE_COUNT,
    Series,
)
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.context import series_of
from mlx_muzero.paper.feeds.live import LiveFeed
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.timeunits import DAY_NS, HOUR_NS, MINUTE_NS
from mlx_muzero.trading.positions import ACTION_TABLES
from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.source import Refused, Unavailable
from moody_venue import MoodyVenue, served
from paper_sessions import DicePlanner, columns_of, open_engine, settings
from venue import later
from virtual_time import MONDAY_NS, SECOND_NS, VirtualClock, run

PAIRS = ("BTCUSDT", "ETHUSDT")
MARKET = replace(
    CRYPTO.market,
    symbols=PAIRS,
    timeframes=("5m",),
    window_bars=3,
    context=(OPEN_INTEREST, FUNDING_RATE, TAKER_BUY_SHARE, TRADE_COUNT),
    macro=("cpi",),
)
CONFIG = replace(CRYPTO, market=MARKET)
SERIES = (FUNDING_RATE, OPEN_INTEREST, TAKER_BUY_SHARE, TRADE_COUNT)


def releases(minutes=20):
    """A figure a month, the last one `minutes` after the start, and one that is yet to come."""
    last_ns = START_NS + minutes * MINUTE_NS
    known = last_ns + np.arange(-40, 2) * 30 * DAY_NS
    value = np.random.default_rng(1).normal(size=len(known))
    return {"cpi": Series(MACRO, "cpi", known - 12 * DAY_NS, known, value)}


def live(path, minutes=40, **options):
    wanted = {"series": SERIES, "macro": MARKET.macro, "read_macro": releases} | options
    return trade(path, minutes, pairs=PAIRS, config=CONFIG, **wanted)


def parity(played):
    with PaperStore(played.folder.store_path, read_only=True) as store:
        planner = DicePlanner(ACTION_TABLES["targets"])
        return check_parity(store, played.folder.settings(), CONFIG, planner)


def assert_exact(played):
    found = parity(played)
    assert found.exact, [part.first for part in found.parts.values()]


def histories(played):
    """Bars and series of each pair, from nothing but what a session recorded."""
    series = series_of(columns_of("points", played.points))
    found = []
    for pair in PAIRS:
        rows = [row for row in played.bars if row["pair"] == pair]
        opens = np.array([row["open_time_ns"] for row in rows], np.int64)
        columns = (
            np.array([row[name] for row in rows])
            for name in ("open", "high", "low", "close", "volume")
        )
        found.append(
            PairHistory(Bars(pair, opens, *columns), series.get(pair, {}) | series.get(MACRO, {}))
        )
    return found


def dataset_of(played):
    return MarketDataset.of_pairs(histories(played), MARKET)


def assert_observed_as_trained(played, first_ns=0):
    """Every observation since `first_ns` is, bit for bit, that of a dataset of what is recorded."""
    assert_observed(played, dataset_of(played), first_ns)


def assert_observed(played, dataset, first_ns=0):
    """Every observation since `first_ns` is, bit for bit, that of `dataset`."""
    by_minute = {}
    for row in played.decisions:
        if row["close_ns"] > first_ns:
            by_minute.setdefault(row["close_ns"], []).append(row["pair"])
    assert len(by_minute) == len(played.planner.asked) > 0
    for (close_ns, pairs), (observed, _, _) in zip(
        by_minute.items(), played.planner.asked, strict=True
    ):
        for pair, window in zip(pairs, observed, strict=True):
            mine = dataset.pair == PAIRS.index(pair)
            (row,) = np.flatnonzero(mine & (dataset.open_time_ns == close_ns - MINUTE_NS))
            trained = dataset.windows(np.array([row]))[0]
            np.testing.assert_array_equal(window[:, : trained.shape[1]], trained)


def known(played, column, market=MARKET):
    """Share of the decisions at which a context column was known."""
    names = context_names(market)
    held = len(next(iter(played.session.traders.values())).account.position_features())
    at = names.index(f"{column}_known") - len(names) - held
    return np.mean([observed[:, -1, at] for observed, _, _ in played.planner.asked])


@pytest.fixture(scope="module")
def session(tmp_path_factory):
    return live(tmp_path_factory.mktemp("context") / "run", 50)


def test_what_a_live_session_observes_is_what_training_would(session):
    assert_observed_as_trained(session)
    assert known(session, "funding_rate") == 1.0
    assert known(session, "open_interest_change") == 1.0
    assert known(session, "taker_imbalance") == 1.0
    assert known(session, "trade_count") == 1.0
    assert known(session, "macro_cpi") == 1.0
    assert not journaled(session, "feed", kind="series_stale")


def test_its_replay_is_exact_and_it_pays_funding(session):
    assert_exact(session)
    assert any(trade["funding"] for trade in session.trades)
    paid = dataset_of(session).funding_rate
    assert np.count_nonzero(paid) >= 2 * 5


def test_a_settlement_is_known_and_paid_when_training_would(session):
    rows = [row for row in session.points if row["series"] == FUNDING_RATE]
    assert {row["pair"] for row in rows} == set(PAIRS)
    for row in rows:
        assert row["known_ns"] == row["event_ns"]
        minute_ns = row["event_ns"] // MINUTE_NS * MINUTE_NS
        assert row["value"] == point(row["pair"], FUNDING_RATE, minute_ns)
    later = [row for row in session.points if row["series"] == OPEN_INTEREST]
    assert {row["known_ns"] - row["event_ns"] for row in later} == {5 * MINUTE_NS}


def test_a_figure_is_read_from_its_release_on(session):
    figures = [row for row in session.points if row["series"] == "cpi"]
    assert {row["pair"] for row in figures} == {MACRO}
    assert figures[-1]["known_ns"] == START_NS + 20 * MINUTE_NS
    column = context_names(MARKET).index("macro_cpi")
    dataset = dataset_of(session)
    seen = dataset.context[dataset.open_time_ns > START_NS - HOUR_NS, column]
    whole = PairHistory(histories(session)[0].bars, releases())
    trained = MarketDataset.of_pairs([whole], MARKET)
    wanted = trained.context[trained.open_time_ns > START_NS - HOUR_NS, column]
    np.testing.assert_array_equal(seen[: len(wanted)], wanted)
    assert len(np.unique(wanted)) == 2


@pytest.mark.slow
def test_figures_that_cannot_be_read_are_told_of_and_read_once_they_can(tmp_path):
    asked = []

    def read():
        asked.append(None)
        if len(asked) < 3:
            raise DataError("another process has it open")
        return releases(-60)

    played = live(tmp_path / "run", 40, read_macro=read)
    for kind in ("series_stale", "series_back"):
        (told,) = journaled(played, "feed", kind=kind, series="cpi")
        assert told["pair"] == MACRO
    assert len(asked) == 4
    assert 0.3 < known(played, "macro_cpi") < 0.7
    assert_observed_as_trained(played)
    assert_exact(played)


@pytest.mark.slow
def test_what_comes_late_counts_from_the_next_decision(tmp_path):
    def prepare(clock, source):
        source.publishes_ns = 4 * MINUTE_NS

    played = live(tmp_path / "run", 52, prepare=prepare)
    began_ns = START_NS + 2 * MINUTE_NS
    late = [
        row for row in played.points
        if row["series"] == FUNDING_RATE and row["event_ns"] > began_ns
    ]  # fmt: skip
    assert len(late) >= 6
    assert all(row["known_ns"] - row["event_ns"] > 3 * MINUTE_NS for row in late)
    assert_observed_as_trained(played)
    assert_exact(played)


@pytest.mark.slow
def test_a_session_that_was_away_pays_what_settled_meanwhile(tmp_path):
    live(tmp_path / "run", 30)
    played = live(tmp_path / "run", 30, start_ns=START_NS + 3 * HOUR_NS)
    stamps = [
        (row["pair"], row["event_ns"])
        for row in played.points if row["series"] == FUNDING_RATE
    ]  # fmt: skip
    assert len(stamps) == len(set(stamps))
    first, last = (min(e for _, e in stamps), max(e for _, e in stamps))
    assert len(stamps) == 2 * (1 + round((last - first) / (15 * MINUTE_NS)))
    assert_exact(played)


@pytest.mark.slow
def test_a_session_that_is_resumed_at_once_knows_what_it_knew(tmp_path):
    before = live(tmp_path / "run", 30)
    again_ns = START_NS + 32 * MINUTE_NS
    played = live(tmp_path / "run", 20, start_ns=again_ns)
    assert before.points == played.points[: len(before.points)]
    assert known(played, "open_interest_change") == 1.0
    assert known(played, "trade_count") == 1.0
    assert_observed_as_trained(played, again_ns)
    assert_exact(played)


@pytest.mark.slow
def test_a_series_that_fails_is_told_once_and_becomes_unknown_and_bars_go_on(tmp_path):
    def prepare(clock, source):
        begin_ns, end_ns = START_NS + 10 * MINUTE_NS, START_NS + 40 * MINUTE_NS

        def fail(name):
            if name == OPEN_INTEREST and begin_ns < source.venue.now_ns() < end_ns:
                raise Refused("not today") if source.venue.now_ns() % 2 else Unavailable("down")

        source.fail_points = fail

    played = live(tmp_path / "run", 75, prepare=prepare)
    for pair in PAIRS:
        (stale,) = journaled(played, "feed", kind="series_stale", pair=pair)
        assert stale["series"] == OPEN_INTEREST
        (back,) = journaled(played, "feed", kind="series_back", pair=pair)
        assert back["seq"] > stale["seq"]
    told = [line for line in played.said if "open_interest is unknown for now" in line]
    assert len(told) == len(PAIRS)
    assert sum("open_interest is known again" in line for line in played.said) == len(PAIRS)
    assert not journaled(played, "feed", kind="status", status="down")
    assert known(played, "funding_rate") == 1.0
    assert 0.1 < known(played, "open_interest_change") < 0.9
    assert_observed_as_trained(played)
    assert_exact(played)


@pytest.mark.slow
def test_a_venue_that_never_answers_about_a_series_still_trades(tmp_path):
    def prepare(clock, source):
        def fail(name):
            raise Unavailable("HTTP 503", 120 * SECOND_NS if name == FUNDING_RATE else None)

        source.fail_points = fail

    played = live(tmp_path / "run", 30, prepare=prepare)
    assert len(played.decisions) > 20
    assert {row["series"] for row in played.points} == {TAKER_BUY_SHARE, TRADE_COUNT, "cpi"}
    stale = journaled(played, "feed", kind="series_stale")
    # Bars come late, too, wherever the venue asks everybody to wait.
    polled = [(e["pair"], e["series"]) for e in stale if e["series"] not in OF_BARS]
    assert sorted(polled) == sorted((p, s) for p in PAIRS for s in (FUNDING_RATE, OPEN_INTEREST))


@pytest.mark.slow
def test_takers_that_bars_stop_to_tell_of_become_unknown(tmp_path):
    def prepare(clock, source):
        begin, end = (START_NS // MINUTE_NS + minutes for minutes in (10, 20))
        told = source.takers
        source.takers = lambda minute: float("nan") if begin <= minute < end else told(minute)

    played = live(tmp_path / "run", 40, prepare=prepare)
    for kind in ("series_stale", "series_back"):
        events = journaled(played, "feed", kind=kind)
        assert [e["series"] for e in events] == [TAKER_BUY_SHARE] * len(PAIRS)
    # A share stays valid for two minutes.
    assert known(played, "taker_imbalance") == pytest.approx(32 / 40, abs=0.05)
    assert_observed_as_trained(played)
    assert_exact(played)


SETTLED_NS = MONDAY_NS + 16 * HOUR_NS
EVERY = replace(MARKET, context=(*MARKET.context, BOOK_IMBALANCE))
AT_VENUE = {pair: f"{pair[:3]}/USDT:USDT" for pair in PAIRS}


def figures():
    """Releases, one of them during the session on ccxt."""
    series = releases()["cpi"]
    moved_ns = SETTLED_NS + 5 * MINUTE_NS - (START_NS + 20 * MINUTE_NS)
    return {
        "cpi": replace(
            series, event_ns=series.event_ns + moved_ns, known_ns=series.known_ns + moved_ns
        )
    }


@pytest.fixture(scope="module")
def on_ccxt(tmp_path_factory):
    """A session of 20 minutes on ccxt that has every context there is."""
    config = replace(CONFIG, market=EVERY)
    path = tmp_path_factory.mktemp("ccxt") / "run"

    async def main():
        clock = VirtualClock(SETTLED_NS - 10 * MINUTE_NS + 30 * SECOND_NS)
        venue = MoodyVenue(0)
        venue.clock, venue.books.every_ns = clock, SECOND_NS
        async with venue.listen() as address:
            source = CcxtSource("binance", address)
            paper = replace(settings(), pairs=AT_VENUE)
            feed = LiveFeed(
                source,
                clock=clock,
                uniform=lambda: 0.5,
                series=source,
                books=source,
                wanted=dict.fromkeys(AT_VENUE.values(), (*SERIES, BOOK_IMBALANCE)),
                macro=EVERY.macro,
                read_macro=figures,
            )
            folder, planner = PaperFolder(path), DicePlanner(ACTION_TABLES["targets"])
            with folder.held(), PaperStore(folder.store_path) as store:
                engine, session = open_engine(
                    *(folder, store, paper, planner, feed),
                    config=config,
                    now_ns=feed.now_ns,
                    begin_ns=clock.wall_ns(),
                )
                stopping = later(clock, 20 * MINUTE_NS, engine.stop)
                await engine.run()
                await stopping
                found = check_parity(store, paper, config, DicePlanner(planner._table))
                tables = {name: store.table(name) for name in ("points", "decisions", "bars")}
                return SimpleNamespace(
                    parity=found,
                    planner=planner,
                    session=session,
                    books=venue.books,
                    ended_ns=venue.now_ns(),
                    **tables,
                )

    return run(main())


def test_a_session_on_an_exchange_of_ccxt_has_every_context_and_its_replay_is_exact(on_ccxt):
    assert on_ccxt.parity.exact, [part.first for part in on_ccxt.parity.parts.values()]
    assert len(on_ccxt.decisions) > 30
    told = {(row["pair"], row["series"]) for row in on_ccxt.points}
    assert told == {(p, name) for p in PAIRS for name in EVERY.context} | {(MACRO, "cpi")}
    for column in context_columns(EVERY):
        assert known(on_ccxt, column.name, EVERY) == 1.0, column.name


def test_what_it_observes_is_what_a_training_set_of_its_record_shows(on_ccxt):
    assert_observed(on_ccxt, MarketDataset.of_pairs(histories(on_ccxt), EVERY))


def metrics_file(folder, pair):
    """Binance's file of the open interest that `MoodyVenue` tells, whose labels are ends."""
    ended = SETTLED_NS // MINUTE_NS + 15
    rows = ["create_time,symbol,sum_open_interest,sum_open_interest_value"]
    for minute in range(ended - 1440, ended, 5):
        label = utc_text((minute + 5) * MINUTE_NS)
        rows.append(f"{label}:00,{pair},{1000 + minute % 77},1")
    path = folder / f"{pair}-metrics.csv"
    path.write_text("\n".join(rows))
    return path


@pytest.mark.slow
@pytest.mark.parametrize("interest_from", cases(1, ["download", "files"]))
def test_what_it_observes_is_what_a_training_set_of_the_venues_data_shows(
    on_ccxt, tmp_path, interest_from
):
    venue = MoodyVenue(on_ccxt.ended_ns)
    series = (FUNDING_RATE, OPEN_INTEREST) if interest_from == "download" else (FUNDING_RATE,)
    wishes = [Wish(name, SETTLED_NS - DAY_NS, None, series) for name in AT_VENUE.values()]
    with served(venue) as address, BarStore(tmp_path / "market.duckdb") as store:
        results = download(store, "binance", CcxtSource("binance", address), wishes)
        assert all(isinstance(result, DownloadReport) for result in results)
        store.write_series(figures()["cpi"])
        for pair in PAIRS:
            recorded = tmp_path / f"{pair}.gz"
            with gzip.open(recorded, "wt") as out:
                for symbol, message in on_ccxt.books.told:
                    if symbol == pair:
                        out.write(f"{SETTLED_NS} {json.dumps(message)}\n")
            import_file(store, recorded)
            if interest_from == "files":
                import_file(store, metrics_file(tmp_path, pair))
        assert_observed(
            on_ccxt,
            MarketDataset.of_pairs([load_history(store, pair, EVERY) for pair in PAIRS], EVERY),
        )


def test_it_pays_a_settlement_in_the_bar_in_which_it_settles(on_ccxt):
    stamps = [row for row in on_ccxt.points if row["series"] == FUNDING_RATE][-2:]
    # Three milliseconds late, which is before the close at which it is read.
    assert {(r["event_ns"] - SETTLED_NS, r["known_ns"] - SETTLED_NS) for r in stamps} == {
        (3_000_000, 3_000_000)
    }
    for history in histories(on_ccxt):
        paid = funding_paid(history.bars.open_time_ns, history.series[FUNDING_RATE])
        (bar,) = np.flatnonzero((history.bars.open_time_ns >= SETTLED_NS) & (paid != 0.0))
        assert history.bars.open_time_ns[bar] == SETTLED_NS
