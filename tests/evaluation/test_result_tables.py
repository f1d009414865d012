"""Tables of results: they add up, their times are UTC, and returns open in pandas as they are."""

import csv

import numpy as np
import pytest

from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.baselines import BUY_AND_HOLD, RandomPolicy
from mlx_muzero.evaluation.result_tables import result_tables, windows_of
from mlx_muzero.evaluation.session_bars import SessionBars
from mlx_muzero.market.store.table_files import write_tables
from mlx_muzero.trading.core import TradingRules


@pytest.fixture
def tables(small_config, small_dataset):
    rules = TradingRules.from_config(small_config)
    starts = small_dataset.evaluation_starts("test")
    policies = (RandomPolicy(0), BUY_AND_HOLD)
    played = {each.name: backtest(each, small_dataset, rules, starts) for each in policies}
    bars = SessionBars.of(small_dataset, starts, rules.pip_size)
    found = result_tables(played, ["random"], bars, rules.unit, rules.table.action_names)
    return found, played, starts


def test_they_add_up(tables):
    found, played, starts = tables
    sessions, trades = found["sessions"], found["trades"]
    for name, each in played.items():
        net = each.metrics.net_pips
        of_policy = trades["policy"] == name
        assert sessions["net_pips"][sessions["policy"] == name].sum() == pytest.approx(net)
        assert trades["net_pips"][of_policy].sum() == pytest.approx(net)
        assert len(set(trades["round_trip"][of_policy])) == each.metrics.trades
    decisions, equity = found["decisions"], found["equity"]
    assert set(decisions["policy"]) == {"random"}
    names, counts = np.unique(decisions["action"].astype(str), return_counts=True)
    shares = dict(zip(names, counts / counts.sum(), strict=True))
    wanted = {n: s for n, s in played["random"].metrics.action_frac.items() if s}
    assert shares == pytest.approx(wanted)
    steps = played["random"].equity_pips.shape[1]
    last = equity["equity_pips"].reshape(len(starts), steps)[:, -1]
    np.testing.assert_array_equal(last, sessions["net_pips"][sessions["policy"] == "random"])


def test_a_trade_is_entered_at_the_close_it_was_decided_at(tables):
    found, _, _ = tables
    trades, decisions = found["trades"], found["decisions"]
    entries = trades["entry_time"][trades["policy"] == "random"]
    acted = decisions["time"][decisions["action"] != "HOLD"]
    assert set(entries.tolist()) <= set(acted.tolist())
    assert (trades["exit_time"] > trades["entry_time"]).all()
    assert (found["equity"]["time"] - decisions["time"] == np.timedelta64(1, "m")).all()


def test_returns_are_fractions_of_what_was_held(tables):
    found, played, _ = tables
    returns = found["returns"]
    price = 150.0  # about; a pip is 0.01
    total = returns["buy_and_hold"].sum()
    assert total == pytest.approx(played["buy_and_hold"].metrics.net_pips * 0.01 / price, rel=0.5)
    assert np.sign(total) == np.sign(played["buy_and_hold"].metrics.net_pips)


def test_windows_follow_one_another(tables):
    found, _, _ = tables
    both = windows_of([found, found])
    assert len(both["trades"]["policy"]) == 2 * len(found["trades"]["policy"])
    assert set(both["trades"]["window"]) == {1, 2}


def test_a_day_of_two_windows_has_one_return(tables):
    found, _, _ = tables
    returns = found["returns"]
    both = windows_of([found, found])["returns"]
    assert list(both) == list(returns), "no number of a window: a series of its own"
    np.testing.assert_array_equal(both["date"], returns["date"])
    np.testing.assert_allclose(both["random"], 2 * returns["random"])


@pytest.mark.parametrize("kind", ["csv", "parquet"])
def test_pandas_reads_the_files(tables, tmp_path, kind):
    pandas = pytest.importorskip("pandas")
    if kind == "parquet":
        pytest.importorskip("pyarrow")
    found, _, _ = tables
    files = write_tables(found, tmp_path / "a 'quoted' folder", kind)
    assert [file.name for file in files] == [f"{name}.{kind}" for name in found]
    read = pandas.read_csv if kind == "csv" else pandas.read_parquet
    trades = read(files[1])
    times = pandas.to_datetime(trades["entry_time"], utc=True)
    wanted = pandas.to_datetime(found["trades"]["entry_time"], utc=True)
    assert (times.to_numpy() == wanted.to_numpy()).all()
    np.testing.assert_allclose(trades["net_pips"], found["trades"]["net_pips"])
    returns = read(files[-1]).set_index("date")["buy_and_hold"]
    returns.index = pandas.to_datetime(returns.index)
    assert isinstance(returns.index, pandas.DatetimeIndex)
    np.testing.assert_allclose(returns, found["returns"]["buy_and_hold"])


def test_evaluate_writes_them(cli, trained, tmp_path):
    folder = tmp_path / "tables"
    code, _, err = cli("evaluate", trained, "--sessions", 2, "--csv", folder, "--json")
    assert code == 0, err
    assert f"5 tables written to {folder}" in " ".join(err.split())
    names = {file.stem for file in folder.iterdir()}
    assert names == {"sessions", "trades", "equity", "decisions", "returns"}
    with (folder / "decisions.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert {row["policy"] for row in rows} >= {"agent (search)", "agent (raw network)"}
    assert rows[0]["time"].endswith("Z")
