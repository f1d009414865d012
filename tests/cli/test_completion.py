"""What the shell completes, asked as it asks: by the variable of Typer's script."""

import pytest
from typer.main import get_command

from markets import walk_bars
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.toml import KEYS
from mlx_muzero.machine import cache_folder
from mlx_muzero.market.store.bar_store import BarStore
from mlx_muzero.market.store.known_symbols import recall, remember
from muzero_cli.main import app
from wrong_paths import leaves


@pytest.fixture
def complete(cli, monkeypatch):
    """What bash is told for a command line whose last word is being typed."""

    def words(*typed):
        monkeypatch.setenv("_MLX_MUZERO_COMPLETE", "complete_bash")
        monkeypatch.setenv("COMP_WORDS", " ".join(["mlx-muzero", *typed]))
        monkeypatch.setenv("COMP_CWORD", str(len(typed)))
        code, out, err = cli()
        assert (code, err) == (0, "")
        return out.split()

    return words


@pytest.fixture
def runs(tmp_path):
    for name, file in (("a", "config.toml"), ("p", "paper.toml"), ("w", "walk-forward.toml")):
        (tmp_path / "runs" / name).mkdir(parents=True)
        (tmp_path / "runs" / name / file).touch()
    (tmp_path / "runs" / "more").mkdir()
    (tmp_path / "runs" / ".hidden").mkdir()
    (tmp_path / "runs" / "a.log").touch()
    return tmp_path / "runs"


def store(path, *symbols):
    path.parent.mkdir(exist_ok=True)
    with BarStore(path) as opened:
        for number, symbol in enumerate(symbols):
            opened.write_synthetic(walk_bars(3, number, symbol), {})


def test_runs_and_the_folders_on_the_way_to_them(complete, runs):
    assert complete("evaluate", "") == ["runs/a", "runs/more/", "runs/p", "runs/w"]
    assert complete("status", "runs/p") == ["runs/p"]
    assert complete("paper", "report", "ru") == ["runs/"]
    assert complete("train", "--run", str(runs / "a")) == [str(runs / "a")]


def test_a_name_that_a_shell_would_evaluate_is_not_offered(complete, runs):
    for name in ("$(touch pwned)", "`touch pwned`", "*", "a b", "x;y", "'", "\x1b[2J", "new\nline"):
        (runs / name).mkdir()
    assert complete("evaluate", "") == ["runs/a", "runs/more/", "runs/p", "runs/w"]
    assert complete("evaluate", "runs/$") == []


def test_symbols_of_the_store_that_is_named(complete, tmp_path):
    store(tmp_path / "data" / "market.duckdb", "USDJPY", "EURJPY", "EURUSD")
    store(tmp_path / "data" / "coins.duckdb", "BTCUSDT")
    assert complete("data", "check", "EUR") == ["EURJPY", "EURUSD"]
    assert complete("train", "--symbol", "EURJPY,EUR") == ["EURJPY,EURUSD"]
    assert complete("data", "check", "--db", "data/coins.duckdb", "") == ["BTCUSDT"]


def test_symbols_are_completed_from_small_letters(complete, tmp_path):
    store(tmp_path / "data" / "market.duckdb", "USDJPY", "EURJPY", "EURUSD")
    assert complete("data", "check", "eur") == ["eurjpy", "eurusd"]
    assert complete("train", "--symbol", "EURJPY,eUr") == ["EURJPY,eUrUSD"]
    assert complete("data", "check", "eux") == []


def test_presets_keys_and_their_values(complete):
    assert complete("train", "--preset", "") == sorted(PRESETS)
    assert len(complete("train", "--set", "")) == sum(map(len, KEYS.values()))
    assert complete("train", "--set", "search.back") == ["search.backend="]
    assert "native" in " ".join(complete("config", "show", "--set", "search.backend="))
    assert "risk.max_total_exposure=" in complete("paper", "start", "--set", "risk.")


def test_no_store_is_locked_opened_or_written(complete, tmp_path):
    path = tmp_path / "data" / "market.duckdb"
    store(path, "USDJPY")
    before = path.stat().st_mtime_ns
    with BarStore(path):  # its writer
        assert complete("data", "check", "") == ["USDJPY"]
    assert path.stat().st_mtime_ns == before
    path.unlink()
    complete("data", "check", "--db", "nowhere/at/all.duckdb", "")
    assert not (tmp_path / "nowhere").exists()


def test_what_goes_wrong_shows_nothing(complete, runs):
    for typed in ("runs/a.log/", "nowhere/", "x" * 300):
        assert complete("status", typed) == []
    (runs.parent / "loop").symlink_to("loop")
    assert complete("status", "loop/") == []


def test_what_is_known_of_a_store_is_a_cache(tmp_path):
    path = tmp_path / "market.duckdb"
    assert recall(path) == []
    remember(path, ["B", "A"])
    assert recall(path) == ["A", "B"]
    (file,) = cache_folder().rglob("*.json")
    for damaged in ("[[[", '{"a": 1}', "[1, 2]"):
        file.write_text(damaged)
        assert recall(path) == []
    file.unlink()
    file.mkdir()
    remember(path, ["C"])
    assert recall(path) == []


NEW_ONES = {("data", "synth", "symbol"), ("paper", "restore", "run")}
"""What is not there before the verb."""


def test_every_run_symbol_preset_and_key_is_completed():
    named = {"run", "model", "symbol", "pairs", "pair", "preset", "set_"}
    bare = {
        (*words, parameter.name)
        for words, command in leaves(get_command(app))
        for parameter in command.params
        if parameter.name in named and parameter._custom_shell_complete is None
    }
    assert bare == NEW_ONES
