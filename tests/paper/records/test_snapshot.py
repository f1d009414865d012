"""A session is looked at and copied while it trades: one moment of it, whole."""

import shutil
from pathlib import Path

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.paper.records.cross_check import unjournaled
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.snapshot import Moment, opened_for_reading, take
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.records.transaction import Transaction
from mlx_muzero.paper.report.parity import check_parity
from mlx_muzero.runlog import journal
from paper_sessions import CONFIG, WARM_BARS, Commanding, DicePlanner, markets, play, settings

PAIRS = ("USDJPY", "EURJPY")
MINUTES = 40


def play_looking(path, look, bar=WARM_BARS + MINUTES // 2):
    """A session in the middle of which `look` is called in a thread of its own."""
    feed = Commanding(markets(PAIRS, WARM_BARS + MINUTES), path, {bar: look})
    played = play(path, settings(PAIRS), DicePlanner(), feed=feed)
    return played, *feed.answers


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "run"
    return play(path, settings(PAIRS), bars=markets(PAIRS, WARM_BARS + MINUTES))


@pytest.mark.slow
def test_a_snapshot_goes_on_as_the_session_itself_does(tmp_path, whole):
    path, copy = tmp_path / "run", tmp_path / "copy"

    def look():
        with opened_for_reading(PaperFolder(path)) as (folder, store):
            assert folder.path.parent == path / "snapshots"
            assert unjournaled(folder, store) == [], "store and journal are of one moment"
            assert check_parity(store, folder.settings(), CONFIG, DicePlanner()).exact
            shutil.copytree(folder.path, copy)
            return len(store.table("equity"))

    played, minutes = play_looking(path, look)
    assert minutes == 1 + MINUTES // 2
    assert not list((path / "snapshots").iterdir()), "whoever took it removed it"
    again = play(copy, bars=markets(PAIRS, WARM_BARS + MINUTES))
    for name in ("bars", "decisions", "orders", "order_ends", "fills", "trades", "equity"):
        assert getattr(played, name) == getattr(whole, name), name
        assert getattr(again, name) == getattr(whole, name), name


@pytest.mark.slow
def test_what_cannot_be_done_is_told_of_the_session_not_of_its_snapshot(tmp_path):
    path = tmp_path / "run"

    def look():
        with pytest.raises(RunError) as told, opened_for_reading(PaperFolder(path)) as (folder, _):
            raise RunError(f"{folder.path}: no minute has been traded yet")
        return str(told.value)

    assert play_looking(path, look)[1] == f"{path}: no minute has been traded yet"


def test_what_is_committed_after_the_moment_is_not_in_the_copy(tmp_path):
    folder = PaperFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.begin(settings(PAIRS))
    with PaperStore(folder.store_path, exports=[folder.snapshots_path]) as store:
        store.begin({"n": 0})
        with Moment.of(folder, store) as moment:
            for number in range(1, 40):
                row = Transaction(number)
                row.add("commands", {"time_ns": number, "name": "halt", "pair": None})
                store.commit(number, row, {"n": number})
            name = take(moment)
        assert store.state() == (39, {"n": 39})
        store.commit(40, Transaction(40), {"n": 40})
    with PaperStore(folder.snapshots_path / name / "store.duckdb", read_only=True) as copy:
        assert copy.state() == (0, {"n": 0})
        assert copy.table("commands") == []
    for path in (folder.store_path, folder.snapshots_path / name / "store.duckdb"):
        # What DuckDB 1.2 wrote, and 1.3, the oldest that is allowed, reads.
        header = path.read_bytes()[8:20]
        assert (header[:4], int.from_bytes(header[4:], "little")) == (b"DUCK", 65)


@pytest.mark.slow
def test_a_snapshot_that_cannot_be_written_is_refused_and_the_session_goes_on(tmp_path, whole):
    path = tmp_path / "run"

    def look():
        (path / "snapshots").write_text("in the way")
        with (
            pytest.raises(RunError, match=r"refused: .*snapshots"),
            opened_for_reading(PaperFolder(path)),
        ):
            pass

    played, _ = play_looking(path, look)
    assert played.equity == whole.equity
    *_, last = journal.read(path / "journal.jsonl")
    assert last["event"] == "finished"


@pytest.mark.slow
def test_a_moment_that_cannot_be_pinned_ends_nobody(tmp_path, whole, monkeypatch):
    path = tmp_path / "run"

    def fail(_store):
        raise RunError("no memory")

    def look():
        monkeypatch.setattr(PaperStore, "pin", fail)
        with (
            pytest.raises(RunError, match="refused: no memory"),
            opened_for_reading(PaperFolder(path)),
        ):
            pass

    played, _ = play_looking(path, look)
    assert played.equity == whole.equity


@pytest.mark.slow
def test_snapshots_go_through_no_link(tmp_path):
    path, elsewhere = tmp_path / "run", tmp_path / "elsewhere"
    elsewhere.mkdir()

    def look():
        (path / "snapshots").symlink_to(elsewhere)
        with pytest.raises(RunError, match="symbolic link"), opened_for_reading(PaperFolder(path)):
            pass

    play_looking(path, look)
    assert not list(elsewhere.iterdir())


@pytest.mark.slow
def test_snapshots_of_the_dead_are_removed(tmp_path):
    path = tmp_path / "run"
    play_looking(path, lambda: (path / "snapshots" / "left").mkdir(parents=True))
    play(path, bars=markets(PAIRS, WARM_BARS))
    assert not (path / "snapshots").exists()


def test_a_session_that_nobody_trades_is_read_where_it_lies_and_kept_from_others(whole, tmp_path):
    shutil.copytree(whole.folder.path, tmp_path / "run")
    with opened_for_reading(PaperFolder(tmp_path / "run")) as (folder, store):
        assert folder.path == tmp_path / "run"
        assert len(store.table("equity")) == 1 + MINUTES
        with pytest.raises(RunError, match="being traded by process"), folder.held():
            pass


@pytest.mark.parametrize("name", ["../../precious", "..", "", "."])
def test_a_stranger_s_answer_names_no_folder_elsewhere(tmp_path, monkeypatch, name):
    """What answers the socket of a stranger's folder decides nothing but a name."""
    folder = PaperFolder(tmp_path / "run")
    folder.path.mkdir()
    folder.begin(settings(PAIRS))
    (tmp_path / "precious").mkdir()
    monkeypatch.setattr(PaperFolder, "holder", lambda _folder: 1)
    monkeypatch.setattr("mlx_muzero.paper.records.snapshot.send", lambda *_: name)
    with pytest.raises(RunError, match="made no snapshot"), opened_for_reading(folder):
        pass
    assert (tmp_path / "precious").exists()
    assert Path(tmp_path / "run" / "paper.toml").exists()
