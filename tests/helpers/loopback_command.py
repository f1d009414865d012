"""Runs one command of the command line against a loopback exchange: SETTINGS COMMAND...

SETTINGS is JSON for ccxt's constructor, which every exchange of the process is made with.
"""

import json
import sys

from mlx_muzero.venues.ccxt_source import CcxtSource
from muzero_cli.main import run


def main():
    settings = json.loads(sys.argv.pop(1))
    made = CcxtSource.__init__
    CcxtSource.__init__ = lambda self, exchange, _settings=None: made(self, exchange, settings)
    run()


if __name__ == "__main__":
    main()
