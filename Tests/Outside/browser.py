"""A headless Chromium, driven through its DevTools protocol over a pair of pipes: no port, no package."""

import fcntl
import json
import os
import select
import shutil
import subprocess
import tempfile
import time


class BrowserError(Exception):
    pass


def answer_within(seconds, what):
    """Instants until the patience with a loaded machine is over."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        yield end - time.monotonic()
    raise BrowserError(f"no answer within {seconds} s: {what}")


class Browser:
    """One browser process with a profile of its own, which goes away with it."""

    def __init__(self, program="chromium", patience=60):
        self.patience = patience
        self.profile = tempfile.mkdtemp(prefix="dmaledger-browser-")
        commands, self._commands = os.pipe()
        self._events, events = os.pipe()

        def attach():
            # The protocol wants descriptors 3 and 4, wherever the pipes happen to be.
            high = [fcntl.fcntl(end, fcntl.F_DUPFD, 100) for end in (commands, events)]
            os.dup2(high[0], 3)
            os.dup2(high[1], 4)

        self.process = subprocess.Popen(
            [program, "--headless=new", "--remote-debugging-pipe", "--no-sandbox", "--disable-gpu", "--no-first-run",
             "--disable-background-networking", "--hide-scrollbars", "--force-color-profile=srgb",
             f"--user-data-dir={self.profile}", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
            preexec_fn=attach, pass_fds=(3, 4))
        os.close(commands)
        os.close(events)
        self._buffer = b""
        self._next = 0
        self.heard = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        try:
            self.call("Browser.close")
        except (BrowserError, OSError):
            pass
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        shutil.rmtree(self.profile, ignore_errors=True)

    def _message(self, wait):
        while b"\0" not in self._buffer:
            if not select.select([self._events], [], [], wait)[0]:
                return None
            chunk = os.read(self._events, 1 << 16)
            if not chunk:
                raise BrowserError("the browser has gone away")
            self._buffer += chunk
        text, self._buffer = self._buffer.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, session=None, **parameters):
        """One command and its result; what else arrives meanwhile is kept in `heard`."""
        self._next += 1
        number = self._next
        message = {"id": number, "method": method, "params": parameters}
        if session:
            message["sessionId"] = session
        os.write(self._commands, json.dumps(message).encode() + b"\0")
        for left in answer_within(self.patience, method):
            answer = self._message(left)
            if answer is None:
                continue
            if answer.get("id") != number:
                self.heard.append(answer)
                continue
            if "error" in answer:
                raise BrowserError(f"{method}: {answer['error']['message']}")
            return answer["result"]

    def wait_for(self, event, session):
        for left in answer_within(self.patience, event):
            for index, message in enumerate(self.heard):
                if message.get("method") == event and message.get("sessionId") == session:
                    return self.heard.pop(index)["params"]
            message = self._message(left)
            if message:
                self.heard.append(message)


class Page:
    """A tab that remembers every complaint and every request."""

    def __init__(self, browser, width=1100, height=900):
        self.browser = browser
        target = browser.call("Target.createTarget", url="about:blank")["targetId"]
        self.target = target
        self.session = browser.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Performance"):
            self.call(f"{domain}.enable")
        self.resize(width, height)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.browser.call("Target.closeTarget", targetId=self.target)

    def call(self, method, **parameters):
        return self.browser.call(method, self.session, **parameters)

    def resize(self, width, height, mobile=False):
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)

    def prefer(self, scheme, medium=""):
        self.call("Emulation.setEmulatedMedia", media=medium, features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, path):
        self.call("Page.navigate", url="file://" + os.path.abspath(path))
        self.browser.wait_for("Page.loadEventFired", self.session)
        self.settle()

    def settle(self):
        """Until what was asked for has been drawn."""
        self.value("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(() => done(1))))")

    def value(self, expression):
        answer = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in answer:
            raise BrowserError(str(answer["exceptionDetails"].get("exception", answer["exceptionDetails"])))
        return answer["result"].get("value")

    def press(self, key, code=None, text=None, modifiers=0):
        codes = {"Tab": 9, "Enter": 13, "Escape": 27, "End": 35, "Home": 36, "ArrowLeft": 37, "ArrowRight": 39}
        parameters = {"key": key, "code": code or key, "windowsVirtualKeyCode": codes.get(key, 0), "modifiers": modifiers}
        if key == "Enter":
            text = "\r"
        if text or len(key) == 1:
            parameters["text"] = text or key
        self.call("Input.dispatchKeyEvent", type="keyDown", **parameters)
        self.call("Input.dispatchKeyEvent", type="keyUp", key=key, code=code or key)

    def complaints(self):
        """Everything that a developer would see in red, and every request but the one for the page itself."""
        found = []
        for message in self.browser.heard:
            if message.get("sessionId") != self.session:
                continue
            method, told = message.get("method"), message.get("params", {})
            if method == "Runtime.exceptionThrown":
                found.append("exception: " + str(told["exceptionDetails"].get("exception", {}).get("description")))
            elif method == "Log.entryAdded" and told["entry"]["level"] in ("error", "warning"):
                found.append(told["entry"]["text"])
            elif method == "Runtime.consoleAPICalled" and told["type"] in ("error", "warning", "assert"):
                found.append(f"console: {told['args']}")
            elif method == "Network.requestWillBeSent":
                request = told["request"]["url"]
                if told.get("type") != "Document" or not request.startswith("file://"):
                    found.append(f"request: {request}")
        return found

    def picture(self, path, box=None):
        import base64
        clip = {"clip": {**box, "scale": 1}} if box else {}
        shot = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=True, **clip)
        with open(path, "wb") as file:
            file.write(base64.b64decode(shot["data"]))
