"""Your own bars: import a CSV file into a store, and read them as a data frame."""

import sys
from datetime import UTC, datetime, timedelta
from math import sin
from pathlib import Path
from tempfile import mkdtemp

import mlx_muzero as mm


def write_csv(path: Path, minutes: int = 600) -> None:
    """Write a file as a broker might: UTC, one row per minute."""
    opens = datetime(2024, 3, 4, tzinfo=UTC)
    rows = ["timestamp,open,high,low,close,volume"]
    for minute in range(minutes):
        price, after = (1.1 + 0.002 * sin(m / 60) for m in (minute, minute + 1))
        time = (opens + timedelta(minutes=minute)).strftime("%Y-%m-%d %H:%M:%S")
        high, low = max(price, after) + 1e-5, min(price, after) - 1e-5
        rows.append(f"{time},{price:.5f},{high:.5f},{low:.5f},{after:.5f},{100 + minute % 7}")
    path.write_text("\n".join(rows) + "\n")


def main(folder: Path) -> None:
    """Write a file, import it twice, and show what the store holds."""
    write_csv(folder / "EURUSD.csv")
    store = mm.open_store(folder / "market.duckdb")
    for _ in range(2):  # importing it again changes nothing
        (report,) = store.import_files(folder / "EURUSD.csv", symbol="EURUSD", clock="UTC")
        print(f"{report.file}: {report.inserted} bars inserted, format {report.format}")
    for summary in store.symbols().symbols:
        print(f"{summary.symbol}: {summary.bars} bars")
    print(store.bars("EURUSD", first_utc="2024-03-04T08:00").to_frame().head(3))


if __name__ == "__main__":
    main(Path(sys.argv[1] if len(sys.argv) > 1 else mkdtemp()))
