"""The ledger of looks: what is counted, what is kept, and what is told when it cannot be."""

from datetime import UTC, datetime

import pytest

from mlx_muzero.runlog.look_ledger import LookedBars, LookLedger, Looks

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def bars(first=0, end=10, symbols=("USDJPY",)):
    return LookedBars(symbols, first, end, f"{first}-{end}")


@pytest.fixture
def ledger(tmp_path):
    return LookLedger(tmp_path / "market.duckdb", lambda: NOW)


def test_evaluations_of_overlapping_bars_count_whatever_the_run(ledger):
    assert ledger.add("evaluated", bars(), "a", "one") == Looks(1, 1, 0)
    assert ledger.add("evaluated", bars(9, 20), "a", "two") == Looks(2, 1, 0)
    assert ledger.add("evaluated", bars(5, 10), "b", "three") == Looks(3, 2, 0)


def test_other_bars_do_not_count(ledger):
    ledger.add("evaluated", bars(0, 10), "a", "one")
    assert ledger.add("evaluated", bars(10, 20), "a", "one").evaluations == 1
    assert ledger.add("evaluated", bars(symbols=("EURUSD",)), "a", "one").evaluations == 1
    assert ledger.add("evaluated", bars(symbols=("EURUSD", "USDJPY")), "a", "x").evaluations == 3


def test_a_configuration_trained_twice_counts_once(ledger):
    ledger.add("trained", bars(), "a", "one")
    ledger.add("trained", bars(50, 60), "a", "two")
    assert ledger.add("trained", bars(), "b", "three").trained == 2
    assert ledger.add("evaluated", bars(), "b", "three") == Looks(1, 1, 2)


def test_it_is_appended_to_and_survives_damage(ledger):
    ledger.add("evaluated", bars(), "a", "one")
    kept = ledger.path.read_bytes()
    with ledger.path.open("ab") as file:
        file.write(b'{"event": "evaluated", "symbols": 7}\n[[[[\n{"event": "evaluated"')
    assert ledger.add("evaluated", bars(), "a", "one").evaluations == 2
    assert ledger.path.read_bytes().startswith(kept)


def test_a_ledger_that_cannot_be_written_is_told_of(tmp_path):
    ledger = LookLedger(tmp_path / "market.duckdb")
    ledger.path.mkdir()
    looks = ledger.add("evaluated", bars(), "a", "one")
    assert (looks.evaluations, looks.configurations) == (1, 1)
    assert f"Not recorded: {ledger.path}" in looks.words


def test_the_words():
    assert Looks(1, 1, 0).words == (
        "Looks at these bars: 1 evaluation of 1 configuration, this one included; "
        "0 configurations trained on the market."
    )
