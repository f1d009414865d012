"""Shell completion of runs, symbols, presets and keys of ``--set``.

Completion is fast and leaves no trace: it opens no store, writes nothing, and prints no error in
the middle of a command line. A shell inserts an answer verbatim and evaluates it when the line is
run, so a name that needs quoting is not offered.
"""

from collections.abc import Callable, Iterable
from functools import wraps
from pathlib import Path
from shlex import quote

import typer

from mlx_muzero.runlog.folder_kinds import contents_of

RUNS = Path("runs")
MOST_FOLDERS = 1000

Completer = Callable[[typer.Context, str], list[str]]


def _silent(complete: Callable[[typer.Context, str], Iterable[str]]) -> Completer:
    @wraps(complete)
    def quietly(ctx: typer.Context, incomplete: str) -> list[str]:
        try:
            return sorted({word for word in complete(ctx, incomplete) if quote(word) == word})
        except Exception:
            return []

    return quietly


@_silent
def runs(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Run folders, and folders that lead to them; those in runs/ before anything is typed."""
    del ctx
    typed = Path(incomplete or RUNS)
    parent = typed if incomplete.endswith("/") or not incomplete else typed.parent
    for number, folder in enumerate(parent.iterdir()):
        if number == MOST_FOLDERS:
            return
        if not folder.name.startswith(".") and folder.is_dir():
            text = f"{folder}/" if contents_of(folder) is None else str(folder)
            if text.startswith(incomplete.removeprefix("./")):
                yield text


@_silent
def symbols(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Symbols of the store, for the part after the last comma."""
    from mlx_muzero.market.store.known_symbols import recall
    from mlx_muzero.market.store.location import DEFAULT_DATABASE

    before, comma, last = incomplete.rpartition(",")
    known = recall(Path(ctx.params.get("db") or DEFAULT_DATABASE))
    for name in known:
        if name not in before.split(","):
            yield from (before + comma + word for word in _in_its_case(name, last))


@_silent
def pairs_of_session(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Pairs of the paper session given by the preceding argument."""
    from mlx_muzero.paper import settings

    pairs = settings.load(Path(ctx.params["run"]) / "paper.toml").pairs
    return (word for name in pairs for word in _in_its_case(name, incomplete))


def _in_its_case(name: str, typed: str) -> Iterable[str]:
    """The symbol `name` if it starts with what is typed, which is kept in its case.

    A shell offers only words that start with the typed text; commands accept symbols in any case.
    """
    rest = name[len(typed) :]
    if name[: len(typed)].upper() == typed.upper():
        yield typed + (rest.lower() if typed.islower() else rest)


@_silent
def presets(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Names of presets."""
    from mlx_muzero.config.presets import PRESETS

    del ctx
    return (name for name in PRESETS if name.startswith(incomplete))


@_silent
def keys(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Keys of a run's configuration, and the values of those with a few choices."""
    from mlx_muzero.config.toml import KEYS

    del ctx
    return _assignments(
        {key.path: key.choices for keys in KEYS.values() for key in keys.values()}, incomplete
    )


@_silent
def paper_keys(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Keys of a paper session's settings."""
    from mlx_muzero.paper.settings import SECTIONS

    del ctx
    return _assignments(
        {f"{section}.{name}": () for section, names in SECTIONS.items() for name in names},
        incomplete,
    )


@_silent
def alert_keys(ctx: typer.Context, incomplete: str) -> Iterable[str]:
    """Keys of alerts, and the values of those with a few choices."""
    from mlx_muzero.alerts.settings_of import ALERT_SECTIONS

    del ctx
    keys = ALERT_SECTIONS["alerts"].values()
    return _assignments({key.path: key.choices for key in keys}, incomplete)


def _assignments(known: dict[str, tuple[str, ...]], incomplete: str) -> Iterable[str]:
    key, assigned, value = incomplete.partition("=")
    if assigned:
        return (f"{key}={choice}" for choice in known.get(key, ()) if choice.startswith(value))
    return (f"{path}=" for path in known if path.startswith(key))
