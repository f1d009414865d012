"""The terminal application in a browser: on this machine only, and only to look at."""

import asyncio
import signal
import socket
import subprocess
import sys

import aiohttp
import pytest

from training_journals import training_run

PATIENCE_S = 60.0


@pytest.fixture
def served(tmp_path):
    """Port of a server, and its process."""
    folder, _ = training_run(tmp_path / "edge")
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "muzero_cli.main", "tui", folder, "--serve", "--port"]
    with (tmp_path / "log").open("wb") as log:
        process = subprocess.Popen([*command, str(port)], stdout=log, stderr=log)
    yield port, process
    if process.poll() is None:
        process.kill()
    process.wait()


async def page_of(browser, port):
    async with asyncio.timeout(PATIENCE_S):
        while True:
            try:
                async with browser.get(f"http://127.0.0.1:{port}/") as answer:
                    return await answer.text()
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


def test_a_browser_sees_it_and_commands_nothing(served):
    port, process = served

    async def visit():
        async with aiohttp.ClientSession() as browser:
            assert "mlx-muzero" in await page_of(browser, port)
            address = f"http://127.0.0.1:{port}/ws?width=100&height=30"
            async with browser.ws_connect(address) as terminal:
                await terminal.send_json(["resize", {"width": 100, "height": 30}])
                await read_until(terminal, b"losses")
                await terminal.send_json(["stdin", "3"])
                await read_until(terminal, b"Stop entries")
                await terminal.send_json(["stdin", "h"])
                await read_until(terminal, b"this view is read-only")
            for origin in ("http://elsewhere.example", f"http://elsewhere.example:{port}", "null"):
                with pytest.raises(aiohttp.WSServerHandshakeError, match="403"):
                    await browser.ws_connect(address, origin=origin)
            for origin in (f"http://127.0.0.1:{port}", f"http://localhost:{port}"):
                await (await browser.ws_connect(address, origin=origin)).close()

    asyncio.run(visit())
    with pytest.raises(OSError, match=r"."):  # refused here, out of reach elsewhere
        socket.create_connection(("127.0.0.2", port), timeout=1.0)
    process.send_signal(signal.SIGINT)
    assert process.wait(PATIENCE_S) == 0
