"""The terminal application's server for browsers: whoever has its address, on this machine.

To listen on loopback only is not enough: a browser lets any page the user visits ask this machine,
and every user of it can. So everything lies below a path that only the printed address has.
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
"""Browsers at once; each has a process of its own."""

COLUMNS = (20, 500)
ROWS = (5, 200)
_MOST_MESSAGE_BYTES = 65_536
_HEADERS = {
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Frame-Options": "DENY",
}
_PATIENCE_S = 3.0  # for an application to quit


class LocalServer(Server):
    """Textual's server, closed to whoever lacks its address; its applications end with it.

    Args:
        command: what shows the application, for a shell.
        port: to listen on.
    """

    def __init__(self, command: str, port: int) -> None:
        self._token = secrets.token_urlsafe(24)
        address = f"http://{HOST}:{port}/{self._token}"
        # In the shell's place: a signal to the process is one to the application.
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
            MuZeroError: the port cannot be had.
        """
        logging.basicConfig(level=logging.WARNING, format="%(message)s")
        try:
            web.run_app(
                self._make_app(),
                host=self.host,
                port=self.port,
                print=self._tell_where,
                access_log=None,  # paths are the secret
                shutdown_timeout=2 * _PATIENCE_S,
            )
        except OSError as error:
            raise MuZeroError(
                f"{HOST}:{self.port} cannot be listened on ({error.strerror}). Choose another "
                "--port."
            ) from error

    def _tell_where(self, _said_by_aiohttp: str) -> None:
        echo(f"{self.public_url}/\nOpen this address on this machine; Ctrl-C ends it.")

    async def on_shutdown(self, app: web.Application) -> None:
        """Part from every browser, which ends its application."""
        for websocket in set(self._sessions):
            await websocket.close(code=WSCloseCode.GOING_AWAY)

    async def _make_app(self) -> web.Application:
        app = web.Application()
        app.router.add_get("/{token}/{rest:.*}", self._answer)
        # The page's script asks for it here; its key is as secret as the address, for one use.
        app.router.add_get("/download/{key}", self.handle_download)
        app.on_shutdown.append(self.on_shutdown)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        """The page, its files or its application to whoever has the address; else nothing."""
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
        """Refuse pages of other sites, and names of other machines that lead here."""
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
        return web.Response(text=page, content_type="text/html", headers=_HEADERS)

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """An application of its own for each browser, until either ends.

        Raises:
            HTTPServiceUnavailable: there are `MOST_SESSIONS`.
        """
        if len(self._sessions) >= MOST_SESSIONS:
            raise web.HTTPServiceUnavailable(text=f"{MOST_SESSIONS} browsers are watching.")
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
    """The process behind one browser; it ends when asked to, or is ended."""

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
    """Keys and sizes from the browser; what is neither is left out."""
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
    """A size within bounds, whatever a browser asks for; `usual` where that is no number."""
    try:
        return min(max(int(asked), least), most)  # type: ignore[call-overload]
    except (TypeError, ValueError, OverflowError):
        return usual
