"""aiohttp sessions with a size limit on responses, which ccxt reads whole."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""More than the longest response there is: an exchange's list of all its markets."""


def bounded_session(session: "aiohttp.ClientSession") -> "aiohttp.ClientSession":
    """Make a session that takes over the connections of `session`, which is detached.

    A response longer than `MAX_ANSWER_BYTES` raises ``aiohttp.ClientPayloadError``.
    """
    import aiohttp

    class BoundedResponse(aiohttp.ClientResponse):
        async def read(self) -> bytes:
            if self._body is None:
                body = bytearray()
                async for part in self.content.iter_any():
                    body += part
                    if len(body) > MAX_ANSWER_BYTES:
                        self.close()
                        raise aiohttp.ClientPayloadError("the answer is too long")
                self._body = bytes(body)
            return self._body

    bounded = aiohttp.ClientSession(
        connector=session.connector,
        trust_env=session.trust_env,
        response_class=BoundedResponse,
    )
    session.detach()
    return bounded
