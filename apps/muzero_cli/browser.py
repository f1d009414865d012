"""Serves the terminal application to browsers on this machine that know its secret address.

Listening on loopback is not enough: a browser lets any page it visits send requests to this
machine, and so can every user of the machine. So everything is below a path that only the printed
address contains.
"""

import asyncio
import hmac
import logging
import os
import secrets
from collections.abc import Callable
from functools import partial
from typing import Any

import jinja2
from aiohttp import WSCloseCode, WSMsgType, web
from textual_serve.app_service import AppService
from textual_serve.server import Server

from mlx_muzero.errors import MuZeroError
from muzero_cli.display.console import echo
from muzero_tui.served import SERVER_VARIABLE

HOST = "127.0.0.1"
_LOCAL = (HOST, "localhost", "[::1]")

MOST_SESSIONS = 8
"""Browsers that may watch at once; each has its own process."""

COLUMNS = (20, 500)
ROWS = (5, 200)
_MOST_MESSAGE_BYTES = 65_536
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_FOCUS = """
<script>
  // Without this the terminal hears no key until it is clicked.
  new MutationObserver((_changes, observer) => {
    const keys = document.querySelector("#terminal textarea");
    if (keys) {
      keys.focus();
      observer.disconnect();
    }
  }).observe(document.getElementById("terminal"), { childList: true, subtree: true });
</script>
"""
_PATIENCE_S = 3.0  # how long an application may take to quit


class LocalServer(Server):
    """Textual's server, restricted to those who know its address; its applications end with it.

    Args:
        command: shell command that shows the application.
        port: port to listen on.
    """

    def __init__(self, command: str, port: int) -> None:
        self._token = secrets.token_urlsafe(24)
        address = f"http://{HOST}:{port}/{self._token}"
        # `exec` replaces the shell, so that a signal to the process reaches the application.
        begin = f"exec env {SERVER_VARIABLE}={os.getpid()} {command}"
        super().__init__(begin, HOST, port, "mlx-muzero", address)
        self._sessions: set[web.WebSocketResponse] = set()
        self._templates = jinja2.Environment(
            loader=jinja2.FileSystemLoader(self.templates_path), autoescape=True
        )
        self._files = {
            str(path.relative_to(self.statics_path)): path
            for path in self.statics_path.rglob("*")
            if path.is_file()
        }

    def serve(self, debug: bool = False) -> None:
        """Serve until Ctrl-C or SIGTERM.

        Raises:
            MuZeroError: the server cannot listen on the port.
        """
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        try:
            web.run_app(
                self._make_app(),
                host=self.host,
                port=self.port,
                print=self._print_address,
                access_log=None,  # paths are the secret
                shutdown_timeout=2 * _PATIENCE_S,
            )
        except OSError as error:
            raise MuZeroError(
                f"cannot listen on {HOST}:{self.port} ({error.strerror}). Choose another --port."
            ) from error

    def _print_address(self, _aiohttp_banner: str) -> None:
        echo(f"{self.public_url}/\nOpen this address on this machine; Ctrl-C stops the server.")

    async def on_shutdown(self, app: web.Application) -> None:
        """Close the connection to every browser, which ends its application."""
        for websocket in set(self._sessions):
            await websocket.close(code=WSCloseCode.GOING_AWAY)

    async def _make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{token}/{rest:.*}", self._answer)
        # Where the page fetches a download; the key is as secret as the address and used once.
        app.router.add_get("/download/{key}", self.handle_download)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """Serve the page, its files or its application below the secret path; otherwise nothing."""
        self._require_local(request)
        given = request.match_info["token"].encode()
        if not hmac.compare_digest(given, self._token.encode()):
            raise web.HTTPNotFound
        rest = request.match_info["rest"]
        if rest == "":
            return self._page(request)
        if rest == "ws":
            return await self.handle_websocket(request)
        file = self._files.get(rest.removeprefix("static/"))
        if file is None or not rest.startswith("static/"):
            raise web.HTTPNotFound
        return web.FileResponse(file)

    def _require_local(self, request: web.Request) -> None:
        """Refuse pages of other sites, and other host names that resolve to this machine."""
        origin = request.headers.get("Origin")
        if origin is not None and not self._is_here(origin.removeprefix("http://")):
            raise web.HTTPForbidden(text=f"{origin} is not this server.")
        if not self._is_here(request.host):
            raise web.HTTPForbidden(text=f"{request.host} is not this server.")

    def _is_here(self, place: str) -> bool:
        return place in {f"{name}:{self.port}" for name in _LOCAL}

    def _page(self, request: web.Request) -> web.Response:
        below = f"{request.host}/{self._token}"
        context: dict[str, Any] = {
            "font_size": 16,
            "app_websocket_url": f"ws://{below}/ws",
            "config": {"static": {"url": f"http://{below}/static/"}},
            "application": {"name": self.title},
        }
        page = self._templates.get_template("app_index.html").render(context)
        page = page.replace("</body>", f"{_FOCUS}</body>")
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Run an application for one browser, until either ends.

        Raises:
            HTTPServiceUnavailable: there are `MOST_SESSIONS` already.
        """
        if len(self._sessions) >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(
                text=f"{MOST_SESSIONS} browsers are watching already; close one."
            )
        websocket = web.WebSocketResponse(heartbeat=15, max_msg_size=_MOST_MESSAGE_BYTES)
        self._sessions.add(websocket)
        try:
            await websocket.prepare(request)
            shown = _Application(
                self.command,
                write_bytes=websocket.send_bytes,
                write_str=websocket.send_str,
                close=partial(_close, websocket),
                download_manager=self.download_manager,
            )
            width, height = request.query.get("width"), request.query.get("height")
            await shown.start(_bounded(width, *COLUMNS, 80), _bounded(height, *ROWS, 24))
            try:
                await _relay(websocket, shown)
            finally:
                await shown.stop()
        finally:
            self._sessions.discard(websocket)
        return websocket


async def _close(websocket: web.WebSocketResponse) -> None:
    await websocket.close()


class _Application(AppService):
    """The process behind one browser; it is asked to quit, then killed."""

    async def stop(self) -> None:
        try:
            async with asyncio.timeout(_PATIENCE_S):
                await super().stop()
        except (TimeoutError, OSError):
            pass
        if self._process is not None and self._process.returncode is None:
            self._process.kill()
            await self._process.wait()


async def _relay(websocket: web.WebSocketResponse, shown: AppService) -> None:
    """Pass on keys, sizes and focus from the browser, and ignore everything else."""
    async for message in websocket:
        if message.type is not WSMsgType.TEXT:
            continue
        match _parsed(message.json):
            case ["stdin", str(keys)]:
                await shown.send_bytes(keys.encode(errors="replace"))
            case ["resize", {"width": width, "height": height}]:
                columns, rows = _bounded(width, *COLUMNS, 80), _bounded(height, *ROWS, 24)
                await shown.set_terminal_size(columns, rows)
            case ["ping", int() | float() | str() as sent]:
                await websocket.send_json(["pong", sent])
            case ["blur", *_]:
                await shown.blur()
            case ["focus", *_]:
                await shown.focus()


def _parsed(load: Callable[[], Any]) -> Any:
    try:
        return load()
    except (ValueError, RecursionError):
        return None


def _bounded(asked: object, least: int, most: int, usual: int) -> int:
    """The size a browser asks for, within bounds; `usual` if it is not a number."""
    try:
        return min(max(int(asked), least), most)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return usual
