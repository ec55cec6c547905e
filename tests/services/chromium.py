"""A real Chromium without a window, driven by its own protocol; what it asked for and complained of is kept."""

import base64
import json
import shutil
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
from websockets.sync.client import connect

from tests.services.conftest import wait_for

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
OPTIONS = ("--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", "--no-first-run", "--disable-sync")
QUIET = ("--disable-background-networking", "--disable-component-update", "--remote-debugging-port=0")


class Browser:
    """One page. `requests`: addresses that it asked for; `complaints`: errors, also those of its policies."""

    def __init__(self, socket: Any) -> None:
        self._socket, self._number = socket, 0
        self.requests: list[str] = []
        self.complaints: list[str] = []
        for domain in ("Page", "Runtime", "Log", "Network"):
            self.command(f"{domain}.enable")

    def command(self, method: str, **settings: Any) -> Any:
        self._number += 1
        self._socket.send(json.dumps({"id": self._number, "method": method, "params": settings}))
        while True:
            message = json.loads(self._socket.recv(timeout=60))
            if message.get("id") == self._number:
                assert "error" not in message, message
                return message["result"]
            self._hear(message.get("method"), message.get("params", {}))

    def _hear(self, method: str, told: dict[str, Any]) -> None:
        if method == "Network.requestWillBeSent":
            self.requests.append(told["request"]["url"])
        elif told.get("entry", {}).get("source") == "network":
            return  # an answer that is an error, which the page tells itself
        elif told.get("entry", {}).get("source") == "rendering":
            return  # what a graphics card would do better
        elif method == "Runtime.consoleAPICalled" and told["type"] != "error":
            return
        elif method in ("Runtime.exceptionThrown", "Runtime.consoleAPICalled", "Log.entryAdded"):
            self.complaints.append(json.dumps(told))

    def open(self, url: str) -> None:
        self.command("Page.navigate", url="about:blank")
        self.command("Page.navigate", url=url)
        self.until("document.readyState === 'complete' && !document.querySelector('[aria-busy]')")

    def run(self, script: str) -> Any:
        """The value of an expression."""
        found = self.command("Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True)
        assert "exceptionDetails" not in found, found
        return found["result"].get("value")

    def until(self, condition: str, *, seconds: float = 60) -> None:
        """Wait for an expression to be true."""
        wait_for(lambda: self.run(f"!!({condition})"), seconds=seconds, what=condition)

    def press(self, key: str, *, modifiers: int = 0) -> None:
        """A key of the keyboard."""
        text = {"Enter": "\r", " ": " "}.get(key, "")
        code = {"Enter": 13, "Tab": 9, " ": 32, "ArrowRight": 39}[key]
        for kind in ("keyDown", "keyUp"):
            self.command(
                "Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=code, text=text, modifiers=modifiers
            )

    def type(self, text: str) -> None:
        self.command("Input.insertText", text=text)

    def write(self, text: str) -> None:
        """In the place of what the focused field holds, key by key."""
        select = {"key": "a", "modifiers": 2, "commands": ["selectAll"]}
        self.command("Input.dispatchKeyEvent", type="keyDown", **select)
        for key in text:
            self.command("Input.dispatchKeyEvent", type="keyDown", key=key, text=key)
            self.command("Input.dispatchKeyEvent", type="keyUp", key=key)

    def click(self, element: str) -> None:
        """With the mouse, in the middle of an expression's element."""
        where = self.run(
            f"(() => {{ const found = {element}; found.scrollIntoView({{block: 'center', behavior: 'instant'}});"
            "const box = found.getBoundingClientRect(); return [box.x + box.width / 2, box.y + box.height / 2]; })()"
        )
        for kind in ("mousePressed", "mouseReleased"):
            self.command("Input.dispatchMouseEvent", type=kind, x=where[0], y=where[1], button="left", clickCount=1)

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        settings = {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600}
        self.command("Emulation.setDeviceMetricsOverride", **settings)
        scheme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[scheme])
        time.sleep(0.3)

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """Of the whole page, or of what is in the window."""
        found = self.command("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(found["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Browser]:
    """A browser that ends with the block; its profile is below `folder`."""
    assert CHROMIUM
    profile = folder / "profile"
    command = [CHROMIUM, *OPTIONS, *QUIET, f"--user-data-dir={profile}", "about:blank"]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        told = profile / "DevToolsActivePort"
        port = wait_for(lambda: told.exists() and told.read_text().split(), seconds=60, what="Chromium")[0]
        pages = wait_for(lambda: httpx.get(f"http://127.0.0.1:{port}/json").json(), seconds=20, what="a page")
        address = next(page["webSocketDebuggerUrl"] for page in pages if page["type"] == "page")
        with connect(address, max_size=None) as socket:
            yield Browser(socket)
    finally:
        process.terminate()
        process.wait(20)
