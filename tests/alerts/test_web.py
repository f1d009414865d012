"""What each web service gets, held against its documentation, from servers on loopback."""

import asyncio
import logging

import pytest

from alert_places import alert, message, place
from mlx_muzero.alerts import forms, post
from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.alerts.channels import channels_of
from mlx_muzero.config.alert_settings import AlertSettings
from mlx_muzero.errors import ConfigError

TITLE = "mlx-muzero runs/p: EURJPY: filled +100 at 160.25"
TEXT = (
    "10:31 UTC  EURJPY: filled +100 at 160.25\n"
    "-> the agent manages the position\n"
    "answer: mlx-muzero paper status runs/p"
)


def send(name, environment, sent=None):
    (channel,) = channels_of(AlertSettings(to=(name,)), environment)
    asyncio.run(channel.send(sent or message()))
    return channel


def test_a_webhook_gets_plain_json_and_its_token():
    with place() as there:
        variables = {"MLX_MUZERO_WEBHOOK_URL": f"{there.url}/x", "MLX_MUZERO_WEBHOOK_TOKEN": "s3"}
        channel = send("webhook", variables)
    (got,) = there.got
    assert (got.path, got.headers["Authorization"]) == ("/x", "Bearer s3")
    assert got.headers["Content-Type"] == "application/json"
    assert got.json == {
        "title": TITLE,
        "text": TEXT,
        "run": "runs/p",
        "urgent": False,
        "alerts": [alert().facts()],
        "more": {},
        "repeated": False,
    }
    assert "s3" not in repr(channel)
    assert there.url not in repr(channel)


def test_ntfy_gets_a_message_published_as_json():
    with place() as there:
        environment = {
            "MLX_MUZERO_NTFY_URL": f"{there.url}/my%20t",
            "MLX_MUZERO_NTFY_TOKEN": "t1",
        }
        send("ntfy", environment)
        send("ntfy", environment, message(alert(urgent=True)))
    got, urgent = there.got
    assert (got.path, got.headers["Authorization"]) == ("/", "Bearer t1")
    assert got.json == {"topic": "my t", "title": TITLE, "message": TEXT, "priority": 3}
    assert urgent.json["priority"] == 5


def test_slack_gets_text_without_markup():
    with place() as there:
        environment = {"MLX_MUZERO_SLACK_URL": f"{there.url}/services/T/B/X"}
        send("slack", environment, message(alert("<!channel> a & b")))
    (got,) = there.got
    assert got.path == "/services/T/B/X"
    assert got.json["mrkdwn"] is False
    assert got.json["text"].startswith("mlx-muzero runs/p: &lt;!channel&gt; a &amp; b\n10:31 UTC")


def test_discord_gets_content_that_mentions_nobody():
    with place(204) as there:
        environment = {"MLX_MUZERO_DISCORD_URL": f"{there.url}/api/webhooks/1/t"}
        send("discord", environment, message(alert("@everyone **x**")))
    (got,) = there.got
    assert got.json["allowed_mentions"] == {"parse": []}
    assert got.json["flags"] == 4
    assert r"\@everyone \*\*x\*\*" in got.json["content"]


def test_telegram_gets_plain_text_for_its_chat():
    with place() as there:
        environment = {
            "MLX_MUZERO_TELEGRAM_URL": there.url,
            "MLX_MUZERO_TELEGRAM_TOKEN": "12:ab",
            "MLX_MUZERO_TELEGRAM_CHAT": "-100",
        }
        send("telegram", environment)
    (got,) = there.got
    assert got.path == "/bot12:ab/sendMessage"
    assert got.json == {
        "chat_id": "-100",
        "text": f"{TITLE}\n{TEXT}",
        "link_preview_options": {"is_disabled": True},
        "disable_notification": True,
    }


