"""The service files that keep a watch running: what they say, and that systems read them so."""

import json
import os
import plistlib
import shutil
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from fake_mac import become_a_mac
from mlx_muzero.errors import ConfigError
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.settings import PaperSettings, override
from mlx_muzero.watchdog.service import Watch, service_of
from mlx_muzero.watchdog.systemd import quoted

AWKWARD = 'my "run" 100% $HOME \\x'


@pytest.fixture
def tools(tmp_path, monkeypatch):
    """Stand-ins of the systems' tools, that note how they were called."""
    folder = tmp_path / "tools"
    folder.mkdir()
    for name in ("systemctl", "launchctl"):
        path = folder / name
        path.write_text(f'#!/bin/sh\necho {name} "$@" >> {folder}/calls\n')
        path.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")
    monkeypatch.delenv("XDG_CONFIG_HOME", raising=False)
    return folder


def session(folder, *changes):
    folder.mkdir()
    settings = override(PaperSettings(pairs={"EURJPY": "E"}), changes)
    (folder / "paper.toml").write_text(paper_settings.dumps(settings))
    return folder


def unquoted(text):
    """What systemd makes of a quoted word."""
    inner = text[1:-1].replace("%%", "%").replace("$$", "$")
    return inner.replace('\\"', '"').replace("\\\\", "\\")


@given(st.text(st.characters(exclude_categories=["C", "Zl", "Zp"]), max_size=40))
def test_a_word_of_a_unit_is_read_as_it_was(word):
    inside = quoted(word)[1:-1]
    pairs = inside.replace("\\\\", "").replace('\\"', "")
    assert '"' not in pairs
    assert "\\" not in pairs
    assert "%" not in inside.replace("%%", "")
    assert "$" not in inside.replace("$$", "")
    if "\\" not in word:
        assert unquoted(quoted(word)) == word


def test_a_unit_of_systemd(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    (tmp_path / "s").touch()
    service = service_of(Watch.of(tmp_path / AWKWARD, 3, tmp_path / "s"))
    assert service.path.parent.parts[-2:] == ("systemd", "user")
    assert service.path.name.startswith("mlx-muzero-watch-my-run-100-HOME-x-")
    lines = service.text.splitlines()
    (command,) = [line for line in lines if line.startswith("ExecStart=")]
    assert command.startswith(f'ExecStart="{sys.executable}" "-P" "-m" "muzero_cli.main" "paper"')
    assert command.endswith(f'"--restart" "3" "--secrets" "{tmp_path}/s"')
    assert r'/my \"run\" 100%% $$HOME \\x"' in command
    assert f"WorkingDirectory={tmp_path}" in lines
    assert "KillMode=process" in lines


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="needs systemd-analyze")
def test_systemd_accepts_the_unit(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    service = service_of(Watch.of(tmp_path / AWKWARD, 3, None))
    path = tmp_path / service.path.name
    path.write_text(service.text)
    done = subprocess.run(
        ["systemd-analyze", "--user", "verify", path], capture_output=True, text=True
    )
    if "Failed to initialize manager" in done.stderr or "No such device" in done.stderr:
        pytest.skip(f"systemd does not run here: {done.stderr.strip()[:200]}")
    assert (done.returncode, [line for line in done.stderr.splitlines() if path.name in line]) == (
        0,
        [],
    ), done.stderr


def test_an_agent_of_launchd(tmp_path, monkeypatch, tools):
    monkeypatch.chdir(tmp_path)
    become_a_mac(monkeypatch, tmp_path)
    watch = Watch.of(tmp_path / AWKWARD, 2, None)
    service = service_of(watch)
    assert service.path.parent.parts[-2:] == ("Library", "LaunchAgents")
    agent = plistlib.loads(service.text.encode())
    assert agent["ProgramArguments"] == list(watch.arguments)
    assert agent["ProgramArguments"][-3:] == [str(tmp_path / AWKWARD), "--restart", "2"]
    assert agent["WorkingDirectory"] == str(tmp_path)
    assert agent["KeepAlive"] == {"SuccessfulExit": False}
    assert agent["Label"] == service.path.stem
    assert service.install() == []
    assert service.remove() == []
    calls = (tools / "calls").read_text().splitlines()
    assert calls == [
        f"launchctl bootstrap gui/{os.getuid()} {service.path}",
        f"launchctl bootout gui/{os.getuid()}/{agent['Label']}",
    ]


def test_a_service_is_installed_shown_and_removed(cli, tmp_path, monkeypatch, tools):
    monkeypatch.setattr(sys, "platform", "linux")
    session(tmp_path / "p")
    code, out, err = cli("paper", "install-service", "p", "--json")
    assert code == 0, err
    told = json.loads(out)
    assert (told["installed"], told["by_hand"]) == (True, [])
    assert "--restart" in told["text"]
    code, out, _ = cli("paper", "install-service", "p", "--show")
    assert (code, out.splitlines()[0]) == (0, f"{told['path']}: installed")
    assert f'"{tmp_path}/p"' in out
    code, out, _ = cli("paper", "install-service", "p", "--remove")
    assert code == 0
    assert "removed; the session goes on" in out
    name = told["path"].rpartition("/")[2]
    assert (tools / "calls").read_text().splitlines() == [
        "systemctl --user daemon-reload",
        f"systemctl --user enable --now {name}",
        f"systemctl --user disable --now {name}",
    ]
    code, _, err = cli("paper", "install-service", "p", "--remove")
    assert (code, "no service is installed" in err) == (5, True)


def test_what_the_system_refuses_is_said_with_what_to_do(cli, tmp_path, monkeypatch, tools):
    monkeypatch.setattr(sys, "platform", "linux")
    session(tmp_path / "p")
    (tools / "systemctl").write_text("#!/bin/sh\necho no bus >&2\nexit 1\n")
    code, out, _ = cli("paper", "install-service", "p")
    assert code == 0
    assert "systemctl failed (no bus); do it by hand: systemctl --user daemon-reload && " in out


def test_alerts_that_a_service_could_not_send_are_refused_before(cli, tmp_path, monkeypatch, tools):
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setenv("MLX_MUZERO_SLACK_URL", "https://mine.example/x")  # not the service's
    session(tmp_path / "p", "alerts.to=slack")
    code, _, err = cli("paper", "install-service", "p")
    assert (code, "A service has no environment of yours" in err) == (3, True)
    secrets = tmp_path / "secrets"
    secrets.write_text("MLX_MUZERO_SLACK_URL=https://hidden.example/x\n")
    secrets.chmod(0o600)
    code, out, err = cli("paper", "install-service", "p", "--secrets", "secrets", "--json")
    assert code == 0, err
    assert f"{tmp_path}/secrets" in out
    assert "hidden" not in out


def test_a_path_that_no_file_can_hold_is_refused(tmp_path):
    with pytest.raises(ConfigError, match="no service file can hold"):
        Watch.of(tmp_path / "a\nb", 1, None)
