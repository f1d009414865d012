"""Places on loopback that take alerts, and alerts to send there."""

import json
import threading
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

from mlx_muzero.alerts.alert import Alert
from mlx_muzero.alerts.message import Message

TIME = "2026-03-02T10:31:05+00:00"


def alert(what="EURJPY: filled +100 at 160.25", **facts):
    told = {
        "kind": "fill",
        "what": what,
        "effect": "the agent manages the position",
        "answer": "mlx-muzero paper status runs/p",
        "time": TIME,
    }
    return Alert(**(told | facts))


def message(*alerts, run="runs/p", **facts):
    return Message(run, alerts or (alert(),), facts.pop("more", {}), **facts)


@contextmanager
def place(*answers):
    """A server that answers each POST with the next of `answers`, then with 200.

    An answer is a status, or a status and headers. What came is in `got`: path, headers and JSON.
    """
    got, left = [], list(answers)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self):
            body = self.rfile.read(int(self.headers["Content-Length"]))
            got.append(SimpleNamespace(path=self.path, headers=self.headers, json=json.loads(body)))
            answer = left.pop(0) if left else 200
            status, headers = answer if isinstance(answer, tuple) else (answer, {})
            self.send_response(status)
            for name, value in {"Content-Length": "0", **headers}.items():
                self.send_header(name, value)
            self.end_headers()

        def log_message(self, *_):
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True)
    thread.start()
    try:
        yield SimpleNamespace(url=f"http://127.0.0.1:{server.server_port}", got=got)
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class Recorded:
    """A place that remembers what it got, and fails while `error` is set."""

    name = "program"

    def __init__(self):
        self.got, self.error = [], None

    async def send(self, message):
        if self.error is not None:
            raise self.error
        self.got.append(message)
