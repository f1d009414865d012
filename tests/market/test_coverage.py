"""What bars lack is told: sessions of a pair, context columns, funding, and beside a feed."""

import dataclasses
import json
from dataclasses import asdict, replace

import pytest

from crypto_markets import CONFIG, history
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import CRYPTO
from mlx_muzero.config.schema import Config
from mlx_muzero.errors import FeedError
from mlx_muzero.market.coverage import Coverage, notes
from mlx_muzero.market.dataset import MarketDataset
from mlx_muzero.market.history import PairHistory
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.paper.delivered import Beside
from mlx_muzero.paper.settings import PaperSettings, SessionSettings
from mlx_muzero.training.run import MarketRecord

MINUTES = 2400
MARKET = replace(CONFIG, timeframes=("5m",))


@pytest.fixture(scope="module")
def both():
    return [history("AAA", MINUTES, 0), history("BBB", MINUTES, 1)]


def told(histories, market=MARKET):
    return notes(MarketDataset.of_pairs(histories, market))


def cut(pair, start, stop):
    return PairHistory(pair.bars.slice(start, stop), pair.series)


def without(pair, *names):
    return PairHistory(pair.bars, {n: s for n, s in pair.series.items() if n not in names})


def test_whole_markets_need_no_word(both):
    known = MarketDataset.of_pairs(both, MARKET)
    sparse = [note for note in told(both) if "is known at" not in note]
    assert sparse == []
    coverage = Coverage.of(known)
    assert all(coverage.sessions[split]["BBB"] > 0 for split in coverage.sessions)
    assert coverage.known["funding_rate"]["AAA"] > 0.5


def test_a_pair_listed_late_or_delisted_is_named(both):
    late = told([both[0], cut(both[1], 2100, MINUTES)])
    (no_train,) = (note for note in late if "train split" in note)
    assert no_train.startswith("BBB has no session in the train split (its bars: 2019-01-08 ")
    early = told([both[0], cut(both[1], 0, 1200)])
    assert any(note.startswith("BBB has no session in the test split") for note in early)
    assert not any(note.startswith("AAA has no session") for note in (*late, *early))


def test_columns_that_are_unknown_are_named(both):
    nobody = told([without(pair, "funding_rate", "cpi") for pair in both])
    assert any(n.startswith("funding_rate of any pair is unknown throughout") for n in nobody)
    assert any(n.startswith("macro_cpi of any pair is unknown throughout") for n in nobody)
    assert any(n.startswith("funding of AAA, BBB is missing: holding costs") for n in nobody)
    one = told([both[0], without(both[1], "open_interest")])
    assert any(n.startswith("open_interest_change of BBB is unknown throughout") for n in one)


@pytest.mark.parametrize(
    ("series", "way_on"),
    [
        ("open_interest", '"open_interest" out of market.context'),
        ("cpi", '"cpi" out of market.macro'),
    ],
)
def test_a_column_that_is_unknown_names_what_asks_for_it(both, series, way_on):
    notes = told([without(pair, series) for pair in both])
    assert any(note.endswith(f"import its data, or leave {way_on}") for note in notes)


def test_funding_that_ends_before_the_bars_is_told_of(both):
    funding = both[1].series["funding_rate"]
    ended = PairHistory(both[1].bars, both[1].series | {"funding_rate": funding.slice(0, 2)})
    (note,) = (n for n in told([both[0], ended]) if n.startswith("funding of BBB ends"))
    assert "none is paid after" in note
    begun = PairHistory(both[1].bars, both[1].series | {"funding_rate": funding.slice(3, 99)})
    assert any(n.startswith("funding of BBB starts") for n in told([both[0], begun]))


def test_currency_pairs_have_sessions_and_nothing_else(small_dataset):
    coverage = Coverage.of(small_dataset)
    assert coverage.known == {}
    assert coverage.sessions["train"]["TEST"] == len(small_dataset.training_starts())


def test_a_record_keeps_it_and_an_older_one_opens_without(both, tmp_path):
    record = MarketRecord.of(tmp_path, MarketDataset.of_pairs(both, MARKET))
    values = json.loads(json.dumps(asdict(record)))
    assert MarketRecord.from_dict(values) == record
    del values["coverage"]
    assert MarketRecord.from_dict(values) == dataclasses.replace(record, coverage=None)


@pytest.mark.parametrize("coverage", [[], {}, {"sessions": 3, "known": {}}, "x", {"sessions": {}}])
def test_a_record_of_something_else_is_refused(both, tmp_path, coverage):
    record = MarketRecord.of(tmp_path, MarketDataset.of_pairs(both, MARKET))
    with pytest.raises((TypeError, ValueError)):
        MarketRecord.from_dict(asdict(record) | {"coverage": coverage})


def lines(record, feed="ccxt:binance", series=None, **session):
    settings = PaperSettings(
        pairs={"AAA": "A/USDT", "BBB": "B/USDT"}, session=SessionSettings(feed=feed, **session)
    )
    return list(beside(record, settings, series).lines())


def beside(record, settings, series=None, live=None):
    return Beside(record, Config(market=MARKET), settings, series or {}, live)


