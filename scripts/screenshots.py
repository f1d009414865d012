"""Makes the screenshots in docs/ from real runs: screenshots.py TRAINED PAPER.

    python docs/tutorials/make_klines.py COIN ...      its eleven coins
    mlx-muzero data import files
    mlx-muzero train --run TRAINED --symbol COIN,...
    mlx-muzero profile TRAINED
    mlx-muzero paper start --model TRAINED --pairs COIN,... --from 2024-02-29T18:00 --run PAPER
    python scripts/screenshots.py TRAINED PAPER

A paper session is shown at its last decided minute, as when it was live.
"""

import argparse
import asyncio
from datetime import datetime
from pathlib import Path

from mlx_muzero.runlog.journal import utc_now
from mlx_muzero.watch.paper_state import PaperState
from mlx_muzero.watch.run import WatchedRun
from muzero_tui.app import MuZeroApp

SIZE = (120, 36)
KEYS = {"train": "2", "profile": "5", "live": "3", "tree": "4"}
FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"


async def shoot(run: Path, screens: dict[str, str]) -> None:
    """Write the named screens of a run, each by its key."""
    at = last_minute(run)
    app = MuZeroApp(run, read_only=True, clock=lambda: at)
    async with app.run_test(size=SIZE) as pilot:
        await pilot.pause(0.5)
        await app.workers.wait_for_complete()
        for name, key in screens.items():
            await pilot.press(key)
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
    parser.add_argument("--screens", nargs="+", choices=KEYS, default=list(KEYS))
    options = parser.parse_args()
    FOLDER.mkdir(parents=True, exist_ok=True)
    for run, names in ((options.trained, ("train", "profile")), (options.paper, ("live", "tree"))):
        wanted = [name for name in names if name in options.screens]
        asyncio.run(shoot(run, {name: KEYS[name] for name in wanted}))


if __name__ == "__main__":
    main()
