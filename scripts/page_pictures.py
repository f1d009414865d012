"""Renew the pictures of pages in the documentation, from pages that --html wrote.

    .venv/bin/python scripts/page_pictures.py EVALUATION.html#trade-5-entry PAPER.html#trade-9-exit

The address of a page names the fill whose decision is open. Needs Chromium, and Pillow, which comes
with the extra "chart". Look at the pictures, and commit none of real market data.
"""

import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from PIL import Image

WIDTH = 1200
ASSETS = Path(__file__).parents[1] / "docs" / "assets"
PICTURES = {"page-evaluation": ("light", 2900), "page-paper": ("dark", 2870)}
"""Theme of each picture, and pixels from the top of its page to the end of the decision."""


def main() -> None:
    if len(sys.argv) != 1 + len(PICTURES):
        sys.exit(__doc__)
    browser = shutil.which("chromium") or shutil.which("google-chrome")
    if browser is None:
        sys.exit("neither chromium nor google-chrome is installed: install one of them")
    for address, (name, (theme, height)) in zip(sys.argv[1:], PICTURES.items(), strict=True):
        picture = ASSETS / f"{name}.webp"
        _taken(browser, address, theme, height).save(picture, quality=82, method=6)
        print(f"{picture}: {picture.stat().st_size / 1e3:.0f} kB")


def _taken(browser: str, address: str, theme: str, height: int) -> Image.Image:
    page, _, fill = address.partition("#")
    scheme = 0 if theme == "dark" else 1
    with tempfile.TemporaryDirectory() as folder:
        shot = Path(folder) / "shot.png"
        options = (
            *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars"),
            *(f"--window-size={WIDTH},{height}", "--virtual-time-budget=8000"),
            *(f"--blink-settings=preferredColorScheme={scheme}", f"--screenshot={shot}"),
        )
        target = f"{Path(page).resolve().as_uri()}#{fill}"
        subprocess.run([browser, *options, target], check=True, capture_output=True)
        with Image.open(shot) as taken:
            return taken.convert("RGB")


if __name__ == "__main__":
    main()
