"""A store that has grown: a run keeps its own bars, and can be judged on those that came later."""

import dataclasses
import json
import shutil
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest

from crypto_markets import CONFIG, crypto_bars, every_series
from markets import MINUTE_NS, MONDAY_NS, walk_bars
from mlx_muzero.errors import RunError
from mlx_muzero.experiment.later_bars import later_bars
from mlx_muzero.experiment.loading import load_dataset
from mlx_muzero.experiment.trained_run import load_run
from mlx_muzero.market import kept_dataset
from mlx_muzero.market.bars import utc_text
from mlx_muzero.market.history import Period, load_history
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.duckdb_files import vouch_for
from mlx_muzero.trading.core import TradingRules
from mlx_muzero.training.run import MarketRecord, RunFolder
from mlx_muzero.training.trainer import Trainer
from runs import Heard, never
from same_datasets import require_same

OWN = slice(300, 1800)
"""The bars a run was begun with, of those that are there in the end."""

ALL = walk_bars(2400)


def stamp(bar):
    return utc_text(MONDAY_NS + bar * MINUTE_NS).replace(" ", "T")


def bars(first, last):
    return ALL.slice(first, last)


@pytest.fixture(scope="module")
def begun(small_config, tmp_path_factory):
    """A run of a few episodes, and its store."""
    folder = tmp_path_factory.mktemp("grown")
    with BarStore(folder / "market.duckdb") as store:
        store.write(bars(OWN.start, OWN.stop))

    config = dataclasses.replace(
        small_config, train=dataclasses.replace(small_config.train, episodes=4)
    )
    dataset, store = load_dataset(config, folder / "market.duckdb")
    run = RunFolder(folder / "run")
    run.begin(config, MarketRecord.of(store, dataset))
    trainer = Trainer(config, dataset, TradingRules.from_config(config), run, Heard(), never)
    assert trainer.run()
    return folder


@pytest.fixture(scope="module")
def grown_once(begun, tmp_path_factory):
    folder = tmp_path_factory.mktemp("later") / "grown"
    shutil.copytree(begun, folder)
    with BarStore(folder / "market.duckdb") as store:
        store.write(bars(0, OWN.start))
        store.write(bars(OWN.stop, len(ALL)))
    return folder


@pytest.fixture
def grown(grown_once, tmp_path):
    """The same after earlier and later bars were imported."""
    folder = Path(shutil.copytree(grown_once, tmp_path / "grown"))
    vouch_for(folder / "market.duckdb")
    return folder


OLD_FACTS = ("store", "symbol", "bars", "first_ns", "last_ns", "digest")
"""What a record of 0.1.0 holds."""


def make_old(run):
    """Leave of the record of `run` what 0.1.0 wrote."""
    path = run / "market.json"
    facts = json.loads(path.read_text())
    path.write_text(json.dumps({name: facts[name] for name in OLD_FACTS}))


@pytest.mark.parametrize("old", [False, True])
def test_a_run_goes_on_with_its_own_bars(grown, cli, old):
    run, db = grown / "run", grown / "market.duckdb"
    if old:
        make_old(run)
    loaded = load_run(run, "best", db)
    np.testing.assert_array_equal(loaded.dataset.close, ALL.close[OWN])
    assert RunFolder(run).market().spans_ns == loaded.dataset.spans_ns
    code, _, err = cli("train", "--run", run, "--resume", "--db", db)
    assert code == 0, err


def test_a_missing_bar_of_its_own_period_is_told_with_the_period(grown):
    with BarStore(grown / "market.duckdb") as store:
        store.remove("TEST")
        store.write(bars(0, 1000))
        store.write(bars(1001, len(ALL)))
    told = r"trained on 1,500 bars of TEST, 2019-01-07 05:00 to .* 1,499 different ones"
    with pytest.raises(RunError, match=told):
        load_run(grown / "run", "best", grown / "market.duckdb")


