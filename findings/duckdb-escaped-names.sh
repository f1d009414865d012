#!/bin/sh
# DuckDB takes a file's name for a pattern, and not every name can be escaped. With a-[1].parquet beside
# a-1.parquet, read_parquet('a-[1].parquet') reads a-1.parquet; glob.escape() helps there, but not where
# a backslash stands before: back\[1].parquet is read by its plain name alone. Seen with 1.3.0 and 2.0.1:
# "plain: a-1 escaped: a-[1] backslash plain: back\[1] backslash escaped: not found".
# Exits 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder" duckdb==2.0.1
TMPDIR="$folder" PYTHONPATH="$folder" "${PYTHON:-python3}" - <<'PROGRAM'
import glob
import sys
import tempfile
from pathlib import Path

import duckdb

folder = Path(tempfile.mkdtemp())
for name in ("a-1", "a-[1]", "back\\[1]"):
    made = folder / "made"
    duckdb.execute(f"copy (select '{name}' as name) to '{made}' (format parquet)")
    made.rename(folder / f"{name}.parquet")


def read(pattern: str) -> str:
    try:
        return duckdb.execute("select name from read_parquet(?)", [pattern]).fetchone()[0]
    except duckdb.IOException:
        return "not found"


seen = []
for name in ("a-[1]", "back\\[1]"):
    path = str(folder / f"{name}.parquet")
    seen += [read(path), read(glob.escape(path))]
print("DuckDB", duckdb.__version__, "plain: {} escaped: {}".format(*seen), end=" ")
print("backslash plain: {} backslash escaped: {}".format(*seen[2:]))
sys.exit(seen != ["a-1", "a-[1]", "back\\[1]", "not found"])
PROGRAM
