"""Makes the screenshots in docs/ from real runs: screenshots.py TRAINED PAPER.

    mlx-muzero profile TRAINED
    mlx-muzero paper start --model TRAINED --run PAPER
    python scripts/screenshots.py TRAINED PAPER

A paper session is shown at its last decided minute, as when it was live.
"""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

from mlx_muzero.journal import utc_now
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from muzero_tui.app import MuZeroApp

SIZE = (120, 36)
FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"


async def shoot(run: Path, screens: dict[str, str]) -> None:
    """Write the named screens of a run, by the keys that lead to them."""
    at = last_minute(run)
    app = MuZeroApp(run, read_only=True, clock=lambda: at)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        await app.workers.wait_for_complete()
        for name, keys in screens.items():
            await pilot.press(*keys.split())
            await pilot.pause(0.5)
            path = FOLDER / f"{name}.svg"
            path.write_text(app.export_screenshot(title=f"mlx-muzero tui {run.name}"))
            print(path)


def last_minute(run: Path) -> datetime:
    """When a paper session last decided; now for a training."""
    watched = WatchedRun(run)
    watched.poll()
    decided = watched.state.decided if isinstance(watched.state, PaperState) else None
    return decided or utc_now()


def main() -> None:
    """Shoot the screens of a training and those of a paper session."""
    parser = argparse.ArgumentParser(description="Screenshots for the documentation.")
    parser.add_argument("trained", type=Path)
    parser.add_argument("paper", type=Path)
    runs = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    asyncio.run(shoot(runs.trained, {"train": "2", "profile": "5"}))
    asyncio.run(shoot(runs.paper, {"live": "3", "tree": "4"}))


if __name__ == "__main__":
    main()
