"""Writes two months of invented klines and funding rates, in the form of Binance's public files.

    python make_klines.py [COIN ...]

Without names, of BTCUSDT and ETHUSDT. Each coin has a hidden trend that turns every two hours on
average.
"""

import csv
import random
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
DAYS = 60
COINS = {
    "BTCUSDT": 42_000.0, "ETHUSDT": 2_300.0, "BNBUSDT": 310.0, "SOLUSDT": 101.0, "XRPUSDT": 0.57,
    "LTCUSDT": 72.0, "LINKUSDT": 15.2, "AVAXUSDT": 37.0, "BCHUSDT": 262.0, "ETCUSDT": 22.4,
    "SUIUSDT": 1.24,
}  # fmt: skip
TREND, NOISE, TURNS = 0.00015, 0.0004, 1 / 120

Path("files").mkdir(exist_ok=True)
for seed, (coin, price) in enumerate(COINS.items()):
    if coin not in (sys.argv[1:] or ["BTCUSDT", "ETHUSDT"]):
        continue
    digits = max(6 - len(str(int(price))), 2)
    draw = random.Random(seed)
    side = 1
    with Path(f"files/{coin}-1m-2024-01.csv").open("w") as file:
        klines = csv.writer(file)
        for minute in range(DAYS * 1440):
            side = -side if draw.random() < TURNS else side
            opened, price = price, price * (1 + side * TREND + draw.gauss(0, NOISE))
            reach = abs(draw.gauss(0, NOISE / 2))
            volume = draw.lognormvariate(2, 1)
            bought = volume * min(max(draw.gauss(0.5 + 0.05 * side, 0.1), 0), 1)
            begins = int((BEGIN + timedelta(minutes=minute)).timestamp() * 1000)
            high, low = max(opened, price) * (1 + reach), min(opened, price) * (1 - reach)
            prices = [f"{value:.{digits}f}" for value in (opened, high, low, price)]
            turnover = f"{volume * price:.2f}"
            ends, trades, ignored = begins + 59_999, 100, 0
            taken = (f"{bought:.3f}", f"{bought * price:.2f}", ignored)
            klines.writerow([begins, *prices, f"{volume:.3f}", ends, turnover, trades, *taken])
    with Path(f"files/{coin}-fundingRate-2024-01.csv").open("w") as file:
        funding = csv.writer(file)
        funding.writerow(["calc_time", "funding_interval_hours", "last_funding_rate"])
        for settlement in range(DAYS * 3 + 1):
            at = BEGIN + timedelta(hours=8 * settlement)
            funding.writerow([int(at.timestamp() * 1000), 8, f"{draw.gauss(1e-4, 5e-5):.8f}"])
print(*sorted(str(path) for path in Path("files").iterdir()), sep="\n")
