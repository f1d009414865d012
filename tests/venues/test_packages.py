"""The packages feeds need are loaded when a feed is made, and missed with a sentence."""

import subprocess
import sys

import pytest


def printed(code):
    """What a new interpreter prints."""
    command = [sys.executable, "-c", code]
    return subprocess.run(command, capture_output=True, text=True, check=True).stdout


@pytest.mark.parametrize(
    ("package", "module", "source"),
    [("ccxt", "ccxt_source", "CcxtSource('binance')"), ("httpx", "oanda", "OandaSource()")],
)
def test_without_its_package_one_sentence_says_what_to_install(package, module, source):
    code = (
        f"import sys; sys.modules['{package}'] = sys.modules['{package}.pro'] = None\n"
        "from mlx_muzero.errors import FeedError\n"
        f"from mlx_muzero.venues.{module} import *\n"
        f"try: {source}\n"
        "except FeedError as error: print(error)"
    )
    assert printed(code) == f"{package} is not installed: pip install 'mlx_muzero[paper]'\n"


def test_importing_venues_loads_neither_ccxt_nor_httpx():
    code = (
        "import sys, mlx_muzero.venues.ccxt_source, mlx_muzero.venues.oanda\n"
        "print([m for m in ('ccxt', 'httpx', 'aiohttp', 'mlx.core') if m in sys.modules])"
    )
    assert printed(code) == "[]\n"
