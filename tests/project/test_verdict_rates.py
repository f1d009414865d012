"""The script that measures how often the verdict is right."""

import json
import sys

import pytest

import verdict_rates
from mlx_muzero.evaluation.baselines import Trend


def test_the_rules_of_the_measured_rates_are_the_baselines():
    """What `scripts/verdict_rates.py` plays at once is what they play bar by bar."""
    changes = verdict_rates.edge_changes(3, 6)
    market = verdict_rates.Market(changes, 4.0)
    assert market.moved.shape == (6, verdict_rates.STEPS)
    close = changes.cumsum()
    lookback, side = 15, -1
    rule, net, held = Trend("", lookback, side), 0.0, 0.0
    for step in range(verdict_rates.STEPS):
        bar = verdict_rates.WARM_UP - 1 + step
        wanted = rule.direction * (1 if close[bar] > close[bar - lookback] else -1)
        net += wanted * (close[bar + 1] - close[bar]) - 2.0 * abs(wanted - held)
        held = wanted
    assert market.net[lookback, side][0] == pytest.approx(net - 2.0 * abs(held))


@pytest.mark.slow
def test_the_rates_are_measured(monkeypatch, capsys):
    sizes = ["--walks", "40", "--markets", "8", "--sessions", "40", "142"]
    monkeypatch.setattr(sys, "argv", ["verdict_rates.py", *sizes, "--json"])
    verdict_rates.main()
    found = json.loads(capsys.readouterr().out)
    counted, ignored, _, looked = found["without_skill"]
    assert counted["skill"] <= 0.05
    assert looked["skill"] > ignored["skill"] >= counted["skill"]
    assert found["with_skill"][1]["skill"] >= 0.8
