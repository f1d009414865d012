"""What a run is told to earn where it was chosen, at costs that it was not trained at."""

import itertools
import json
import shlex
from dataclasses import replace

import pytest

from markets import walk_bars
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.evaluation.agent_policies import SearchPolicy
from mlx_muzero.evaluation.backtest import backtest
from mlx_muzero.evaluation.validated import Validated
from mlx_muzero.experiment import validated_costs
from mlx_muzero.experiment.trained_run import TrainedRun, load_run
from mlx_muzero.experiment.validated_costs import (
    FILE,
    AtCosts,
    charged_alike,
    cost_options,
    validated_at_costs,
)
from mlx_muzero.market.bars import utc_text
from mlx_muzero.runlog import journal
from mlx_muzero.trading.costs import Costs, Swap
from mlx_muzero.trading.funding import Funding
from mlx_muzero.trading.rules import ExposureLimit, TradingRules

UNTRAINED = ("these costs, which are not those of its training",)


class Decisions:
    """Counts decisions."""

    def __init__(self):
        self.made = 0

    def __call__(self, count):
        self.made += count


def at(trained, cost) -> TrainedRun:
    return load_run(trained, "best", None, cost=cost)


def test_the_validation_split_is_played_once_for_a_cost(trained):
    """As by a backtest there, and again where what was kept is damaged."""
    run, ticks = at(trained, 0.5), Decisions()
    asked = validated_at_costs(run, 4, ticks)
    assert not asked.trained
    found = asked.found
    starts = run.dataset.evaluation_starts("validation")
    played = backtest(SearchPolicy(run.agent(), 4), run.dataset, run.rules, starts)
    assert (found.sessions, found.trades) == (len(starts), played.metrics.trades)
    assert found.net == pytest.approx(played.metrics.net_pips_per_session)
    made = ticks.made
    assert made == len(starts) * run.dataset.config.session_bars
    assert validated_at_costs(at(trained, 0.5), 4, ticks) == asked
    assert ticks.made == made
    other = validated_at_costs(at(trained, 9), 4, ticks).found
    assert ticks.made == 2 * made
    assert len(json.loads((trained / FILE).read_text())) == 2
    assert other.net <= found.net  # a model of market and account plays as before, and pays more
    for damaged in ("nonsense", "[]", '{"a": {"sessions": -1}}'):
        (trained / FILE).write_text(damaged)
        assert validated_at_costs(at(trained, 0.5), 4) == asked


def test_what_pairs_share_holds_as_it_did_when_the_run_was_chosen(trained, monkeypatch):
    asked = []
    monkeypatch.setattr(validated_costs, "backtest", lambda *given: asked.append(given[2]) or 1 / 0)
    run = load_run(trained, "best", None, cost=1, overrides=["trading.max_exposure=0.5"])
    trading = replace(run.config.trading, max_total_exposure=0.5)
    shared = replace(run, config=replace(run.config, trading=trading))
    together = replace(shared, dataset=replace(run.dataset, in_step=True))
    for each in (shared, together):
        with pytest.raises(ZeroDivisionError):
            validated_at_costs(each, 4)
    assert [rules.exposure_limit for rules in asked] == [None, ExposureLimit(0.5, 1)]
    for rules in asked:
        assert (rules.costs, rules.limits) == (Costs(1.0), run.trained_rules.limits)


@pytest.mark.parametrize("overrides", [[], ["trading.no_entries=bar 6"]])
def test_at_the_costs_of_its_training_the_validation_that_chose_it_is_told(trained, overrides):
    """Nothing is played; limits leave trades out and are no costs."""
    run, ticks = load_run(trained, "best", None, overrides=overrides), Decisions()
    found = validated_at_costs(run, 4, ticks)
    assert found.trained
    assert not ticks.made
    assert not (trained / FILE).exists()
    told = [e for e in journal.read(trained / "journal.jsonl") if e["event"] == "validated"]
    chose = [event for event in told if event["best"]][-1]["metrics"]
    assert found.found.net == chose["net_pips_per_session"]
    assert found.found.high == chose["net_pips_high"]


