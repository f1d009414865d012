"""The user's own keys: a TOML file of binding id = "key,other key"."""

import os
from collections.abc import Callable, Collection, Iterator, Mapping
from pathlib import Path
from typing import Any


def keymap_path() -> Path:
    """The file that holds the user's keys."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "mlx_muzero" / "keys.toml"


def load_keymap(path: Path, ids: Callable[[], Collection[str]]) -> dict[str, str]:
    """Keys by binding id, each one of `ids`; empty if there is no file.

    Raises:
        ConfigError: the file cannot be read, or all its problems, each with its line.
    """
    if not path.exists():
        return {}
    # Few users have the file, and loading the engine would delay the first screen of all others.
    from mlx_muzero.config.keys import Problem, did_you_mean
    from mlx_muzero.config.strict_toml import parsed, require_none, text_of

    text = text_of(path, "keymap", follow=True)  # it is often a link into a folder of dotfiles
    known, keys, problems = ids(), {}, []
    for name, key in _by_path(parsed(text, str(path))):
        if name not in known:
            hint = did_you_mean(name, known) or "; press ? for the ids of the keys of a panel"
            problems.append(Problem(name, f"no such id{hint}"))
        elif not isinstance(key, str):
            problems.append(Problem(name, f'expected keys such as "j" or "j,down", got {key!r}'))
        else:
            keys[name] = key
    require_none(problems, str(path), text)
    return keys


def _by_path(table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, Any]]:
    """Every value under its path: an id has dots, and unquoted they make tables."""
    for name, value in table.items():
        if isinstance(value, dict):
            yield from _by_path(value, f"{above}{name}.")
        else:
            yield above + name, value
