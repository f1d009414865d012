"""One HTTP POST of JSON, bounded in time and size; redirects are not followed.

No error says where a request went: addresses contain tokens.
"""

import asyncio
import logging
from collections.abc import Mapping
from typing import Any

from mlx_muzero.alerts.channel import Undelivered
from mlx_muzero.errors import AlertError
from mlx_muzero.timeunits import SECOND_NS
from mlx_muzero.untrusted.json_values import strict_json
from mlx_muzero.venues.http import is_outage, retry_after_ns

TIMEOUT_S = 10.0
MOST_RETRY_S = 900.0


def require_client() -> None:
    """Raise AlertError if httpx is not installed; keep what it logs, which has addresses, back."""
    try:
        import httpx  # noqa: F401
    except ImportError:
        raise AlertError("alerts by the web need httpx: pip install 'mlx_muzero[alerts]'") from None
    for name in ("httpx", "httpcore"):
        logging.getLogger(name).setLevel(logging.WARNING)


async def post(url: str, payload: Mapping[str, Any], token: str = "") -> None:
    """Send `payload` as JSON to `url`, with `token` as bearer unless empty.

    Only the status of the answer is read.

    Raises:
        Undelivered: no answer in `TIMEOUT_S`, or one that does not say success.
    """
    import httpx

    headers = {"Content-Type": "application/json", "User-Agent": "mlx-muzero"}
    if token:
        headers["Authorization"] = f"Bearer {token}"
    body = strict_json(payload).encode()
    try:
        async with (
            asyncio.timeout(TIMEOUT_S),
            httpx.AsyncClient(timeout=TIMEOUT_S, follow_redirects=False) as client,
            client.stream("POST", url, content=body, headers=headers) as response,
        ):
            status, answered = response.status_code, response.headers
    except TimeoutError:
        raise Undelivered(f"no answer within {TIMEOUT_S:g} s") from None
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError, OSError) as error:
        raise Undelivered(type(error).__name__) from None
    if 200 <= status < 300:
        return
    if 300 <= status < 400:
        raise Undelivered(f"HTTP {status}: a redirection, which is not followed")
    asked_s = (retry_after_ns(answered) or 0) / SECOND_NS
    raise Undelivered(
        f"HTTP {status}", retry_s=min(asked_s, MOST_RETRY_S), hopeless=not is_outage(status)
    )
