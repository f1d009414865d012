"""A store of an earlier version: brought up to date in place, copied before, told once."""

import logging
import os
import shutil
from pathlib import Path

import duckdb
import pytest

from mlx_muzero.market.store.migration import backup_shelf, migrate

OLD = """
create table meta(key varchar primary key, value varchar not null);
create table bars(symbol varchar not null, close double);
create view closes as select close from bars;
insert into meta values ('schema_version', '1');
insert into bars values ('USDJPY', 150.25);
"""
STEPS = {
    1: "alter table bars add column volume double",
    2: "create table more(name varchar primary key)",
}


@pytest.fixture
def path(tmp_path):
    path = tmp_path / "o'clock.duckdb"
    with duckdb.connect(path) as db:
        db.execute(OLD)
    return path


def version(db):
    return db.execute("select value from meta where key = 'schema_version'").fetchone()[0]


def test_every_step_is_taken_and_told_once(path, caplog):
    with duckdb.connect(path) as db:
        assert migrate(db, path, 1, STEPS) == 3
        assert db.execute("select * from bars").fetchall() == [("USDJPY", 150.25, None)]
        assert version(db) == "3"
        assert migrate(db, path, 3, STEPS) == 3
    (told,) = caplog.records
    assert told.levelno == logging.WARNING
    assert f"{path} was written by an earlier mlx_muzero" in told.getMessage()
    assert f"backup: {path}.v1" in told.getMessage()


def test_the_backup_is_the_store_as_it_was(path):
    with duckdb.connect(path) as db:
        migrate(db, path, 1, STEPS)
        # Nobody else gets at the store while its backup is made, nor after.
        assert db.execute("select count(*) from more").fetchone() == (0,)
    with duckdb.connect(f"{path}.v1", read_only=True) as old:
        assert version(old) == "1"
        assert old.execute("select * from bars").fetchall() == [("USDJPY", 150.25)]
        assert old.execute("select * from closes").fetchall() == [(150.25,)]
    assert sorted(file.name for file in path.parent.iterdir()) == [path.name, f"{path.name}.v1"]


def test_an_older_backup_is_never_replaced(path):
    kept = path.with_name(f"{path.name}.v1")
    kept.write_text("somebody's")
    with duckdb.connect(path) as db:
        migrate(db, path, 1, STEPS)
    assert kept.read_text() == "somebody's"
    with duckdb.connect(f"{path}.v1-2", read_only=True) as old:
        assert version(old) == "1"


def test_a_step_that_fails_leaves_the_step_before_it(path):
    with duckdb.connect(path) as db:
        with pytest.raises(duckdb.Error):
            migrate(db, path, 1, STEPS | {2: "create table bars(x integer)"})
        db.execute("rollback")
        assert version(db) == "2"
        assert migrate(db, path, 2, STEPS) == 3


def test_what_cannot_be_copied_is_not_changed(path, monkeypatch):
    def refuse(folder):
        raise PermissionError(folder)

    with duckdb.connect(path) as db:
        monkeypatch.setattr(Path, "mkdir", refuse)
        with pytest.raises((OSError, duckdb.Error)):
            migrate(db, path, 1, STEPS)
        assert version(db) == "1"


@pytest.mark.parametrize("left", ["folder", "link"])
def test_what_a_killed_backup_left_is_removed_and_no_link_is_followed(path, tmp_path, left):
    kept, shelf = tmp_path / "kept", backup_shelf(path)
    kept.mkdir()
    (kept / f"{path.name}.v1").write_text("somebody's")
    shutil.copytree(kept, shelf) if left == "folder" else shelf.symlink_to(kept)
    with duckdb.connect(path) as db:
        migrate(db, path, 1, STEPS)
    assert (kept / f"{path.name}.v1").read_text() == "somebody's"
    with duckdb.connect(f"{path}.v1", read_only=True) as old:
        assert version(old) == "1"
    assert not os.path.lexists(shelf)


def test_a_name_of_a_store_is_no_sql(tmp_path):
    path = tmp_path / """a" to b; '[x].duckdb"""
    with duckdb.connect(path) as db:
        db.execute(OLD)
        assert migrate(db, path, 1, STEPS) == 3
    assert path.with_name(f"{path.name}.v1").is_file()
