"""Verdicts are kept and read back, and anything else is refused."""

import json
from dataclasses import replace

import pytest

from mlx_muzero.errors import RunError
from mlx_muzero.evaluation.luck.paired_days import PairedDays
from mlx_muzero.paper.retraining.played_model import PlayedModel
from mlx_muzero.paper.retraining.settings import RetrainSettings
from mlx_muzero.paper.retraining.verdict import Verdict

FOUND = Verdict(
    PlayedModel(3, "000002-episode-000008", "ab" * 32),
    "cd" * 32,
    "2026-03-02 00:00",
    "2026-03-22 00:00",
    PairedDays(20, 12, 8, 1.5, 0.25, 2.5, 1.3),
    4.0,
    2.5,
    "pips",
    "Look 4 at these bars",
)


def test_what_is_kept_is_read_back(tmp_path):
    FOUND.keep(tmp_path / "verdict.json")
    assert Verdict.kept(tmp_path / "verdict.json") == FOUND


@pytest.mark.parametrize(
    ("name", "value"),
    [("checkpoint", "../../elsewhere"), ("number", -1), ("low", "much"), ("days", None)],
)
def test_something_else_is_refused(tmp_path, name, value):
    path = tmp_path / "verdict.json"
    path.write_text(json.dumps(FOUND.facts | {name: value}))
    with pytest.raises(RunError, match="verdict"):
        Verdict.kept(path)


@pytest.mark.parametrize(
    ("margin", "days", "better"), [(0.0, 20, True), (0.25, 20, False), (0.0, 21, False)]
)
def test_the_lower_end_must_be_above_the_margin_on_enough_days(margin, days, better):
    settings = RetrainSettings(margin=margin, judged_days=days)
    assert FOUND.better(settings) is better
    assert ("does not take over" in FOUND.words(settings)) is not better


def test_amounts_are_told_without_exponents():
    found = replace(FOUND, days=PairedDays(3, 0, 3, -6332.1, -8371.0, -0.0625, 1.0), unit="bps")
    assert found.words(RetrainSettings()).startswith(
        "candidate 3 earned -6,332 bps a day beyond the playing model (95 % interval -8,371 to "
        "-0.0625) on 3 days"
    )
