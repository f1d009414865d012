"""Programs, mail and notifications: what was said somewhere is data, never a command."""

import asyncio
import json
import sys

import pytest

from alert_places import alert, message
from mlx_muzero.alerts import program
from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.errors import ConfigError

HOSTILE = "$(touch owned) `touch owned`; touch owned\"'\n-x"


def script(tmp_path, name, text):
    path = tmp_path / name
    path.write_text(f"#!{sys.executable} -I\n{text}")
    path.chmod(0o755)
    return str(path)


def run(name, sent, arguments=(), **environment):
    named = {"PATH": "/usr/bin:/bin", "MLX_MUZERO_PROGRAM": json.dumps(arguments), **environment}
    (channel,) = channels_of(AlertSettings(to=(name,)), named)
    asyncio.run(channel.send(sent))


def test_a_program_gets_the_message_on_its_input_and_no_secret(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("MLX_MUZERO_SLACK_URL", "https://secret")
    monkeypatch.setenv("OANDA_PRACTICE_TOKEN", "secret")
    tell = script(
        tmp_path,
        "tell",
        "import json, os, sys\n"
        "seen = {'in': json.load(sys.stdin), 'argv': sys.argv[1:], 'env': dict(os.environ)}\n"
        "open('seen', 'w').write(json.dumps(seen))\n",
    )
    run("program", message(alert(HOSTILE)), (tell, "-v", "-v"))
    seen = json.loads((tmp_path / "seen").read_text())
    assert seen["argv"] == ["-v", "-v"]
    assert "touch owned" in seen["in"]["alerts"][0]["what"]
    assert not {"MLX_MUZERO_SLACK_URL", "OANDA_PRACTICE_TOKEN"} & seen["env"].keys()
    assert not (tmp_path / "owned").exists()


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("import sys\nsys.exit('no\\x1b[2J network')", "exited with code 1: no. network"),
        ("import os\nos.kill(os.getpid(), 9)", "was ended by signal 9"),
        ("import time\ntime.sleep(30)", "took longer than 0.5 s"),
    ],
)
def test_a_program_that_fails_says_why(tmp_path, monkeypatch, text, reason):
    monkeypatch.setattr(program, "TIMEOUT_S", 0.5 if "sleep" in text else 20.0)
    tell = script(tmp_path, "tell", text)
    with pytest.raises(Undelivered, match=reason):
        run("program", message(), (tell,))


def test_a_program_that_is_not_there_says_so():
    with pytest.raises(Undelivered, match="/no/such cannot be started: No such file"):
        run("program", message(), ("/no/such",))


def test_a_mail_is_one_mail_to_one_address(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    script(
        tmp_path,
        "sendmail",
        "import sys\nopen('argv', 'w').write(repr(sys.argv[1:]))\n"
        "open('mail', 'wb').write(sys.stdin.buffer.read())\n",
    )
    said = message(alert("a\nBcc: you@example.org \N{ROCKET}"))
    run("mail", said, PATH=str(tmp_path), MLX_MUZERO_MAIL_TO="me@example.org")
    assert (tmp_path / "argv").read_text() == "['-i', 'me@example.org']"
    header, _, body = (tmp_path / "mail").read_text().partition("\n\n")
    assert "To: me@example.org" in header
    assert "\nBcc" not in header
    assert "Auto-Submitted: auto-generated" in header
    assert body


def test_a_notification_is_shown_by_a_script_that_does_not_contain_it(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "platform", "darwin")
    text = "import json, sys\nopen('argv', 'w').write(json.dumps(sys.argv[1:]))\n"
    script(tmp_path, "osascript", text)
    run("macos", message(alert(HOSTILE)), PATH=str(tmp_path))
    *fixed, title, shown = json.loads((tmp_path / "argv").read_text())
    assert fixed == [part for line in program.NOTIFY for part in ("-e", line)]
    assert title.startswith("mlx-muzero runs/p")
    assert "touch owned" in shown


def test_what_this_machine_lacks_is_refused(monkeypatch, tmp_path):
    monkeypatch.setattr("mlx_muzero.alerts.channels._SENDMAIL_FOLDERS", ())
    monkeypatch.setattr(sys, "platform", "linux")
    for name, said in (("mail", "no sendmail"), ("macos", "only a Mac")):
        settings = AlertSettings(to=(name,))
        with pytest.raises(ConfigError, match=said):
            channels_of(settings, {"PATH": str(tmp_path)})


@pytest.mark.parametrize("text", ["", "[]", "curl x", '["curl"]', "[3]", '["/a\\u0000"]', '"/a"'])
def test_a_program_is_a_list_that_begins_with_a_whole_path(text):
    with pytest.raises(ConfigError, match="MLX_MUZERO_PROGRAM"):
        channels_of(AlertSettings(to=("program",)), {"MLX_MUZERO_PROGRAM": text})


@pytest.mark.parametrize("text", ["", "-oQ/tmp", "a@b.c,d@e.f", "a b", "|/bin/sh"])
def test_a_mail_goes_to_one_address(tmp_path, text):
    script(tmp_path, "sendmail", "")
    environment = {"PATH": str(tmp_path), "MLX_MUZERO_MAIL_TO": text}
    with pytest.raises(ConfigError, match="MLX_MUZERO_MAIL_TO"):
        channels_of(AlertSettings(to=("mail",)), environment)
