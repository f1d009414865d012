"""The configuration that a run's folder records."""

from dataclasses import replace
from pathlib import Path

from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.presets import FX_MICRO
from mlx_muzero.config.schema import Config


def config_of_run(path: Path) -> Config:
    """The configuration in a run's folder; errors as `toml.load`, but links are not followed.

    Raises:
        ConfigError: it cannot be read, or it has problems (all listed).
    """
    return config_of_text(config_toml.text_of(path, follow=False), path)


def config_of_text(text: str, path: Path) -> Config:
    """A recorded configuration, `text` in the file at `path`; errors as `toml.loads`.

    One of 0.1.0 left no bars out at the start of its splits.
    """
    before = replace(FX_MICRO, market=replace(FX_MICRO.market, embargo_bars=0))
    return config_toml.loads(text, str(path), before)
