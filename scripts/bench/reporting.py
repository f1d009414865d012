"""Reports on the paper session in a folder, and says what that took.

    cd scripts && PYTHON -m bench.reporting FOLDER [html]

PYTHON may be another checkout's. The answer is a line of JSON on standard output.
"""

import hashlib
import json
import resource
import sys
import time
from pathlib import Path

import mlx_muzero  # noqa: F401  before MLX, whose BLAS it replaces

# isort: split
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.evaluation.page.file import page_text
from mlx_muzero.paper.records.folder import PaperFolder
from mlx_muzero.paper.records.store import PaperStore
from mlx_muzero.paper.report.page import ShownSession, session_page
from mlx_muzero.paper.report.session_report import PlayedSession, report_session

_MEMORY_UNIT = 1 if sys.platform == "darwin" else 1024


def main() -> None:
    folder, wants_page = PaperFolder(Path(sys.argv[1])), "html" in sys.argv[2:]
    begun_s, size = time.perf_counter(), 0
    parts: list[PlayedSession] = []
    with PaperStore(folder.store_path, read_only=True) as store:
        settings = folder.settings()
        report = report_session(folder, store, settings, FX_MICRO, played=parts.append)
        if wants_page:
            shown = ShownSession(folder, store, settings, FX_MICRO, [], report, *parts)
            size = len(page_text(session_page(shown, "mlx-muzero paper report")).encode())
    used = resource.getrusage(resource.RUSAGE_SELF)
    figures = json.dumps(report.as_dict(), sort_keys=True).encode()
    trades = [len(played.trades) for played in (parts[0].agent, parts[0].baselines["random"])]
    answer = {
        "processor_s": used.ru_utime + used.ru_stime,
        "seconds": time.perf_counter() - begun_s,
        "peak_mib": used.ru_maxrss * _MEMORY_UNIT / 2**20,
        "html_mb": size / 1e6,
        "trades": " / ".join(f"{count:,}" for count in trades),
        "figures": hashlib.sha256(figures).hexdigest()[:12],
    }
    print(json.dumps(answer))


if __name__ == "__main__":
    main()
