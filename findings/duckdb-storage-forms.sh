#!/bin/sh
# DuckDB 2.0.1 writes a new file in a form of its own (storage version 999) that 1.3.0 refuses, though
# nothing newer is used: a file made on one machine cannot be opened on another. With the setting
# storage_compatibility_version = 'v1.2.0' it writes version 65, which both read and write, and a file
# keeps the form it was made in. Seen: "usual: 999, 1.3.0 refuses; v1.2.0: 65, 1.3.0 reads".
# Exits 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
for version in 2.0.1 1.3.0; do
    "${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check \
        --target "$folder/$version" "duckdb==$version"
done

cat >"$folder/write.py" <<'PROGRAM'
import sys

import duckdb

for name, config in (("usual", {}), ("v1.2.0", {"storage_compatibility_version": "v1.2.0"})):
    with duckdb.connect(f"{sys.argv[1]}/{name}.duckdb", config=config) as db:
        db.execute("create table numbers as select 1 as number")
PROGRAM
cat >"$folder/read.py" <<'PROGRAM'
import sys
from pathlib import Path

import duckdb

seen = []
for name in ("usual", "v1.2.0"):
    path = Path(sys.argv[1]) / f"{name}.duckdb"
    form = int.from_bytes(path.read_bytes()[12:20], "little")
    try:
        rows = duckdb.connect(str(path), read_only=True).execute("from numbers").fetchall()
        seen.append(f"{name}: {form}, {duckdb.__version__} {'reads' if rows == [(1,)] else rows}")
    except duckdb.IOException:
        seen.append(f"{name}: {form}, {duckdb.__version__} refuses")
print("; ".join(seen))
sys.exit(seen != ["usual: 999, 1.3.0 refuses", "v1.2.0: 65, 1.3.0 reads"])
PROGRAM
PYTHONPATH="$folder/2.0.1" "${PYTHON:-python3}" "$folder/write.py" "$folder"
PYTHONPATH="$folder/1.3.0" "${PYTHON:-python3}" "$folder/read.py" "$folder"
