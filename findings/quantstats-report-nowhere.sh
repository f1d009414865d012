#!/bin/sh
# QuantStats 0.0.86 reports.html without `output` makes the whole report and, outside a notebook,
# drops it: it returns None, writes no file, opens nothing, raises nothing and warns of nothing. Its
# docstring calls that a browser download.
# Seen: "without output: None, files [] ; with output: files ['report.html']". Exits 1 if a file is
# written, or an error raised, without `output`.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install -qq --disable-pip-version-check --target "$folder/lib" \
    quantstats==0.0.86
mkdir "$folder/work"
cd "$folder/work"
MPLBACKEND=Agg PYTHONPATH="$folder/lib" "${PYTHON:-python3}" - 2>/dev/null <<'PROGRAM'
import os, sys
import numpy, pandas, quantstats
days = pandas.bdate_range("2024-01-01", periods=120)
rng = numpy.random.default_rng(0)
returns = pandas.Series(rng.normal(1e-3, 1e-2, 120), days, name="strategy")
try:
    found = quantstats.reports.html(returns)
except Exception as error:
    print("without output:", repr(error))
    sys.exit(1)
before = sorted(os.listdir("."))
quantstats.reports.html(returns, output="report.html")
print(f"without output: {found}, files {before} ; with output: files {sorted(os.listdir('.'))}")
sys.exit(bool(before) or found is not None)
PROGRAM
