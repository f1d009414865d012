"""The references of configuration keys, from their schemas."""

from collections.abc import Iterable, Mapping
from typing import Any

import tomli_w

from docsite.markdown import code, page, prose, table
from mlx_muzero.config.keys import Key, value_of
from mlx_muzero.config.presets import PRESETS
from mlx_muzero.config.schema import Config
from mlx_muzero.config.toml import KEYS
from mlx_muzero.paper.settings import SECTIONS
from mlx_muzero.symbols.symbol import Symbol

Sections = Mapping[str, Mapping[str, Key]]


def configuration_page() -> str:
    """Every key of a run's configuration, and what each preset changes."""
    presets = (
        block
        for name, preset in PRESETS.items()
        for block in (f"### {name}", _changes(preset) or "The defaults above.")
    )
    return page(
        "Configuration",
        "Every key of a run's configuration. A preset comes first, then a TOML file (`--config`), "
        "then single keys (`--set section.key=value`). `mlx-muzero config show` prints them with "
        "the values a run would have, `mlx-muzero config validate FILE` checks a file.",
        *_tables(KEYS),
        "## Presets",
        "What each preset changes of the defaults.",
        *presets,
    )


def paper_page() -> str:
    """Every key of a paper session's settings."""
    return page(
        "Paper session settings",
        "Every key of `paper.toml`, which `mlx-muzero paper start` writes into the session's "
        "folder. `--set section.key=value` changes a key when a session begins. "
        "[Paper trading](../paper.md) explains the limits and their reactions.",
        *_tables(SECTIONS),
    )


def _tables(sections: Sections) -> Iterable[str]:
    for section, keys in sections.items():
        yield f"## {section}"
        yield table(
            ("Key", "Type", "Allowed", "Default", "Meaning"),
            (
                (
                    f'<a id="{key.path}"></a>{code(key.name)}',
                    _kind(key),
                    prose(key.allowed),
                    code(_toml(key.default)),
                    prose(key.about),
                )
                for key in keys.values()
            ),
        )


def _kind(key: Key) -> str:
    names = {tuple: "list", str: "string", Symbol: "string", int: "integer", bool: "boolean"}
    return names.get(key.type, "number")


def _toml(value: Any) -> str:
    """`value` as it is written in TOML."""
    plain = list(value) if isinstance(value, tuple) else value
    return " ".join(tomli_w.dumps({"v": plain}).removeprefix("v = ").split())


def _changes(preset: Config) -> str:
    plain = Config()
    keys = (key for keys in KEYS.values() for key in keys.values())
    return table(
        ("Key", "Value"),
        (
            (code(key.path), code(_toml(value_of(preset, key.path))))
            for key in keys
            if value_of(preset, key.path) != value_of(plain, key.path)
        ),
    )
