"""`mlx-muzero data download` and `data update` against a loopback exchange."""

import json

import pytest
from typer.testing import CliRunner

from mlx_muzero.download.asking import DownloadPatience
from mlx_muzero.errors import DataError, FeedError
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import DAY_NS, MINUTE_NS
from mlx_muzero.venues import by_name
from mlx_muzero.venues.ccxt_source import CcxtSource
from moody_venue import Moods, MoodyVenue, served
from muzero_cli.verbs.data import app
from virtual_time import MONDAY_NS

NOW = MONDAY_NS // MINUTE_NS + 300
DAY = "2025-03-03"


def run(*args):
    return CliRunner().invoke(app, [str(a) for a in args], catch_exceptions=False)


@pytest.fixture
def venue(monkeypatch):
    venue = MoodyVenue(NOW * MINUTE_NS + 20 * 10**9, Moods())
    with served(venue) as settings:
        monkeypatch.setattr(
            "mlx_muzero.venues.ccxt_source.CcxtSource.__init__",
            lambda self, name, init=CcxtSource.__init__: init(self, name, settings),
        )
        yield venue


@pytest.fixture
def db(tmp_path):
    return tmp_path / "db" / "market.duckdb"


def test_download_list_update_and_check(venue, db):
    result = run("download", "binance", "BTCUSDT", "ETH/USDT", "--from", DAY, "--db", db)
    assert result.exit_code == 0
    assert "BTCUSDT from binance BTC/USDT, 2025-03-03 00:00 to 2025-03-03 05:00" in result.stdout
    assert result.stdout.count("300 new bars, 0 duplicates, 0 conflicts") == 2
    assert run("list", "--db", db).stdout.count(" binance ") == 2
    (btc, _eth) = json.loads(run("list", "--db", db, "--json").stdout)["symbols"]
    assert (btc["origin"]["venue"], btc["origin"]["pair"]) == ("binance", "BTC/USDT")

    assert (btc["has_taker"], btc["has_volume"]) == (True, True)
    with BarStore(db, read_only=True) as store:
        bars = store.load("BTCUSDT", extras=("taker_buy_volume", "trades"))
    assert bars.extras["taker_buy_volume"].tolist() == [0.5] * 300
    assert bars.extras["trades"].tolist() == [7.0] * 300

    venue.clock.start_ns += 10 * MINUTE_NS
    reports = json.loads(run("update", "--db", db, "--json").stdout)
    assert [report["inserted"] for report in reports] == [10, 10]
    assert "BTCUSDT (crypto): 310 bars" in run("check", "BTCUSDT", "--db", db).stdout


def test_a_whole_range_that_was_asked_for_asks_nothing(venue, db):
    wanted = ("download", "binance", "BTCUSDT", "--from", DAY, "--to", f"{DAY}T03:00", "--db", db)
    assert "180 new bars" in run(*wanted).stdout
    venue.asked.clear()
    assert "nothing new, everything was requested before" in run(*wanted).stdout
    assert not venue.asked


@pytest.mark.slow
def test_series_come_with_the_bars_and_with_every_update(venue, db):
    wanted = ("binance", "BTC/USDT:USDT", "--from", DAY, "--with", "funding,open-interest")
    (report,) = json.loads(run("download", *wanted, "--db", db, "--json").stdout)
    assert report["series"]["funding_rate"]["inserted"] == 1
    assert report["series"]["open_interest"]["inserted"] == 61
    with BarStore(db, read_only=True) as store:
        funding = store.load_series("BTCUSDT", "funding_rate")
        interest = store.load_series("BTCUSDT", "open_interest")
    assert funding.known_ns.tolist() == [MONDAY_NS + 3 * 10**6]
    assert interest.known_ns[0] == MONDAY_NS + 5 * MINUTE_NS

    venue.clock.start_ns += 600 * MINUTE_NS
    (report,) = json.loads(run("update", "--db", db, "--json").stdout)
    assert report["inserted"] == 600
    assert report["series"]["funding_rate"]["inserted"] == 1
    assert report["series"]["open_interest"]["inserted"] == 120


def test_a_series_that_cannot_be_had_is_told(venue, db):
    spot = ("download", "binance", "BTC/USDT", "--from", DAY, "--db", db)
    with pytest.raises(FeedError, match="the venue offers no funding_rate for BTC/USDT"):
        run(*spot, "--with", "funding")
    result = run(*spot, "--with", "mood")
    assert result.exit_code == 2
    assert "--with mood: choose from funding, open-interest" in result.stderr


@pytest.mark.parametrize(
    ("args", "error", "told"),
    [
        (("binnance", "BTCUSDT"), FeedError, "no exchange named binnance: did you mean binance"),
        (("binance", "BTCUSD"), FeedError, "lists no pair BTCUSD: it has BTC/USDT"),
        (("binance", "ETH/USDC"), FeedError, "lists no pair ETH/USDC: it has ETH/USDT"),
        (("mercado", "BTC/BRL"), FeedError, "mercado has no minute bars"),
    ],
)
def test_what_cannot_be_had_is_told_and_leaves_no_store(venue, db, args, error, told):
    with pytest.raises(error, match=told):
        run("download", *args, "--from", DAY, "--db", db)
    assert not db.exists()


@pytest.mark.parametrize(
    ("dates", "told"),
    [
        (("--from", "yesterday"), "'yesterday' is not a time"),
        (("--from", DAY, "--to", "2025-03-01"), "--to 2025-03-01 is not after --from 2025-03-03"),
    ],
)
def test_a_wrong_date_is_a_wrong_use(db, dates, told):
    result = run("download", "binance", "BTCUSDT", *dates, "--db", db)
    assert result.exit_code == 2
    assert told in result.stderr


def test_one_symbol_that_fails_keeps_no_other_out(venue, db):
    result = run("download", "binance", "XYZUSDT", "BTCUSDT", "--from", DAY, "--db", db)
    assert result.exit_code == FeedError.exit_code
    assert "300 new bars" in result.stdout
    assert "not downloaded: XYZUSDT: binance lists no pair XYZUSDT" in result.stderr


def test_a_token_that_is_missing_or_refused_is_told(db, monkeypatch):
    monkeypatch.delenv("OANDA_PRACTICE_TOKEN", raising=False)
    with pytest.raises(FeedError, match="OANDA_PRACTICE_TOKEN is not set"):
        run("download", "oanda", "EURUSD", "--from", DAY, "--db", db)


def test_what_was_not_downloaded_cannot_be_updated(venue, db):
    run("download", "binance", "BTCUSDT", "--from", DAY, "--db", db)
    with pytest.raises(DataError, match="LTCUSDT was not downloaded"):
        run("update", "LTCUSDT", "--db", db)
    run("remove", "BTCUSDT", "--db", db, "--yes")
    with pytest.raises(DataError, match=r"nothing in .* was downloaded"):
        run("update", "--db", db)


def test_venues_are_told_by_name(monkeypatch):
    monkeypatch.setenv("OANDA_PRACTICE_TOKEN", "a-token")
    assert type(by_name.venue_of("oanda")).__name__ == "OandaSource"
    assert DownloadPatience().outage_ns < DAY_NS