def test_without_a_validation_that_chose_it_nothing_is_told(trained):
    latest = load_run(trained, "latest", None)
    assert latest.checkpoint != load_run(trained, "best", None).checkpoint
    assert validated_at_costs(latest, 4) is None
    (trained / "journal.jsonl").write_text('{"event": "validated", "best": true, "metrics": 3}\n')
    assert validated_at_costs(load_run(trained, "best", None), 4) is None
    (trained / "journal.jsonl").unlink()
    assert validated_at_costs(load_run(trained, "best", None), 4) is None


@pytest.mark.parametrize(
    ("found", "trained_costs", "telling"),
    [
        (Validated(9, 1.0, 0.5, 2.0, 5), True, False),
        (Validated(9, 1.0, 0.5, 2.0, 5), False, True),
        (Validated(9, 1.0, -0.5, 2.0, 5), True, True),
        (Validated(9, 0.0, 0.0, 0.0, 0), True, False),
    ],
)
def test_what_is_told_is_what_nobody_asked_or_what_is_not_shown(found, trained_costs, telling):
    assert AtCosts(found, trained_costs).telling is telling


@pytest.mark.slow
def test_evaluate_tells_it_and_the_ledger_counts_a_validation(cli, trained):
    code, out, err = cli("evaluate", trained)
    assert code == 0, err
    assert not any(words in out for words in UNTRAINED)
    code, out, err = cli("evaluate", trained, "--cost", "0.5")
    assert code == 0, err
    assert all(words in " ".join(out.split()) for words in UNTRAINED)
    code, out, err = cli("evaluate", trained, "--cost", "0.5", "--json")
    found = json.loads(out)["validated_at_costs"]
    assert set(found) == {"sessions", "net", "low", "high", "trades", "trained"}
    ledger = trained.parent / "market.duckdb.looks.jsonl"
    looks = [json.loads(line) for line in ledger.read_text().splitlines()]
    assert [look["part"] for look in looks if "part" in look] == [
        "test",
        "validation",
        "test",
        "test",
    ]


@pytest.mark.slow
def test_a_paper_session_at_other_costs_says_what_is_known_and_how_to_know_more(cli, trained):
    opens = walk_bars(1500).open_time_ns
    span = [utc_text(int(opens[minute])).replace(" ", "T") for minute in (1400, 1405)]
    start = ("paper", "start", "--model", trained, "--pairs", "TEST", "--from", span[0])
    costs = ("--set", "fills.half_spread_pips=0.2", "--set", "fills.swap_long_pips=0.3")
    code, _, err = cli(*start, "--to", span[1], "--run", "usual")
    assert code == 0, err
    assert not any(words in err for words in UNTRAINED)
    code, _, err = cli(*start, "--to", span[1], *costs, "--run", "first")
    assert code == 0, err
    (line,) = (line for line in err.splitlines() if "never validated at these costs" in line)
    command = shlex.split(line.partition("mlx-muzero ")[2].partition(" tells ")[0])
    assert command[-2:] == ["--split", "validation"]
    code, _, err = cli(*command)
    assert code == 0, err
    code, _, err = cli(*start, "--to", span[1], *costs, "--run", "second")
    assert code == 0, err
    (line,) = (line for line in err.splitlines() if UNTRAINED[0] in line)
    assert "on the validation split it " in line


@pytest.mark.parametrize(
    "charged",
    [
        {"costs": Costs(0.1 + 0.2)},
        {"costs": Costs(0.0, 1.5)},
        {"swap": Swap(0.4, -0.2)},
        {"funding": Funding.of("fixed", "00:00 12:00 UTC", 1.25)},
        {"funding": Funding.of("settled", "every 8 h", 0.0)},
    ],
)
def test_the_command_charges_what_the_session_does(trained, charged):
    rules = replace(TradingRules.from_config(FX_MICRO), **charged)
    words = cost_options(rules)
    cost = float(words[words.index("--cost") + 1])
    pairs = itertools.pairwise(words)
    sets = [word for option, word in pairs if option == "--set"]
    assert charged_alike(load_run(trained, "best", None, cost=cost, overrides=sets).rules, rules)