def test_what_a_model_was_trained_on_stands_beside_what_a_feed_delivers(both, tmp_path):
    late = [both[0], cut(both[1], 2100, MINUTES)]
    record = MarketRecord.of(tmp_path, MarketDataset.of_pairs(late, MARKET))
    live = lines(record)
    assert live[0].startswith("trained on AAA, BBB, 2019-01-07 00:0")
    assert live[0].endswith("trades AAA, BBB on ccxt:binance")
    assert "note: BBB had no training session" in live
    assert live[2].split() == ["column", "known", "in", "training", "here"]
    (funding,) = (line for line in live if line.startswith("  funding_rate"))
    assert "  at " in funding
    assert "% of the bars  " in funding
    assert funding.endswith("  not delivered")
    assert len({line.find("at ") for line in live[3:]}) == 1

    replayed = {"AAA": both[0].series, "BBB": {}}
    (funding,) = (x for x in lines(record, "replay", replayed) if x.startswith("  funding"))
    assert funding.endswith("  delivered for AAA only")
    after = lines(record, "replay", replayed, replay_from="2030-01-01")
    assert sum(line.endswith("  not delivered") for line in after) == len(after) - 3

    old = lines(dataclasses.replace(record, coverage=None))
    assert any("  not recorded  " in line for line in old)


def test_a_feed_that_lacks_what_a_model_usually_knew_is_refused(both, tmp_path):
    record = MarketRecord.of(tmp_path, MarketDataset.of_pairs(both, MARKET))
    coverage = record.coverage
    names = [*MARKET.context, *MARKET.macro]
    settings = PaperSettings(
        pairs={"AAA": "A/USDT:USDT", "BBB": "B/USDT:USDT"},
        session=SessionSettings(feed="ccxt:kraken"),
    )
    usual = {column for column, of in coverage.known.items() if sum(of.values()) / 2 > 0.5}
    assert "funding_rate" in usual
    with pytest.raises(FeedError, match="does not deliver") as refused:
        beside(record, settings).require_known()
    assert all(column in str(refused.value) for column in usual)
    assert "session.accept_unknown=true" in str(refused.value)
    beside(record, settings, live={"AAA": names, "BBB": names}).require_known()
    some = [name for name in names if name != "funding_rate"]
    with pytest.raises(FeedError, match="does not deliver funding_rate of every pair"):
        beside(record, settings, live={"AAA": names, "BBB": some}).require_known()
    accepted = replace(settings, session=replace(settings.session, accept_unknown=True))
    beside(record, accepted).require_known()
    rarely = {column: {"AAA": 0.4, "BBB": 0.5} for column in coverage.known}
    rare = dataclasses.replace(record, coverage=replace(coverage, known=rarely))
    beside(rare, settings).require_known()
    beside(dataclasses.replace(record, coverage=None), settings).require_known()


def test_a_training_and_a_session_say_it(cli, trained, db):
    begin = ("paper", "start", "--model", trained, "--db", db, "--run", "p")
    code, _, err = cli(*begin, "--from", "2019-01-07T20:00", "--to", "2019-01-07T20:05")
    assert code == 0, err
    assert "trained on TEST, 2019-01-07 00:00 to 2019-01-08 00:59 UTC; trades TEST on replay" in err
    assert "TEST: a round trip costs 4 pips of 0.01, 3." in err


def test_a_session_whose_feed_lacks_funding_does_not_begin(cli, tmp_path, small_config):
    market = replace(MARKET, symbol="BTCUSDT", symbols=("BTCUSDT",), session_bars=12, macro=())
    config = replace(
        small_config,
        market=replace(market, context=("funding_rate",)),
        trading=CRYPTO.trading,
        train=replace(small_config.train, episodes=4),
    )
    (tmp_path / "coins.toml").write_text(config_toml.dumps(config))
    with BarStore(tmp_path / "coins.duckdb") as store:
        known = history("BTCUSDT", MINUTES)
        store.write(known.bars)
        store.write_series(known.series["funding_rate"])
    train = ("train", "--run", "run", "--config", "coins.toml", "--db", "coins.duckdb")
    assert cli(*train, "--minutes", "0")[0] == 0
    code, _, err = cli("paper", "start", "--model", "run", "--feed", "ccxt:kraken", "--run", "p")
    assert code == FeedError.exit_code
    assert "  funding_rate  at 83% of the bars  not delivered\n" in err
    assert "ccxt:kraken does not deliver funding_rate" in err
    assert "starts: " not in err
    assert not (tmp_path / "p" / "paper.toml").exists()


def test_a_crypto_run_without_funding_hears_of_it(cli, tmp_path, small_config):
    config = replace(
        small_config,
        market=replace(MARKET, symbols=("AAA",), session_bars=12, macro=()),
        trading=CRYPTO.trading,
        train=replace(small_config.train, episodes=4),
    )
    (tmp_path / "coins.toml").write_text(config_toml.dumps(config))
    with BarStore(tmp_path / "coins.duckdb") as store:
        store.write(history("AAA", MINUTES).bars)
    train = ("train", "--run", "run", "--config", "coins.toml", "--db", "coins.duckdb")
    code, _, err = cli(*train, "--minutes", "0")
    assert code == 0, err
    assert "note: funding_rate of any pair is unknown throughout" in err
    assert "a round trip costs 12 bps" in err
    market = json.loads((tmp_path / "run" / "market.json").read_text())
    assert market["coverage"]["known"]["funding_rate"] == {"AAA": 0.0}
