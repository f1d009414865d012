"""The terminal application's server for browsers: it answers pages of its own alone."""

from urllib.parse import urlsplit

from aiohttp import web
from textual_serve.server import Server

_LOCAL = ("127.0.0.1", "localhost", "::1")


class LocalServer(Server):
    """Textual's server, closed to other sites.

    To listen on loopback only is not enough: a browser lets any page the user visits open a
    websocket to this machine, and read it.
    """

    async def handle_websocket(self, request: web.Request) -> web.WebSocketResponse:
        """Serve the application to a page of this machine, or to what is no browser.

        Raises:
            HTTPForbidden: the page came from elsewhere.
        """
        origin = request.headers.get("Origin")
        if origin is not None and urlsplit(origin).hostname not in _LOCAL:
            raise web.HTTPForbidden(text=f"{origin} is not this machine.")
        return await super().handle_websocket(request)
