"""Measures `paper report` of a long session of many pairs: processor seconds, and memory.

    python scripts/bench_report.py [--days N] [--pairs N] [--html]
    python scripts/bench_report.py --against OTHER_CHECKOUT    # by turns with that build

The session is made up and kept as `mlx-muzero paper start` keeps one: a commit a minute, with every
bar, decision and event, and swap and funding on what is held. Its agent enters and leaves by dice.
Every report is one process, whose memory is thus its own; it ends with what it found, and figures
of two builds are compared.
"""

import argparse
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path

from bench.paper_month import trade_month
from bench.report import Report
from bench.worker import working


@dataclass(frozen=True)
class Reported:
    """What a report took in a process of its own.

    Attributes:
        build: which made it.
        processor_s: processor time.
        seconds: wall-clock time.
        peak_mib: most memory the process held.
        html_mb: size of the page; 0 without one.
        trades: the agent's, and those of the random policy.
        figures: digest of all that it says.
    """

    build: str
    processor_s: float
    seconds: float
    peak_mib: float
    html_mb: float
    trades: str
    figures: str


def main() -> None:
    parser = argparse.ArgumentParser(description="Time and memory of reports on paper sessions.")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--pairs", type=int, default=16)
    parser.add_argument("--rounds", type=int, default=1)
    parser.add_argument("--html", action="store_true", help="make the page too")
    parser.add_argument("--against", type=Path, help="another checkout, with its own .venv")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    report = Report(options.json, days=options.days, pairs=options.pairs)
    builds = {"this": Path(sys.executable)}
    if options.against is not None:
        builds[options.against.name] = options.against.resolve() / ".venv" / "bin" / "python"
    with tempfile.TemporaryDirectory() as folder:
        bars = trade_month(Path(folder) / "paper", options.pairs, options.days)
        report.note(f"\n{bars:,} bars in the session")
        arguments = ["-m", "bench.reporting", str(Path(folder) / "paper"), *["html"] * options.html]

        def reported(build: str) -> Reported:
            with working(builds[build], arguments) as worker:
                return Reported(build, **worker.answer())

        turns = (reported(build) for _ in range(options.rounds) for build in builds)
        report.table("reports", "A report, each in a process of its own:", turns)
    report.end()


if __name__ == "__main__":
    main()
