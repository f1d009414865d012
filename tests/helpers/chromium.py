"""Drives a headless Chromium over its pipe (the DevTools protocol): opens pages, clicks, and looks.

Only the standard library is used, nothing listens, and the browser may reach no host but this.
"""

import base64
import contextlib
import json
import os
import shutil
import subprocess
import time
from pathlib import Path

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
_FLAGS = (
    *("--headless=new", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run"),
    *("--disable-dev-shm-usage", "--disable-background-networking", "--disable-extensions"),
    *("--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe"),
)
_PATIENCE_S = 60.0
DRAWN = "document.body?.dataset.drawn === 'yes'"


def installed() -> str | None:
    """The browser of this machine; None without one."""
    return next(filter(None, map(shutil.which, NAMES)), None)


class Chromium:
    """A running browser; a context manager that ends it."""

    def __init__(self, folder: Path):
        to_browser, self._out = os.pipe()
        self._in, from_browser = os.pipe()
        program = [installed(), *_FLAGS, f"--user-data-dir={folder}", "about:blank"]
        # The browser reads from descriptor 3 and writes to 4.
        script = f'exec "$@" 3<&{to_browser} 4>&{from_browser}'
        self._process = subprocess.Popen(
            ["bash", "-c", script, "chromium", *program],
            pass_fds=(to_browser, from_browser),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        os.close(to_browser)
        os.close(from_browser)
        self._left, self._number, self.events = b"", 0, []

    def __enter__(self):
        return self

    def __exit__(self, *_error):
        with contextlib.suppress(OSError):
            self.call("Browser.close")
        self._process.wait(timeout=_PATIENCE_S)
        os.close(self._out)
        os.close(self._in)

    def call(self, method, session=None, **parameters):
        """The answer to a command of the protocol; what happens meanwhile is in `events`."""
        self._number += 1
        message = {"id": self._number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._out, json.dumps(message).encode() + b"\0")
        while True:
            answer = self._received()
            if answer.get("id") == self._number:
                assert "error" not in answer, f"{method}: {answer['error']}"
                return answer["result"]
            self.events.append(answer)

    def open(self, url, width=1280, height=900, scheme="light", ready=DRAWN):
        """A tab with the page at `url`, once `ready` is true in it."""
        target = self.call("Target.createTarget", url="about:blank")["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.call(f"{domain}.enable", session)
        tab = Tab(self, session)
        tab.resize(width, height)
        wanted = {"prefers-color-scheme": scheme, "prefers-reduced-motion": "reduce"}
        features = [{"name": name, "value": value} for name, value in wanted.items()]
        tab.call("Emulation.setEmulatedMedia", features=features)
        tab.call("Page.navigate", url=url)
        tab.wait(ready)
        return tab

    def _received(self):
        while b"\0" not in self._left:
            part = os.read(self._in, 2**16)
            assert part, "the browser ended"
            self._left += part
        line, _, self._left = self._left.partition(b"\0")
        return json.loads(line)


class Tab:
    """A page in the browser."""

    def __init__(self, browser, session):
        self._browser, self._session = browser, session

    def call(self, method, **parameters):
        return self._browser.call(method, self._session, **parameters)

    def resize(self, width, height):
        metrics = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.call("Emulation.setDeviceMetricsOverride", **metrics)

    def run(self, expression):
        """The value of an expression of the page, awaited."""
        answer = self.call(
            "Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def wait(self, expression):
        """Wait until an expression is true."""
        end = time.monotonic() + _PATIENCE_S
        while not self.run(expression):
            assert time.monotonic() < end, f"never: {expression}\n{self.errors()}"
            time.sleep(0.02)

    def press(self, key, code=0, text=""):
        """Press and release a key."""
        named = {"key": key, "code": key, "windowsVirtualKeyCode": code, "text": text}
        self.call("Input.dispatchKeyEvent", type="keyDown", **named)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=key)

    def click(self, x, y):
        """Move the mouse there, and click."""
        at = {"x": x, "y": y, "button": "left", "clickCount": 1}
        self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, **at)

    def picture(self, path, whole=True):
        """Write a picture of the page."""
        answer = self.call("Page.captureScreenshot", captureBeyondViewport=whole)
        Path(path).write_bytes(base64.b64decode(answer["data"]))

    def requests(self):
        """Everything that was fetched, the page itself first."""
        sent = (e["params"] for e in self._events() if e["method"] == "Network.requestWillBeSent")
        return [each["request"]["url"] for each in sent]

    def errors(self):
        """What went wrong in scripts, or was refused by the page's policy."""
        found = []
        for event in self._events():
            if event["method"] == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                found.append(details.get("exception", {}).get("description", details["text"]))
            if event["method"] == "Log.entryAdded":
                entry = event["params"]["entry"]
                found += [entry["text"]] if entry["level"] == "error" else []
            if event["method"] == "Runtime.consoleAPICalled":
                found += [event["params"]["type"]] if event["params"]["type"] == "error" else []
        return found

    def _events(self):
        return [event for event in self._browser.events if event.get("sessionId") == self._session]
