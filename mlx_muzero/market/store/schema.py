"""The bar store's tables, and their migrations from earlier versions."""

import re
from pathlib import Path

from mlx_muzero.errors import DataError
from mlx_muzero.market.store.database import Database
from mlx_muzero.market.store.duckdb_files import OWN_COLUMNS, OWN_TABLES
from mlx_muzero.market.store.import_table import ADD_ACCEPTED
from mlx_muzero.market.store.instrument_table import CREATE_INSTRUMENTS
from mlx_muzero.market.store.origin_table import CREATE_ORIGINS
from mlx_muzero.market.store.series_table import CREATE_SERIES
from mlx_muzero.market.store.staging import EXTRA_COLUMNS

SCHEMA_VERSION = 5
APPLICATION = "mlx_muzero bars"

SCHEMA = f"""
create table meta(key varchar primary key, value varchar not null);
create table bars(
    symbol varchar not null, open_time timestamp_ns not null,
    open double not null, high double not null, low double not null, close double not null,
    volume double, {", ".join(f"{name} double" for name in EXTRA_COLUMNS)});
create table imports(
    file varchar not null, sha256 varchar not null, symbol varchar not null,
    format varchar not null, clock varchar not null, rows bigint not null,
    rejected bigint not null, repeats bigint not null,
    first_time timestamp_ns, last_time timestamp_ns, accepted varchar,
    primary key(sha256, symbol));
create table truths(symbol varchar primary key, json varchar not null);
{CREATE_SERIES}{CREATE_INSTRUMENTS}{CREATE_ORIGINS}
insert into meta values ('application', '{APPLICATION}'), ('schema_version', '{SCHEMA_VERSION}');
"""

_COLUMN = re.compile(r"(\w+) (varchar|timestamp_ns|double|bigint)\b")
COLUMNS = {
    table: {name: kind.upper() for name, kind in _COLUMN.findall(columns)}
    for table, columns in re.findall(r"create table (\w+)\((.*?)\);", SCHEMA, re.DOTALL)
}
"""DuckDB types of the columns of each table."""

SERIES_SINCE = 2
INSTRUMENTS_SINCE = 4
ORIGINS_SINCE = 5
MIGRATIONS = {
    1: CREATE_SERIES,
    2: ADD_ACCEPTED,
    3: CREATE_INSTRUMENTS,
    4: CREATE_ORIGINS,
}
"""SQL that migrates a store from each version to the next."""


def version_of(db: Database, path: Path, read_only: bool) -> int:
    """The schema version of the store at `path`; an empty file is made a store.

    Raises:
        DataError: it is not a bar store, lacks a table, or is from a later version.
    """
    tables = {row[0] for row in db.execute(OWN_TABLES).fetchall()}
    if not tables and not read_only:
        db.execute(f"begin; {SCHEMA} commit;")
        return SCHEMA_VERSION
    meta: dict[str, str] = {}
    if "meta" in tables and "bars" in tables:
        meta = dict(db.execute("select key, value from meta").fetchall())
    if meta.get("application") != APPLICATION:
        raise DataError(f"{path} is a DuckDB file but not a bar store: name another file")
    said = meta.get("schema_version", "")
    version = int(said) if said.isdecimal() else 0
    since = {
        "imports": 1,
        "truths": 1,
        "series": SERIES_SINCE,
        "instruments": INSTRUMENTS_SINCE,
        "origins": ORIGINS_SINCE,
        "asked": ORIGINS_SINCE,
    }
    missing = {name for name, first in since.items() if version >= first} - tables
    if not version:
        raise DataError(f"{path}: it is damaged, its version is {said!a}: restore it from a copy")
    if missing:
        raise DataError(
            f"{path}: it has no table {', '.join(sorted(missing))}: restore it from a copy, or"
            " import into another file"
        )
    if version > SCHEMA_VERSION:
        raise DataError(
            f"{path} has schema version {version}; this mlx_muzero reads up to {SCHEMA_VERSION}:"
            " update mlx_muzero"
        )
    _require_columns(db, path, version)
    return version


def _require_columns(db: Database, path: Path, version: int) -> None:
    """Raise DataError unless the tables have the expected columns; old stores may lack new ones."""
    found: dict[str, dict[str, str]] = {}
    for table, column, kind in db.execute(OWN_COLUMNS).fetchall():
        found.setdefault(table, {})[column] = kind
    for table in COLUMNS.keys() & found.keys():
        for name, wanted in COLUMNS[table].items():
            kind = found[table].get(name)
            if kind != wanted and (kind or version == SCHEMA_VERSION):
                raise DataError(
                    f"{path}: it is damaged, {table}.{name} is {kind or 'missing'}, not"
                    f" {wanted}: restore it from a copy, or import into another file"
                )
