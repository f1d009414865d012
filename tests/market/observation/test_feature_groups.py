"""Every column of every market is in one group, with those that tell the same."""

import dataclasses

import pytest

from mlx_muzero.config.presets import PRESETS
from mlx_muzero.market.observation.feature_groups import feature_groups
from mlx_muzero.market.observation.frames import market_feature_names

MACRO = dataclasses.replace(PRESETS["crypto"].market, macro=("gdp", "cpi"))


@pytest.mark.parametrize(
    "market", [*(preset.market for preset in PRESETS.values()), MACRO], ids=[*PRESETS, "macro"]
)
def test_each_column_is_in_one_group(market):
    columns = [column for group in feature_groups(market).values() for column in group]
    assert sorted(columns) == list(range(len(market_feature_names(market))))


def test_groups_have_the_names_of_what_they_tell():
    assert list(feature_groups(PRESETS["fx_small"].market)) == [
        "ranges",
        "momentum",
        "changes",
        "clock and calendar",
    ]
    assert set(feature_groups(PRESETS["fx_intraday"].market)) == {
        *("ranges", "momentum", "changes", "clock and calendar", "volatility", "reopened"),
        *("events", "spread"),
    }
    assert set(feature_groups(PRESETS["crypto"].market)) == {
        *("bars of 1m", "bars of 5m", "bars of 1h", "book_imbalance", "taker_imbalance"),
        *("funding_rate", "open_interest_change", "clock and calendar", "pair"),
    }
    names = market_feature_names(MACRO)
    own = feature_groups(MACRO)
    assert {tuple(names[column] for column in own[group]) for group in own if "gdp" in group} == {
        ("macro_gdp", "macro_gdp_known")
    }
