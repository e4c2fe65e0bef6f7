"""A real headless browser for tests: Chromium, spoken to over its DevTools protocol."""

import itertools
import json
import shutil
import subprocess
import tempfile
import time
from pathlib import Path
from types import TracebackType
from typing import Any

import httpx

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser")
FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-extensions", "--remote-debugging-port=0", "--window-size=1200,1600",
]  # fmt: skip


class Browser:
    """One tab. ``requested`` are the addresses that its pages asked for."""

    def __init__(self, timeout: float = 30):
        from simple_websocket import Client

        self.timeout = timeout
        self.requested: list[str] = []
        self._home = tempfile.mkdtemp(prefix="chromium-")
        self._process = subprocess.Popen(
            [str(CHROMIUM), *FLAGS, f"--user-data-dir={self._home}", "about:blank"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        port_file = Path(self._home, "DevToolsActivePort")
        self._until(lambda: port_file.exists() and port_file.read_text(), "Chromium to start")
        port = port_file.read_text().split()[0]
        tabs = httpx.get(f"http://127.0.0.1:{port}/json/list").json()
        page = next(tab for tab in tabs if tab["type"] == "page")
        self._socket = Client.connect(page["webSocketDebuggerUrl"], max_message_size=2**26)
        self._numbers = itertools.count(1)
        self._call("Network.enable")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self._socket.close()
        self._process.terminate()
        self._process.wait(10)
        shutil.rmtree(self._home, ignore_errors=True)

    def open(self, address: str) -> None:
        """Go to an address."""
        self._call("Page.navigate", url=address)

    def resize(self, width: int, height: int) -> None:
        """Give the page a window of so many CSS pixels."""
        size = {"width": width, "height": height}
        self._call("Emulation.setDeviceMetricsOverride", **size, deviceScaleFactor=1, mobile=False)

    def run(self, script: str) -> Any:
        """The value of a JavaScript expression."""
        answer = self._call("Runtime.evaluate", expression=script, returnByValue=True)
        if "exceptionDetails" in answer:
            raise AssertionError(answer["exceptionDetails"])
        return answer["result"].get("value")

    def text(self) -> str:
        """What the page shows."""
        return str(self.run("document.body ? document.body.innerText : ''"))

    def wait_for(self, text: str) -> None:
        """Until the page shows a text."""
        self._until(lambda: text in self.text(), f"{text!r}", self.text)

    def wait_until(self, script: str) -> None:
        """Until a JavaScript expression holds."""
        self._until(lambda: self.run(script), script, self.text)

    def click(self, text: str) -> None:
        """Click the first button, tab or menu entry whose text begins with ``text``."""
        quoted = json.dumps(text)
        clicked = self.run(
            "(() => { const all = document.querySelectorAll("
            "'button, .q-tab, .q-item, [role=tab], [role=option]');"
            f"for (const e of all) if (e.innerText.trim().includes({quoted})) "
            "{ e.click(); return true } return false })()"
        )
        assert clicked, f"nothing to click says {text!r} in {self.text()}"

    def type(self, selector: str, text: str) -> None:
        """Focus an element and type."""
        self.run(f"document.querySelector({json.dumps(selector)}).focus()")
        self._call("Input.insertText", text=text)

    def press_enter(self) -> None:
        """The key, where one has typed."""
        for kind in ("keyDown", "keyUp"):
            self._call(
                "Input.dispatchKeyEvent", type=kind, key="Enter", code="Enter",
                windowsVirtualKeyCode=13, text="\r" if kind == "keyDown" else "",
            )  # fmt: skip

    def _call(self, method: str, **parameters: Any) -> dict[str, Any]:
        number = next(self._numbers)
        self._socket.send(json.dumps({"id": number, "method": method, "params": parameters}))
        deadline = time.monotonic() + self.timeout
        while time.monotonic() < deadline:
            message = json.loads(self._socket.receive(self.timeout) or "{}")
            if message.get("method") == "Network.requestWillBeSent":
                self.requested.append(message["params"]["request"]["url"])
            if message.get("id") == number:
                assert "error" not in message, message
                return dict(message["result"])
        raise AssertionError(f"Chromium did not answer {method}")

    def _until(self, condition: Any, what: str, shown: Any = lambda: "") -> None:
        deadline = time.monotonic() + self.timeout
        while not condition():
            if time.monotonic() > deadline:
                raise AssertionError(f"Waited {self.timeout} s for {what}; shown: {shown()}")
            time.sleep(0.1)