@pytest.mark.parametrize("character", ["x", "*", "<", "&", "é", "\N{ROCKET}"])
def test_no_service_gets_more_than_it_takes(character):
    long = message(*(alert(f"{number} {character * 300}") for number in range(60)))
    assert len(forms.discord(long)["content"].encode("utf-16-le")) // 2 <= 2000
    assert len(forms.telegram(long, "1")["text"].encode("utf-16-le")) // 2 <= 4096
    assert len(forms.ntfy(long, "t")["message"].encode()) <= 4096
    assert len(forms.slack(long)["text"]) <= 4000
    assert "more lines" in forms.telegram(long, "1")["text"]


@pytest.mark.parametrize(
    ("answer", "reason", "hopeless", "retry_s"),
    [
        (404, "HTTP 404", True, 0.0),
        (401, "HTTP 401", True, 0.0),
        (500, "HTTP 500", False, 0.0),
        ((429, {"Retry-After": "7"}), "HTTP 429", False, 7.0),
        ((429, {"Retry-After": "999999"}), "HTTP 429", False, post.MOST_RETRY_S),
    ],
)
def test_what_an_answer_means(answer, reason, hopeless, retry_s):
    with place(answer) as there, pytest.raises(Undelivered, match=reason) as caught:
        send("slack", {"MLX_MUZERO_SLACK_URL": f"{there.url}/secret"})
    assert (caught.value.hopeless, caught.value.retry_s) == (hopeless, retry_s)


def test_a_redirection_is_not_followed():
    with place() as elsewhere, place((307, {"Location": elsewhere.url})) as there:
        with pytest.raises(Undelivered, match="redirection"):
            send("slack", {"MLX_MUZERO_SLACK_URL": there.url})
        assert elsewhere.got == []


def test_neither_errors_nor_logs_contain_an_address(caplog):
    caplog.set_level(logging.INFO)
    with place(500) as there:
        environment = {
            "MLX_MUZERO_TELEGRAM_URL": there.url,
            "MLX_MUZERO_TELEGRAM_TOKEN": "12:secret",
            "MLX_MUZERO_TELEGRAM_CHAT": "1",
        }
        with pytest.raises(Undelivered) as failed:
            send("telegram", environment)
    with pytest.raises(Undelivered) as refused:  # nobody listens there any more
        send("telegram", environment)
    for error in (failed.value, refused.value):
        assert "secret" not in repr(error)
        assert error.__cause__ is None
    assert "secret" not in caplog.text


def test_an_answer_that_takes_too_long_is_given_up(monkeypatch):
    monkeypatch.setattr(post, "TIMEOUT_S", 0.05)

    async def silent():
        server = await asyncio.start_server(lambda _r, _w: asyncio.sleep(5), "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        try:
            await post.post(f"http://127.0.0.1:{port}/", {})
        finally:
            server.close()

    with pytest.raises(Undelivered, match="no answer within"):
        asyncio.run(silent())


@pytest.mark.parametrize(
    ("name", "environment", "message"),
    [
        ("slack", {}, "MLX_MUZERO_SLACK_URL is not set"),
        ("slack", {"MLX_MUZERO_SLACK_URL": "ftp://secret/x"}, "begin with https"),
        ("slack", {"MLX_MUZERO_SLACK_URL": "http://secret.example/x"}, "in the clear"),
        ("slack", {"MLX_MUZERO_SLACK_URL": "https://secret\n.example/x"}, "characters"),
        ("slack", {"MLX_MUZERO_SLACK_URL": "https://secret:port/"}, "begin with https"),
        ("ntfy", {"MLX_MUZERO_NTFY_URL": "https://secret.example/"}, "names no topic"),
        (
            "telegram",
            {"MLX_MUZERO_TELEGRAM_TOKEN": "secret"},
            "TELEGRAM_CHAT is not set",
        ),
    ],
)
def test_an_address_that_is_none_is_refused_without_naming_it(name, environment, message):
    with pytest.raises(ConfigError, match=message) as caught:
        channels_of(AlertSettings(to=(name,)), environment)
    assert "secret" not in str(caught.value)