@pytest.mark.slow
def test_later_bars_are_judged_and_named(grown, cli):
    run, db = grown / "run", grown / "market.duckdb"
    code, out, err = cli("evaluate", run, "--db", db, "--from", stamp(OWN.stop), "--json")
    assert code == 0, err
    report = json.loads(out)
    conditions = report["conditions"]
    assert conditions["split"] == "later"
    assert conditions["first"] >= stamp(OWN.stop).replace("T", " ")
    assert "no part of it was fitted to them" in report["period"]
    # Nothing at all is lost to warming up: what was before is looked at.
    assert conditions["first"] == stamp(OWN.stop).replace("T", " ")
    code, out, _ = cli("evaluate", run, "--db", db, "--to", stamp(2100))
    assert code == 0
    assert "TEST, bars after its own" in out
    assert "to 2019-01-08 10:59 UTC, after everything the run was trained" in " ".join(out.split())


def test_the_splits_of_the_run_stay_what_they_were(grown, cli):
    loaded = load_run(grown / "run", "best", grown / "market.duckdb")
    own = loaded.dataset
    later, _ = later_bars(loaded, RunFolder(grown / "run").market(), None, None)
    for split in ("train", "validation", "test"):
        starts = later.evaluation_starts(split)
        np.testing.assert_array_equal(later.open_time_ns[starts],
                                      own.open_time_ns[own.evaluation_starts(split)])  # fmt: skip
    first = later.open_time_ns[later.evaluation_starts("later")].min()
    assert first == own.open_time_ns[-1] + MINUTE_NS


@pytest.mark.parametrize(
    ("options", "code", "words"),
    [
        (("--from", stamp(400)), 3, ("was trained on the bars before", "chosen on those before")),
        (("--from", stamp(1700), "--to", stamp(1700)), 3, ("is not after",)),
        (("--from", "soon"), 3, ("--from", "2015-01-01")),
        (("--from", "2030-01-01"), 4, ("end at 2019-01-08 15:59", "Import later ones")),
        (("--from", stamp(2000), "--split", "test"), 2, ("to no split",)),
    ],
)
def test_what_is_not_later_is_refused(grown, cli, options, code, words):
    found = cli("evaluate", grown / "run", "--db", grown / "market.duckdb", *options)
    assert found[0] == code
    for word in words:
        assert word in found[2]


def test_bars_of_the_test_split_are_said_to_be(grown, cli):
    """From the test split on: seen by nobody who chose anything, but not new."""
    run, db = grown / "run", grown / "market.duckdb"
    _, out, _ = cli("evaluate", run, "--db", db, "--from", stamp(1600), "--json")
    assert "UTC are its test split" in json.loads(out)["period"]


@pytest.mark.slow
def test_a_run_that_was_never_validated_says_so_first(grown, cli, config_file):
    db = grown / "market.duckdb"
    code, _, _ = cli(
        "train", "--run", "young", "--config", config_file, "--db", db, "--minutes", "0"
    )
    assert code == 0
    code, out, err = cli("evaluate", "young", "--sessions", "2", "--json")
    assert code == 0
    assert err.startswith("young was never validated: the first validation is after 4 episodes")
    assert "train --run young --resume" in err
    report = json.loads(out)
    assert (report["validated"], report["stage"]["name"]) == (False, "buffer collection")
    code, out, err = cli("evaluate", grown / "run", "--db", db, "--sessions", "2", "--json")
    assert (json.loads(out)["validated"], err) == (True, "")


