#!/bin/sh
# ccxt 4.5.90 counts its rate limit by the wall clock. Set back by an hour while a request waits for
# its turn, that request, and all after it, wait an hour. Seen: "waiting after the clock was set back:
# True". Exits 1 if that has changed.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
"${PYTHON:-python3}" -m pip install --quiet --disable-pip-version-check --target "$folder" ccxt==4.5.90
PYTHONPATH="$folder" "${PYTHON:-python3}" - <<'PROGRAM'
import asyncio
import importlib
import sys
import time

import ccxt.async_support as ccxt

throttler = importlib.import_module("ccxt.async_support.base.throttler")
set_back_s = 0.0
throttler.time = lambda: time.time() - set_back_s  # as `date` would set it


async def main() -> bool:
    global set_back_s
    exchange = ccxt.okx({"rateLimit": 20})  # milliseconds
    await exchange.throttle(1)
    turn = asyncio.create_task(exchange.throttle(1))
    await asyncio.sleep(0.005)
    set_back_s = 3600.0
    await asyncio.wait([turn], timeout=2.0)
    waiting = not turn.done()
    turn.cancel()
    return waiting


waiting = asyncio.run(main())
print("ccxt", ccxt.__version__, "waiting after the clock was set back:", waiting)
sys.exit(0 if waiting else 1)
PROGRAM
