"""The store and the journal of a session check each other before it goes on."""

import json
import shutil
from types import SimpleNamespace

import duckdb
import pytest
from hypothesis import HealthCheck, given
from hypothesis import strategies as st

from examples import examples
from mlx_muzero.errors import RunError
from mlx_muzero.paper.records import recorder
from mlx_muzero.paper.records.backup import write_backup
from mlx_muzero.paper.records.cross_check import open_store, unjournaled
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.session_report import report_session
from mlx_muzero.runlog import journal
from paper_sessions import CONFIG, WARM_BARS, ScriptedPlanner, market, play
from paper_sessions import settings as paper_settings

PAPER = paper_settings(("USDJPY",))
BARS = [market("USDJPY", WARM_BARS + 12)]
SCRIPT = ["BUY", "HOLD", "CLOSE", "BUY"]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A session with trades, an open position, and its journal."""
    path = tmp_path_factory.mktemp("whole") / "run"
    played = play(path, PAPER, ScriptedPlanner(SCRIPT), bars=BARS)
    lines = (path / "journal.jsonl").read_bytes()
    return SimpleNamespace(path=path, played=played, lines=lines)


@pytest.fixture
def run(whole, tmp_path):
    shutil.copytree(whole.path, tmp_path / "run")
    return PaperFolder(tmp_path / "run")


def go_on(folder):
    return play(folder.path, planner=ScriptedPlanner([]), bars=BARS)


def copied(folder, bars):
    """The session in a folder beside `folder` that has seen so many bars only."""
    path = folder.path.with_name(f"after-{bars}")
    play(path, PAPER, ScriptedPlanner(SCRIPT), bars=[BARS[0].slice(0, bars)])
    return path


def test_a_store_that_is_gone_is_not_begun_anew(run):
    run.store_path.unlink()
    with pytest.raises(
        RunError, match=r"store\.duckdb is gone, but journal\.jsonl records"
    ) as lost:
        open_store(run)
    assert not run.store_path.exists()
    for said in ("3 fills, 1 trade", "USDJPY +1 open", "paper restore FILE", "another --run"):
        assert said in str(lost.value)


def test_a_store_made_anew_is_refused_too(run):
    run.store_path.unlink()
    with pytest.raises(RunError, match=r"store\.duckdb holds no session"):
        go_on(run)


def test_an_older_copy_of_the_store_says_what_it_lacks(run, whole):
    """As where its write-ahead log was lost."""
    shutil.copy(copied(run, WARM_BARS) / "store.duckdb", run.store_path)
    before = run.journal_path.read_bytes()
    with pytest.raises(RunError, match=r"ends at event \d+, but .* events after") as lost:
        go_on(run)
    assert "12 minutes, 2 orders, 2 fills, 1 trade" in str(lost.value)
    assert "store.duckdb.wal" in str(lost.value)
    assert run.journal_path.read_bytes() == before


def test_the_store_of_another_session_is_refused(run):
    other = copied(run, WARM_BARS + 4)
    events = (other / "journal.jsonl").read_bytes().splitlines(keepends=True)
    last = json.loads(events[-2])
    events[-2:] = [json.dumps(last | {"event": "something_else"}).encode() + b"\n"]
    run.journal_path.write_bytes(b"".join(events))
    with pytest.raises(RunError, match="belong to different sessions"):
        go_on(run)


@pytest.mark.parametrize("left", ["gone", "empty", "first line"])
def test_a_lost_journal_is_written_again_from_the_store(run, whole, left):
    lines = whole.lines.splitlines(keepends=True)
    run.journal_path.write_bytes(lines[0] if left == "first line" else b"")
    if left == "gone":
        run.journal_path.unlink()
    go_on(run)
    again = list(journal.read(run.journal_path))
    told = [json.loads(line) for line in lines]
    assert [without_latency(e) for e in again[: len(told)]] == list(map(without_latency, told))
    assert [e["event"] for e in again[len(told) :]] == ["paper_started", "finished"]


def without_latency(event):
    """What was added to a minute once its orders were durable is not in the store."""
    return {k: v for k, v in event.items() if k not in ("latency_ms", "clock_offset_ms")}


@pytest.fixture
def store(whole):
    """Of the whole session, to be looked at."""
    with PaperStore(whole.path / "store.duckdb", read_only=True) as opened:
        yield opened


@examples(60, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_a_journal_cut_anywhere_is_completed(whole, store, tmp_path_factory, data):
    """Each event is there once and in order, and nothing that is left of it is lost."""
    cut = data.draw(st.integers(0, len(whole.lines)))
    folder = PaperFolder(tmp_path_factory.mktemp("cut"))
    folder.journal_path.write_bytes(whole.lines[:cut])
    missing = unjournaled(folder, store)
    kept = [e["seq"] for e in journal.read(folder.journal_path)]
    assert kept + [e["seq"] for e in missing] == list(range(1, whole.lines.count(b"\n") + 1))


@pytest.mark.parametrize(
    "line",
    [
        b'{"event": "minute", "seq": "9"}\n',
        b'{"event": "minute", "seq": true}\n',
        b'{"event": "minute", "seq": 1e400}\n',
        b'{"event": "minute", "seq": [1]}\n',
        b'{"event": 7}\n',
        b"[" * 100_000 + b"\n",
        b"\xff\xfe\n",
    ],
    ids=range(7),
)
def test_a_damaged_line_is_no_number(run, line):
    before = run.last_journaled()
    with run.journal_path.open("ab") as file:
        file.write(line)
    assert run.last_journaled() == before


def test_the_journal_is_durable_before_the_next_commit(tmp_path, monkeypatch):
    folder, durable, seen = PaperFolder(tmp_path / "run"), {}, []

    def flush(path):
        durable[path] = path.stat().st_size

    commit = PaperStore.commit

    def committing(*arguments, **options):
        path = folder.journal_path
        seen.append((path.stat().st_size if path.exists() else 0, durable.get(path, 0)))
        commit(*arguments, **options)

    monkeypatch.setattr(recorder, "flush", flush)
    monkeypatch.setattr(PaperStore, "commit", committing)
    play(folder.path, PAPER, bars=BARS)
    assert len(seen) > 12
    assert all(written == flushed for written, flushed in seen)
    assert folder.path in durable, "nor is the journal's name lost"


def test_events_that_nobody_has_any_more_are_told(run, caplog):
    with duckdb.connect(str(run.store_path)) as db:
        db.execute("delete from events where last < 10")
    go_on(run)
    assert not caplog.records, "the journal has them"
    run.journal_path.unlink()
    go_on(run)
    assert "journal.jsonl lacks events 1 to 7" in caplog.text


def test_a_store_of_the_first_version_gets_the_events_it_kept(run):
    """That build kept those of the last transaction, in the state."""
    with duckdb.connect(str(run.store_path)) as db:
        (last,) = db.execute("select json from events order by last desc limit 1").fetchone()
        (state,) = db.execute("select json from state").fetchone()
        old = json.loads(state) | {"events": json.loads(last)}
        db.execute("update state set json = ?", [json.dumps(old)])
        db.execute("drop table events; update meta set value = '1' where key = 'schema_version'")
    lines = run.journal_path.read_bytes().splitlines(keepends=True)
    run.journal_path.write_bytes(b"".join(lines[:-1]))
    go_on(run)
    numbers = [event["seq"] for event in journal.read(run.journal_path)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert run.store_path.with_name("store.duckdb.v1").exists()


@pytest.mark.parametrize(
    "change",
    [
        "update state set json = '{'",
        "update state set json = '[]'",
        "update state set json = '{}'",
        """update state set json = '{"event": 7, "session": {}}'""",
        """update state set json = '{"event": 7, "session": [1]}'""",
        """update state set json = '{"event": "x", "session": {}}'""",
        "update meta set value = 'x' where key = 'schema_version'",
        "delete from meta where key = 'schema_version'",
        "update events set json = '{'",
    ],
)
def test_a_store_that_says_nonsense_is_named(run, change):
    with duckdb.connect(str(run.store_path)) as db:
        db.execute(change)
    run.journal_path.unlink()
    with pytest.raises(RunError, match=r"store\.duckdb"):
        go_on(run)


def merged(patch):
    return f"update state set json = json_merge_patch(json, '{patch}')"


def rows_with(patch):
    return f"update transactions set rows = json_merge_patch(rows, '{patch}')"


@pytest.mark.parametrize(
    "change",
    [
        merged('{"session": {"accounts": []}}'),
        merged('{"session": {"accounts": {"USDJPY": {"core": [1]}}}}'),
        merged('{"session": {"begin_ns": "early"}}'),
        rows_with('{"equity": {"close_ns": [null], "equity": [null]}}'),
        rows_with('{"equity": {"close_ns": [-1e300], "equity": ["y"]}}'),
        rows_with('{"decisions": {"action": [-5], "close_ns": [0]}}'),
        rows_with('{"bars": {"pair": [5], "open_time_ns": [null]}}'),
    ],
)
def test_a_report_of_nonsense_names_the_store(run, change):
    with duckdb.connect(str(run.store_path)) as db:
        db.execute(change)
    refused = pytest.raises(
        RunError, match=r"store\.duckdb: its contents are not those of a session"
    )
    with PaperStore(run.store_path, read_only=True) as store, refused:
        report_session(run, store, PAPER, CONFIG)


@pytest.mark.parametrize(
    "change",
    [
        "update state set json = '{}'",
        merged('{"session": 5}'),
        merged('{"session": {"last_close_ns": 1e300}}'),
        merged('{"event": -5}'),
    ],
)
def test_a_backup_of_nonsense_names_the_store(run, tmp_path, change):
    with duckdb.connect(str(run.store_path)) as db:
        db.execute(change)
    refused = pytest.raises(
        RunError, match=r"store\.duckdb: its contents are not those of a session"
    )
    with PaperStore(run.store_path, read_only=True) as store, refused:
        write_backup(run, store, run, tmp_path / "account.tar")
