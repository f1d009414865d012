"""The terminal application in a browser: who has the address, on this machine, only to look at."""

import asyncio
import os
import re
import signal
import socket
import subprocess
import sys
import time

import aiohttp
import pytest

import chromium
from muzero_cli.browser import COLUMNS, ROWS, LocalServer, _bounded
from training_journals import training_run

PATIENCE_S = 60.0


@pytest.fixture
def served(tmp_path):
    """Port and secret path of a server, and its process."""
    folder, _ = training_run(tmp_path / "edge")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "muzero_cli.main", "tui", folder, "--serve", "--port"]
    process = subprocess.Popen(
        [*command, str(port)], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
    )
    (token,) = re.findall(rf"http://127\.0\.0\.1:{port}/(\S+)/", process.stdout.readline())
    yield port, token, process
    if process.poll() is None:
        process.kill()
    process.wait()
    process.stdout.close()


async def page_of(browser, address):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with browser.get(address) as answer:
                    return answer.status, await answer.text()
            except aiohttp.ClientConnectionError:
                await asyncio.sleep(0.1)


async def read_until(terminal, wanted):
    """What the application draws, up to some text."""
    drawn = b""
    async with asyncio.timeout(PATIENCE_S):
        while wanted not in drawn:
            message = await terminal.receive()
            assert message.type in (aiohttp.WSMsgType.BINARY, aiohttp.WSMsgType.TEXT), drawn
            drawn += message.data if isinstance(message.data, bytes) else b""
    return drawn


def children_of(pid):
    found = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True)
    return [int(line) for line in found.stdout.split()]


def has_ended(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


@pytest.mark.slow
def test_a_browser_sees_it_and_commands_nothing(served):
    port, token, process = served
    here = f"http://127.0.0.1:{port}"
    address = f"{here}/{token}/ws?width=100&height=30"

    async def visit():
        async with aiohttp.ClientSession() as browser:
            status, page = await page_of(browser, f"{here}/{token}/")
            assert status == 200
            assert "mlx-muzero" in page
            assert (await page_of(browser, f"{here}/{token}/static/js/textual.js"))[0] == 200
            for path in ("", "ws", "wrong/", "wrong/ws", "static/", f"{token}/static/",
                         f"{token[:-1]}/", f"{token}x/", f"{token}/static/../server.py",
                         f"{token}/static/%2e%2e/server.py", "download/guess"):  # fmt: skip
                status, page = await page_of(browser, f"{here}/{path}")
                assert status == 404, path
                assert token not in page
            async with browser.ws_connect(address) as terminal:
                await terminal.send_str("no json")
                await terminal.send_str("[" * 60_000)
                await terminal.send_json(["resize", {"width": "wide", "height": None}])
                await terminal.send_json(["resize", {"width": 100, "height": 30}])
                await read_until(terminal, b"losses")
                await terminal.send_json(["stdin", "3"])
                await read_until(terminal, b"Stop entries")
                await terminal.send_json(["stdin", "h"])
                await read_until(terminal, b"this view is read-only")
            for origin in ("http://elsewhere.example", f"http://elsewhere.example:{port}", "null",
                           "http://127.0.0.1:1"):  # fmt: skip
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await browser.ws_connect(address, origin=origin)
            with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                await browser.ws_connect(address, headers={"Host": f"elsewhere.example:{port}"})
            for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
                await (await browser.ws_connect(address, origin=origin)).close()

    asyncio.run(visit())
    with pytest.raises(OSError, match=r"."):  # refused here, out of reach elsewhere
        socket.create_connection(("127.0.0.2", port), timeout=1.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0


@pytest.mark.slow
@pytest.mark.parametrize("end", [signal.SIGTERM, signal.SIGKILL])
def test_the_application_ends_with_its_server(served, end):
    """While a browser is open, which asked for a size no screen has."""
    port, token, process = served
    address = f"ws://127.0.0.1:{port}/{token}/ws?width=1000000000&height=99999999"

    async def visit():
        async with aiohttp.ClientSession() as browser, browser.ws_connect(address) as terminal:
            await terminal.send_json(["resize", {"width": 10**12, "height": 10**12}])
            await read_until(terminal, b"losses")
            (shown,) = children_of(process.pid)
            process.send_signal(end)
            await asyncio.to_thread(process.wait, PATIENCE_S)
            return shown

    shown = asyncio.run(visit())
    limit = time.monotonic() + PATIENCE_S
    while not has_ended(shown):
        assert time.monotonic() < limit
        time.sleep(0.1)


@pytest.mark.parametrize(
    ("asked", "given"),
    [(100, 100), ("100", 100), (10**12, COLUMNS[1]), (-5, COLUMNS[0]), ("wide", 80), (None, 80),
     ([], 80), (float("inf"), 80), (float("nan"), 80), ("9" * 5000, 80)],
)  # fmt: skip
def test_a_size_is_bounded(asked, given):
    assert _bounded(asked, *COLUMNS, 80) == given
    assert ROWS[0] <= _bounded(asked, *ROWS, 24) <= ROWS[1]


@pytest.mark.parametrize(
    ("place", "here"),
    [
        ("127.0.0.1:8000", True),
        ("localhost:8000", True),
        ("[::1]:8000", True),
        ("localhost:8001", False),
        ("localhost.example:8000", False),
        ('"><script>@localhost:8000', False),
        ("[", False),
        ("", False),
    ],
)
def test_only_this_server_is_here(place, here):
    assert LocalServer("true", 8000)._is_here(place) is here


def test_every_server_has_an_address_of_its_own():
    first, second = LocalServer("true", 8000), LocalServer("true", 8000)
    assert first.public_url != second.public_url
    assert len(first.public_url) > len("http://127.0.0.1:8000/") + 30


def test_a_port_in_use_is_told(cli, tmp_path):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = cli("tui", tmp_path, "--serve", "--port", taken.getsockname()[1])
    assert code == 1
    assert "Choose another --port" in err


@pytest.mark.slow
@pytest.mark.skipif(chromium.installed() is None, reason="needs Chromium")
def test_the_first_key_works_without_a_click(served, tmp_path):
    port, token, _ = served
    drawn = "document.body?.classList.contains('-first-byte')"
    with chromium.Chromium(tmp_path / "profile") as browser:
        tab = browser.open(f"http://127.0.0.1:{port}/{token}/", ready=drawn)
        tab.wait("document.activeElement?.className === 'xterm-helper-textarea'")
        tab.press("?", text="?")
        tab.run("new Promise(done => setTimeout(done, 200))")
        frames = [
            event["params"]["response"]["payloadData"]
            for event in browser.events
            if event.get("method") == "Network.webSocketFrameSent"
        ]
    assert any("?" in frame for frame in frames), frames