def test_series_that_began_earlier_change_nothing_seen(tmp_path):
    """Funding imported for the months before a run is nothing the run knew of."""
    config = dataclasses.replace(CONFIG, symbols=("AAA",))
    every = every_series("AAA", 1500)
    late = {}
    for name, series in every.items():
        # A settlement has many announcements, which come or are missing together.
        first = int(np.searchsorted(series.event_ns, series.event_ns[len(series) // 3]))
        late[name] = series.slice(first, len(series))
    with BarStore(tmp_path / "m.duckdb") as store:
        store.write(crypto_bars("AAA", 1500))
        with store.transaction():
            for series in late.values():
                store.write_series(series)
        before = load_history(store, "AAA", config)
        with store.transaction():
            for series in every.values():
                store.write_series(series)
        period = Period(0, 2**62, {n: int(s.event_ns.min()) for n, s in before.series.items()})
        after = load_history(store, "AAA", config, period)
        assert len(load_history(store, "AAA", config).series["funding_rate"]) > len(
            before.series["funding_rate"]
        )
    for name, series in before.series.items():
        np.testing.assert_array_equal(after.series[name].value, series.value)


@pytest.mark.parametrize("wrong", ['{"store": 1}', "[]", '{"a": 2}', "null", '{"spans_ns": 3}'])
def test_a_record_that_is_none_is_refused(grown, wrong):
    path = grown / "run" / "market.json"
    facts = json.loads(path.read_text())
    part = json.loads(wrong)
    path.write_text(json.dumps(facts | part if isinstance(part, dict) else part))
    with pytest.raises(RunError, match=r"market\.json: cannot read it"):
        RunFolder(grown / "run").market()


@pytest.mark.slow
@pytest.mark.parametrize("old", [False, True])
def test_a_walk_forward_keeps_its_windows(cli, config_file, tmp_path, old):
    """A plan of 0.1.0 does not know its bars: it is completed, or refused once the store grew."""
    db = tmp_path / "walk.duckdb"
    with BarStore(db) as store:
        store.write(bars(*OWN.indices(len(ALL))[:2]))
    walk = ("walk-forward", "--run", "walk", "--sessions", "1")
    code, out, err = cli(
        *walk, "--config", config_file, "--db", db, "--windows", "2", "--json",
        "--minutes", "0",
    )  # fmt: skip
    assert code == 0, err
    plan = tmp_path / "walk" / "plan.json"
    complete = json.loads(plan.read_text())
    if old:
        plan.write_text(json.dumps({n: v for n, v in complete.items() if n != "market"}))
        assert cli(*walk, "--resume", "--json")[0] == 0
        assert json.loads(plan.read_text()) == complete
        plan.write_text(json.dumps({n: v for n, v in complete.items() if n != "market"}))
    with BarStore(db) as store:
        store.write(bars(OWN.stop, len(ALL)))
    code, again, err = cli(*walk, "--resume", "--json")
    if old:
        assert code == 5
        told = json.loads(again)["error"]["message"]
        assert told.startswith("walk/window-01 was started on bars from 2019-01-07 05:00")
        assert "--db" in told
    else:
        assert code == 0, err
        first, second = (json.loads(answer)["conditions"] for answer in (out, again))
        assert (first.pop("looks")["evaluations"], second.pop("looks")["evaluations"]) == (1, 2)
        assert second == first


def test_later_bars_pay_the_funding_that_came_with_them_and_name_pairs_that_ended(
    small_config, tmp_path, monkeypatch
):
    market = dataclasses.replace(CONFIG, context=(), macro=(), timeframes=(), session_bars=12)
    config = dataclasses.replace(small_config, market=market)
    everything = {symbol: crypto_bars(symbol, 3000) for symbol in CONFIG.symbols}
    with BarStore(tmp_path / "m.duckdb") as store:
        for of_pair in everything.values():
            store.write(of_pair.slice(0, 1800))
    dataset, path = load_dataset(config, tmp_path / "m.duckdb")
    begun = MarketRecord.of(path, dataset)
    with BarStore(tmp_path / "m.duckdb") as store:
        store.write(everything["AAA"].slice(1800, 3000))
        with store.transaction():
            store.write_series(every_series("AAA", 3000)["funding_rate"])
    run = SimpleNamespace(config=config, dataset=dataset, store=path)
    made, _ = later_bars(run, begun, None, None)
    monkeypatch.setattr(kept_dataset, "KEPT_FROM_BARS", 1)
    load_dataset(config, path)
    told = []
    later, words = later_bars(run, begun, None, None, tell=told.append)
    require_same(later, made)
    assert later.evaluation_starts("later").tolist() == made.evaluation_starts("later").tolist()
    # What a training keeps is what an evaluation on later bars reads.
    assert not told
    assert words.endswith("There are none of BBB.")
    starts = later.evaluation_starts("later")
    assert {later.config.pairs[pair] for pair in later.pair[starts]} == {"AAA"}
    assert (later.funding_rate[later.open_time_ns > begun.last_ns] != 0).any()
