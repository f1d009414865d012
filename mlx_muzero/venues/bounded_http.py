"""aiohttp sessions whose answers end: ccxt bounds their time, and reads them whole."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import aiohttp

MAX_ANSWER_BYTES = 128 * 1024 * 1024
"""Above what an exchange says of all its markets, which is the longest answer there is."""


def bounded_session(session: "aiohttp.ClientSession") -> "aiohttp.ClientSession":
    """A session over the connections of `session`, which is let go of.

    An answer longer than `MAX_ANSWER_BYTES` is an ``aiohttp.ClientPayloadError``.
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
