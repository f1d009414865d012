"""The file with addresses and tokens: its owner's alone, and its values in no message."""

import os

import pytest

from mlx_muzero.alerts.secrets import read_secrets
from mlx_muzero.errors import ConfigError


def written(tmp_path, text, mode=0o600):
    path = tmp_path / "secrets"
    path.write_text(text)
    path.chmod(mode)
    return path


def test_the_variables_of_a_file(tmp_path):
    text = "# mine\n\nMLX_MUZERO_SLACK_URL=https://a/b=c\nexport OANDA_PRACTICE_TOKEN='t'\n"
    found = read_secrets(written(tmp_path, text))
    assert found == {"MLX_MUZERO_SLACK_URL": "https://a/b=c", "OANDA_PRACTICE_TOKEN": "t"}


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604, 0o700, 0o660, 0o400])
def test_a_file_of_another_mode_is_refused(tmp_path, mode):
    path = written(tmp_path, "MLX_MUZERO_SLACK_URL=secret\n", mode)
    try:
        with pytest.raises(ConfigError, match=f"its mode is {mode:04o}, not 0600"):
            read_secrets(path)
    finally:
        path.chmod(0o600)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("x y\n", "secrets:1: expected NAME=VALUE"),
        ("\nSECRET=x\n", ":2: no such variable"),
    ],
)
def test_lines_that_set_nothing_known_are_refused_by_number(tmp_path, text, said):
    with pytest.raises(ConfigError, match=said):
        read_secrets(written(tmp_path, text))


def test_links_and_files_of_others_are_refused(tmp_path, monkeypatch):
    path = written(tmp_path, "")
    link = tmp_path / "link"
    link.symlink_to(path)
    with pytest.raises(ConfigError, match="symbolic link"):
        read_secrets(link)
    monkeypatch.setattr(os, "getuid", lambda: os.geteuid() + 1)
    with pytest.raises(ConfigError, match="another user"):
        read_secrets(path)
    with pytest.raises(ConfigError, match="cannot be read"):
        read_secrets(tmp_path / "none")
