"""Runs one command of the command line against loopback venues: VENUES COMMAND...

VENUES is JSON: with "ccxt", settings for ccxt's constructor, which every exchange of the process is
made with; with "oanda", the address of OANDA's server.
"""

import json
import sys

from mlx_muzero.venues.ccxt_source import CcxtSource
from mlx_muzero.venues.oanda import OandaSource
from muzero_cli.main import run


def main():
    venues = json.loads(sys.argv.pop(1))
    exchange, oanda = CcxtSource.__init__, OandaSource.__init__
    CcxtSource.__init__ = lambda self, name: exchange(self, name, venues["ccxt"])
    OandaSource.__init__ = lambda self, **options: oanda(self, venues["oanda"], **options)
    run()


if __name__ == "__main__":
    main()
