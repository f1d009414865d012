"""A notebook's way through: from files to bars, a run, its judgement and one decision."""

import signal
import threading
import warnings
from dataclasses import replace

import numpy as np
import pytest
from mlx.utils import tree_flatten

import mlx_muzero as mm
from market_files import ascii_file
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.experiment.trained_run import TrainedRun
from mlx_muzero.market.bars import utc_text
from mlx_muzero.training.run import RunFolder

pytestmark = pytest.mark.filterwarnings("ignore::mlx_muzero.api.notes.MuZeroWarning")


@pytest.fixture(scope="module")
def config(small_config):
    return replace(small_config, train=replace(small_config.train, episodes=8))


@pytest.fixture(scope="module")
def trained_here(config, db_once, tmp_path_factory):
    heard = []
    run = tmp_path_factory.mktemp("runs") / "whole"
    result = mm.train(config, run, store=db_once, callback=heard.append)
    return result, heard


@pytest.mark.slow
def test_files_become_bars_of_a_store(tmp_path):
    store = mm.open_store(tmp_path / "new" / "market.duckdb")
    with pytest.raises(mm.MuZeroError, match="no bar store"):
        store.symbols()
    file = ascii_file(tmp_path / "DAT_ASCII_EURUSD_M1_2020.csv")
    (report,) = store.import_files(file)
    assert report.inserted == 200
    assert store.import_files(file)[0].already_imported
    truth = store.add_synthetic("random_walk", symbol="WALK", days=2)
    assert truth["expected_pips_per_session"] <= 0.0
    listed = store.symbols()
    assert [s.symbol for s in listed.symbols] == ["EURUSD", "WALK"]
    pytest.importorskip("pandas")
    assert listed.to_frame()["bars"].to_list() == [200, 2880]
    stored = store.bars("eurusd").bars
    assert len(stored) == 200
    later = store.bars("EURUSD", first_utc=utc_text(int(stored.open_time_ns[150])))
    assert len(later.bars) == 50
    assert later.to_frame()["close"].to_list() == later.bars.close.tolist()


def test_what_a_store_holds_is_described_checked_renamed_and_removed(db):
    store = mm.open_store(db)
    with pytest.raises(mm.MuZeroError, match="data instrument TEST"):
        store.check("TEST")
    with pytest.raises(mm.MuZeroError, match="also say what a pip of TEST is"):
        store.set_instrument("TEST", market="fx")
    (said,) = store.set_instrument("test", market="fx", pip_size=0.0001)
    assert (said.symbol, said.unit) == ("TEST", "pips")
    report = store.check("TEST")
    assert report.bars.bars == 1500
    assert report.series == ()
    store.rename("TEST", "OTHER")
    assert store.check("OTHER").bars.market == "fx"
    half = utc_text(int(store.bars("OTHER").bars.open_time_ns[500]))
    assert store.remove("OTHER", first_utc=half).bars == 1000
    assert store.remove("OTHER").bars == 500
    with pytest.raises(mm.MuZeroError, match="has nothing of OTHER"):
        store.remove("OTHER")


def test_a_file_that_fails_is_raised_and_leaves_no_empty_store(tmp_path):
    store = mm.open_store(tmp_path / "market.duckdb")
    (tmp_path / "notes.csv").write_text("no bars\n")
    with pytest.raises(mm.MuZeroError, match=r"notes\.csv"):
        store.import_files(tmp_path / "notes.csv")
    assert not store.path.exists()


def test_a_configuration_is_a_preset_with_overrides(db):
    config = mm.make_config("fx_micro", overrides={"train.episodes": 64, "search.root": "gumbel"})
    assert (config.train.episodes, config.search.root) == (64, "gumbel")
    assert replace(
        config, train=PRESETS["fx_micro"].train, search=PRESETS["fx_micro"].search
    ) == PRESETS["fx_micro"]  # fmt: skip
    crypto = mm.make_config(
        "crypto", symbol=["BTCUSDT", "ETHUSDT"], overrides={"market.timeframes": ["5m"]}, store=db
    )
    assert crypto.market.pairs == ("BTCUSDT", "ETHUSDT")
    assert crypto.market.timeframes == ("5m",)
    with pytest.raises(mm.MuZeroError) as wrong:
        mm.make_config("fx_micro", overrides={"train.episode": 1, "search.depth_limit": "deep"})
    assert "overrides train.episode: no such key; did you mean" in str(wrong.value)
    assert "overrides search.depth_limit: expected an integer" in str(wrong.value)
    with pytest.raises(mm.MuZeroError, match=r"train\.seed: None cannot be the value"):
        mm.make_config("fx_micro", overrides={"train.seed": None})


def test_training_tells_of_every_round(trained_here, config):
    result, heard = trained_here
    assert result.finished
    assert list(result.rounds) == heard
    assert [r.episodes for r in heard] == [4, 8]
    assert all(r.of_episodes == config.train.episodes for r in heard)
    assert [r.steps for r in heard] == [4, 8]
    assert all(np.isfinite(r.loss) for r in heard)
    assert all(r.validation.sessions == config.train.validate_sessions for r in heard)
    assert heard[0].is_best


def weights(run):
    model = mm.load_run(run, checkpoint="latest").model
    return dict(tree_flatten(model.parameters()))


