"""Downloads of a `moody_venue.MoodyVenue` into a store, as tests run them."""

from mlx_muzero.download.asking import DownloadPatience
from mlx_muzero.download.job import Listener, Wish, download
from mlx_muzero.download.report import DownloadReport
from mlx_muzero.market.importers.choices import Choices
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.timeunits import MINUTE_NS
from mlx_muzero.venues.ccxt_source import CcxtSource
from virtual_time import MONDAY_NS

BTC = "BTCUSDT"
NOW = MONDAY_NS // MINUTE_NS + 4000
"""The minute that is not over."""
FIRST = NOW - 3000
IMPATIENT = DownloadPatience(min_backoff_ns=10**7, max_backoff_ns=5 * 10**7, outage_ns=10**9)


def run(settings, db, first=FIRST, end=None, names=("BTC/USDT",), say=lambda _: None, **choices):
    """What `job.download` returns for minutes `first` to `end` of the pairs `names`."""
    end_ns = None if end is None else end * MINUTE_NS
    wishes = [Wish(name, first * MINUTE_NS, end_ns) for name in names]
    source = CcxtSource("binance", settings)
    with BarStore(db) as store:
        return download(
            store, "binance", source, wishes, Choices(**choices), Listener(say=say), IMPATIENT
        )


def reports(results):
    """The results, none of which is a failure."""
    for result in results:
        assert isinstance(result, DownloadReport), result.error
    return results


def stored(db, symbol=BTC):
    """(minute, open, high, low, close, volume) of all stored bars."""
    with BarStore(db, read_only=True) as store:
        bars = store.load(symbol)
    minutes = bars.open_time_ns // MINUTE_NS
    columns = (bars.open, bars.high, bars.low, bars.close, bars.volume)
    return list(zip(minutes.tolist(), *(c.tolist() for c in columns), strict=True))
