"""What a paper session says on the console, minute by minute."""

from types import SimpleNamespace

import pytest

from mlx_muzero.paper.records.transaction import Row
from mlx_muzero.paper.settings import FillSettings
from muzero_cli.display.console import narration_console
from muzero_cli.verbs.paper_session import _Status

PIP_SIZES = {"BTCUSDT": 0.0, "ETHUSDT": 0.0, "SOLUSDT": 0.0, "USDJPY": 0.01}
PRICES = {"BTCUSDT": 109_426.1, "ETHUSDT": 2562.97, "SOLUSDT": None, "USDJPY": 110.0}


def minute(prices) -> Row:
    pairs = {pair: {"close": close, "state": "trading"} for pair, close in prices.items()}
    money = {"equity": 1.0, "day_pnl": 0.0, "exposure_total": 0.0}
    mode = {"mode": "trading", "mode_reason": "", "latency_ms": {"total": 1.0}}
    return {"close_ns": 0, "pairs": pairs, **money, **mode}


@pytest.fixture
def status(monkeypatch):
    monkeypatch.setenv("COLUMNS", "200")
    rules = {pair: SimpleNamespace(pip_size=size) for pair, size in PIP_SIZES.items()}
    accounts = {pair: SimpleNamespace(core=SimpleNamespace(rules=of)) for pair, of in rules.items()}
    traders = {pair: SimpleNamespace(account=account) for pair, account in accounts.items()}
    fills = FillSettings(half_spread_pips=6.0)
    return _Status(narration_console(), SimpleNamespace(traders=traders), fills)


def test_pairs_that_cost_the_same_are_told_of_together_and_once(status, capsys):
    status.minute(minute(PRICES))
    costs = [line for line in capsys.readouterr().err.splitlines() if "round trip" in line]
    assert costs[0] == "BTCUSDT, ETHUSDT: a round trip costs 12 bps"
    assert costs[1].startswith("USDJPY: a round trip costs 12 pips of 0.01")
    assert len(costs) == 2

    for _ in range(2):  # a pair is told of when it has a price, the others no more
        status.minute(minute(PRICES | {"SOLUSDT": 176.2}))
    costs = [line for line in capsys.readouterr().err.splitlines() if "round trip" in line]
    assert costs == ["SOLUSDT: a round trip costs 12 bps"]