@pytest.mark.slow
def test_a_callback_stops_and_the_same_call_goes_on(trained_here, config, db_once, tmp_path):
    run, whole = tmp_path / "parts", trained_here[0].run
    stopped = mm.train(config, run, store=db_once, callback=lambda _round: False)
    assert not stopped.finished
    assert RunFolder(run).checkpoints.latest() is not None
    assert mm.train(config, run).finished
    assert mm.train(config, run).rounds == ()  # nothing is left to do
    ours, theirs = weights(run), weights(whole)
    assert all(np.array_equal(ours[name], theirs[name]) for name in theirs)
    with pytest.raises(mm.MuZeroError, match=r"train\.seed is 0 there, 5 here.* another folder"):
        mm.train(replace(config, train=replace(config.train, seed=5)), run)


def test_an_interrupt_ends_with_a_checkpoint(config, db_once, tmp_path):
    def interrupt(told):
        if told.episodes == 4:  # once: a second interrupt kills
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    stopped = mm.train(config, tmp_path / "run", store=db_once, callback=interrupt)
    assert not stopped.finished
    assert signal.getsignal(signal.SIGINT) is before
    assert RunFolder(tmp_path / "run").checkpoints.latest() is not None


def test_training_outside_the_main_thread_needs_no_signals(config, db_once, tmp_path):
    left = []

    def train():
        run = tmp_path / "run"
        left.append(mm.train(config, run, store=db_once, callback=lambda _round: False))

    thread = threading.Thread(target=train)
    thread.start()
    thread.join()
    assert not left[0].finished


@pytest.mark.slow
def test_a_loaded_run_is_evaluated_next_to_the_baselines(trained_here):
    run = mm.load_run(trained_here[0].run)
    assert isinstance(run, TrainedRun)
    assert isinstance(run.config, Config)
    found = mm.evaluate(run, sessions=3)
    assert {"agent (search)", "agent (raw network)", "flat", "momentum_5"} & found.entries.keys()
    assert found.conditions.split == "test"
    assert found.conditions.sessions == 3
    pytest.importorskip("pandas")
    frame = found.to_frame().set_index("policy")
    assert list(frame.index) == list(found.entries)
    assert frame.loc["flat", "trades"] == 0
    shares = [name for name in frame.columns if name.startswith("action_frac_")]
    assert np.allclose(frame[shares].sum(axis=1), 1.0)
    again = mm.evaluate(trained_here[0].run, sessions=3)
    assert again.metrics == found.metrics
    with pytest.raises(mm.MuZeroError, match="leave out split, or first_utc and end_utc"):
        mm.evaluate(run, split="test", first_utc="2019-01-08")
    with pytest.raises(mm.MuZeroError, match="first_utc: "):
        mm.evaluate(run, first_utc="soon")


@pytest.mark.slow
def test_two_runs_are_compared_on_the_same_sessions(trained_here, config, db_once, tmp_path):
    other = replace(config, train=replace(config.train, seed=1, episodes=4))
    mm.train(other, tmp_path / "other", store=db_once)
    found = mm.compare_runs(trained_here[0].run, tmp_path / "other", sessions=4)
    assert list(found.entries) == ["whole", "other"]
    first, second = (entry.backtest for entry in found.entries.values())
    assert np.array_equal(first.spans_ns, second.spans_ns)
    assert found.beyond_first["whole"].mean == 0.0
    beyond = second.metrics.net_pips_per_session - first.metrics.net_pips_per_session
    assert found.beyond_first["other"].mean == pytest.approx(beyond)
    pytest.importorskip("pandas")
    assert found.to_frame()["run"].to_list() == ["whole", "other"]
    with pytest.raises(mm.MuZeroError, match="at least two runs"):
        mm.compare_runs(trained_here[0].run)


def test_a_decision_shows_its_tree(trained_here):
    run = mm.load_run(trained_here[0].run)
    bar = run.dataset.evaluation_starts("test")[0]
    found = mm.plan(run, utc_text(int(run.dataset.open_time_ns[bar])), simulations=9)
    assert found.action == found.principal_variation[0]
    assert found.action in found.visits
    assert sum(found.visits.values()) == 9
    assert len(found.decision.tree.node) > 9
    pytest.importorskip("pandas")
    tree = found.to_frame()
    assert tree["name"][0] == "root"
    assert tree["visits"].to_list() == found.decision.tree.visits.tolist()
    with pytest.raises(mm.MuZeroError, match="no bar of TEST opens"):
        mm.plan(run, "2001-01-01")
    with pytest.raises(mm.MuZeroError, match="at: "):
        mm.plan(run, "noon")


@pytest.mark.slow
def test_a_walk_forward_stops_and_goes_on(small_config, db_once, tmp_path):
    config = replace(small_config, train=replace(small_config.train, episodes=4))
    run, heard = tmp_path / "wf", []

    def once(window, told):
        heard.append((window, told.episodes))
        return window != 1

    stopped = mm.walk_forward(config, run, windows=2, store=db_once, sessions=2, callback=once)
    assert stopped.tested is None or len(heard) == 2
    tested = mm.walk_forward(config, run, sessions=2).tested
    assert len(tested.windows) == 2
    assert "agent (search)" in tested.whole
    pytest.importorskip("pandas")
    assert list(tested.to_frame()["policy"]) == list(tested.whole)
    with pytest.raises(mm.MuZeroError, match="holds a run of another configuration"):
        mm.walk_forward(replace(config, model=replace(config.model, dropout=0.2)), run)


def test_what_nobody_asked_about_is_a_warning_at_the_users_line(config, db_once, tmp_path):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        mm.train(config, tmp_path / "run", store=db_once, callback=lambda _round: False)
    notes = [w for w in caught if w.category is mm.MuZeroWarning]
    assert any("a round trip costs" in str(note.message) for note in notes)
    assert {note.filename for note in notes} == {__file__}
