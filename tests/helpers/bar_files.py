"""Files of bars in several vendors' formats."""

import duckdb
import numpy as np

from market_files import MONDAY_NS, walk
from mlx_muzero.timeunits import MINUTE_NS


def binance_rows(n=30, unit=10**6):
    values = zip(*walk(n), strict=True)
    return [
        ",".join(
            [
                str((MONDAY_NS + i * MINUTE_NS) // unit),
                *(f"{x:.3f}" for x in prices),
                *(f"{i}.5", "0", "100.25", "7", "2.5", "50.125", "0"),
            ]
        )
        for i, prices in enumerate(values)
    ]


BINANCE_HEAD = (
    "open_time,open,high,low,close,volume,close_time,quote_volume,count,"
    "taker_buy_volume,taker_buy_quote_volume,ignore"
)


def ns(text):
    return int(np.datetime64(text, "ns").astype(np.int64))


def parquet(path, symbols=("BTCUSDT", "ETHUSDT"), n=50, stamp="timestamptz"):
    parts = [
        f"""select '{s}' as symbol, make_timestamp({MONDAY_NS // 1000} + i * 60000000)::{stamp}
            as "timestamp", 10.0 + i as open, 11.0 + i as high, 9.0 + i as low, 10.5 + i as close,
            1.0 as volume from range({n}) t(i)"""
        for s in symbols
    ]
    with duckdb.cursor() as db:
        db.execute("set timezone = 'UTC'")
        db.execute(f"copy ({' union all '.join(parts)}) to '{path}' (format parquet)")
    return path
