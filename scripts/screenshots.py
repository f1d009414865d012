"""Makes the screenshots in docs/ from real runs: screenshots.py TRAINED [PAPER]."""

import asyncio
import sys
from pathlib import Path

from muzero_tui.app import MuZeroApp

SIZE = (120, 36)
FOLDER = Path(__file__).parent.parent / "docs" / "screenshots"


async def shoot(run: Path, screens: dict[str, str]) -> None:
    """Write the named screens of a run, by the keys that lead to them."""
    app = MuZeroApp(run, read_only=True)
    async with app.run_test(size=SIZE) as pilot:
        await app.workers.wait_for_complete()
        for name, keys in screens.items():
            await pilot.press(*keys.split())
            await pilot.pause(0.5)
            path = FOLDER / f"{name}.svg"
            path.write_text(app.export_screenshot(title=f"mlx-muzero tui {run.name}"))
            print(path)


def main() -> None:
    """Shoot the training screens of one run and the paper screens of another."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    trained, *paper = map(Path, sys.argv[1:])
    asyncio.run(shoot(trained, {"train": "2", "tree": "4", "profile": "5"}))
    for run in paper:
        asyncio.run(shoot(run, {"live": "3"}))


if __name__ == "__main__":
    main()
