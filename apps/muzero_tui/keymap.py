"""Keys a user wants elsewhere: a TOML file of binding id = "key,other key"."""

import difflib
import os
from collections.abc import Callable, Collection
from pathlib import Path

from mlx_muzero.errors import ConfigError
from mlx_muzero.files.regular import read_text
from mlx_muzero.untrusted import toml_values


def keymap_path() -> Path:
    """Where the file is looked for."""
    home = os.environ.get("XDG_CONFIG_HOME") or Path.home() / ".config"
    return Path(home) / "mlx_muzero" / "keys.toml"


def load_keymap(path: Path, ids: Callable[[], Collection[str]]) -> dict[str, str]:
    """Keys by binding id, of which there are `ids`; none without the file.

    Raises:
        ConfigError: the file cannot be read, or an id is unknown.
    """
    if not path.exists():
        return {}
    try:
        # Behind a link, as many keep such files.
        keys = toml_values.parsed(read_text(path, most=toml_values.MOST_BYTES, follow=True))
    except OSError as error:
        raise ConfigError(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise ConfigError(f"{path}: {error}") from error
    known = ids()
    for name, key in keys.items():
        if name not in known:
            nearest = difflib.get_close_matches(name, known, 1)
            hint = f"; did you mean {nearest[0]}?" if nearest else ""
            raise ConfigError(f"{path}: there is no key named {name}{hint}")
        if not isinstance(key, str):
            raise ConfigError(f'{path}: {name} must be text, as in "j" or "j,down"')
    return keys
