"""Alerts of real runs: a session and a training, with places on loopback."""

import asyncio
import json
from dataclasses import replace

import pytest

from alert_places import Recorded, place
from live_sessions import trade
from mlx_muzero.alerts.kept import troubles
from mlx_muzero.alerts.of_runs import SessionAlerts, TrainingRunAlerts
from mlx_muzero.config import toml as config_toml
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.errors import ConfigError, StorageError
from mlx_muzero.paper import settings as paper_settings
from mlx_muzero.paper.records.recorder import Recorder
from mlx_muzero.paper.settings import PaperSettings
from mlx_muzero.runlog import journal

WEBHOOK = AlertSettings(to=("webhook",), every_s=1.0)


@pytest.fixture
def webhook(monkeypatch):
    with place() as there:
        monkeypatch.setenv("MLX_MUZERO_WEBHOOK_URL", there.url)
        yield there


def whats(there):
    return [alert["what"] for got in there.got for alert in got.json["alerts"]]


@pytest.mark.slow
def test_a_session_tells_its_fills_and_its_end_and_a_resumed_one_nothing_twice(webhook, tmp_path):
    said = []
    for _ in range(2):
        companion = SessionAlerts(tmp_path / "p", WEBHOOK, said.append)
        played = trade(tmp_path / "p", 20, companion=companion)
    told = whats(webhook)
    fills = [e for e in played.events if e["event"] == "fill"]
    assert fills
    assert len([what for what in told if ": filled " in what]) == len(fills)
    assert told[0] == "the session began: 2 pairs by feed replay"
    assert [what for what in told if what.startswith("the session goes on")]
    assert told[-1].startswith("the session ended: asked to stop")
    assert said == []


def test_what_could_not_be_journaled_is_told_too(webhook, tmp_path, monkeypatch):
    def refuses(*_args):
        raise StorageError("the disk is full")

    def prepare(_clock, _source):
        monkeypatch.setattr(Recorder, "record", refuses)

    with pytest.raises(StorageError):
        trade(
            tmp_path / "p",
            5,
            prepare=prepare,
            companion=SessionAlerts(tmp_path / "p", WEBHOOK, print),
        )
    assert whats(webhook) == ["StorageError: the disk is full"]


def test_a_place_that_fails_is_journaled_said_and_shown(tmp_path, monkeypatch):
    said = []
    with place(500, 500, 500) as there:
        monkeypatch.setenv("MLX_MUZERO_WEBHOOK_URL", f"{there.url}/secret")
        companion = SessionAlerts(tmp_path / "p", WEBHOOK, said.append)
        played = trade(tmp_path / "p", 3, companion=companion)
    news = [e for e in played.events if e["event"] == "alerts"]
    assert [(e["channel"], e["outcome"], e["reason"]) for e in news] == [
        ("webhook", "failing", "HTTP 500")
    ]
    assert played.said[-1].startswith("alerts to webhook fail (HTTP 500)")
    assert troubles(tmp_path / "p")[0].startswith("alerts to webhook fail (HTTP 500)")
    assert b"secret" not in b"".join(
        f.read_bytes() for f in (tmp_path / "p").iterdir() if f.is_file()
    )


def test_a_training_tells_its_validations_and_its_end(webhook, tmp_path):
    run = tmp_path / "t"
    run.mkdir()
    alerts = TrainingRunAlerts(run, WEBHOOK, print)
    own = journal.Journal(run / "journal.jsonl")
    with alerts.during():
        own.append("started", unit="pips")
        own.append("validated", metrics={"expectancy_pips": 1.0}, best=True, episodes=10)
        own.append("finished")
    assert whats(webhook) == [
        "validation after 10 episodes: +1.00 pips a trade net, ? trades, ? won",
        "the training is finished",
    ]
    with pytest.raises(KeyError), alerts_of(run).during():
        raise KeyError("what")
    assert whats(webhook)[2:] == ["KeyError: 'what'"]


def alerts_of(run):
    return TrainingRunAlerts(run, WEBHOOK, print)


def test_a_run_that_wants_no_alerts_any_more_has_no_troubles_of_them(tmp_path):
    run = tmp_path / "t"
    run.mkdir()
    (run / "alerts.json").write_text("damaged")
    assert troubles(run)
    with TrainingRunAlerts(run, AlertSettings(), print).during():
        pass
    assert troubles(run) == []


def test_a_silent_place_keeps_no_run_waiting(tmp_path, monkeypatch):
    class Silent(Recorded):
        async def send(self, message):
            await asyncio.sleep(3600.0)

    monkeypatch.setattr("mlx_muzero.alerts.alerter.channels_of", lambda *_: [Silent()])
    monkeypatch.setattr("mlx_muzero.alerts.alerter.LAST_S", 0.2)
    said = []
    companion = SessionAlerts(tmp_path / "p", AlertSettings(), said.append)
    played = trade(tmp_path / "p", 5, companion=companion)
    assert len(played.equity) == 5
    assert said == ["some alerts are still unsent; the next start sends them"]


def test_files_say_nothing_of_alerts_that_nobody_asked_for(small_config):
    assert "alerts" not in config_toml.dumps(small_config)
    assert "alerts" not in paper_settings.dumps(PaperSettings(pairs={"EURJPY": "EUR_JPY"}))
    asked = replace(small_config, alerts=WEBHOOK)
    assert config_toml.loads(config_toml.dumps(asked)) == asked


def test_a_place_that_does_not_exist_is_refused_with_its_line():
    with pytest.raises(ConfigError) as caught:
        config_toml.loads('[alerts]\nto = ["pager"]\n')
    assert str(caught.value).startswith(
        "configuration:2: alerts.to: 'pager' is not one of webhook, ntfy"
    )


def test_alerts_are_tried_from_the_command_line(cli, tmp_path, monkeypatch):
    secrets = tmp_path / "secrets"
    with place(200, 404) as there:
        secrets.write_text(f"MLX_MUZERO_SLACK_URL={there.url}/hidden\n")
        secrets.chmod(0o600)
        test = ("alerts", "test", "--set", "alerts.to=slack", "--secrets", secrets)
        code, out, err = cli(*test)
        assert (code, out) == (0, "slack: delivered\n"), err
        assert "this is a test" in there.got[0].json["text"]
        code, out, _ = cli(*test, "--json")
    assert code == 15
    answered = json.loads(out)
    assert answered["places"] == [{"channel": "slack", "delivered": False, "reason": "HTTP 404"}]
    assert answered["error"]["code"] == "alert"
    assert "hidden" not in out
    code, _, err = cli("alerts", "test", "--set", "alerts.to=slack")
    assert (code, "MLX_MUZERO_SLACK_URL is not set" in err) == (3, True)
    code, _, err = cli("alerts", "test")
    assert (code, "alerts.to names no place" in err) == (3, True)
