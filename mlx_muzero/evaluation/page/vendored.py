"""The one library inside a page, as its authors published it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Library:
    """A library that comes with this package.

    Attributes:
        name: on the npm registry.
        version: of it.
        file: in the folder of assets.
        sha256: of that file, as published.
        license: its SPDX identifier.
        attribution: that its NOTICE asks to be shown, line by line.
        link: where its authors want readers to find them.
    """

    name: str
    version: str
    file: str
    sha256: str
    license: str
    attribution: tuple[str, ...]
    link: str


LIGHTWEIGHT_CHARTS = Library(
    name="lightweight-charts",
    version="5.2.1",
    file="lightweight-charts.standalone.production.js",
    sha256="e21cc5caa0226ef30bd8549c50b9ef926615f2a4ee6b4e486353477a55f598cf",
    license="Apache-2.0",
    attribution=(
        "TradingView Lightweight Charts\u2122",
        "Copyright (c) 2026 TradingView, Inc.",
    ),
    link="https://www.tradingview.com/",
)
"""Candles, fills and equity. Its licence and NOTICE lie beside it."""
