#!/usr/bin/env python3
# SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause
"""Chromium without a screen, driven by chromedriver, as far as tests and pictures of pages need it.

    with browser.Browser() as page:
        page.open("/path/report.html")
        page.run("return document.title")

It ends with the block, whatever happens in it, and leaves nothing behind.
"""
import base64
import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
import urllib.error
import urllib.request

SECONDS = 60  # for one command; the first may find a cold disk
OPTIONS = ["--headless", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking",
           "--disable-component-update", "--disable-sync", "--disable-dev-shm-usage", "--hide-scrollbars"]
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"  # as WebDriver marks one


def program():
    return shutil.which("chromium") or shutil.which("google-chrome")


def missing():
    """What there is not here, or None."""
    return None if program() and shutil.which("chromedriver") else "chromium or no chromedriver"


class Browser:
    def __init__(self, width=1200, height=900):
        self.directory = tempfile.mkdtemp(prefix="browser-")
        self.driver, self.size, self.session = None, (width, height), None

    def __enter__(self):
        try:
            self.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def start(self):
        # A group of its own, so that Chromium ends with it. Root has no sandbox.
        log = open(os.path.join(self.directory, "driver"), "w+", encoding="utf-8")
        self.driver = subprocess.Popen(["chromedriver", "--port=0"], stdout=log, stderr=log, start_new_session=True,
                                       env={**os.environ, "HOME": self.directory, "TMPDIR": self.directory})
        self.base = f"http://127.0.0.1:{self.port(log.name)}"
        arguments = OPTIONS + ["--user-data-dir=" + os.path.join(self.directory, "profile"),
                               "--window-size=%d,%d" % self.size]
        arguments += ["--no-sandbox"] if os.geteuid() == 0 else []
        wanted = {"browserName": "chrome", "goog:loggingPrefs": {"browser": "ALL"},
                  "goog:chromeOptions": {"args": arguments, "binary": program()}}
        self.base += "/session/" + self.ask("/session", capabilities={"alwaysMatch": wanted})["sessionId"]
        self.resize(*self.size)

    def port(self, log):
        for _ in range(SECONDS * 10):
            with open(log, encoding="utf-8") as lines:
                for line in lines:
                    if "started successfully on port" in line:
                        return int(line.split()[-1].rstrip("."))
            if self.driver.poll() is not None:
                break
            time.sleep(0.1)
        raise RuntimeError("chromedriver does not start")

    def __exit__(self, *_):
        if self.driver:
            try:
                if "/session/" in self.base:
                    self.ask("", "DELETE")
            except (OSError, RuntimeError, AttributeError):
                pass
            try:
                os.killpg(self.driver.pid, signal.SIGKILL)
            except ProcessLookupError:
                pass
            self.driver.wait()
        shutil.rmtree(self.directory, ignore_errors=True)

    def ask(self, path, method="POST", **body):
        request = urllib.request.Request(self.base + path, json.dumps(body).encode() if method == "POST" else None,
                                         {"Content-Type": "application/json"}, method=method)
        try:
            with urllib.request.build_opener(urllib.request.ProxyHandler({})).open(request, timeout=SECONDS) as reply:
                return json.load(reply)["value"]
        except urllib.error.HTTPError as error:
            raise RuntimeError(json.load(error)["value"]["message"].split("\n")[0]) from error

    def open(self, path):
        self.ask("/url", url="file://" + urllib.request.pathname2url(os.path.abspath(path)))

    def run(self, script, *arguments):
        """What the script returns; a list of arguments[0] .. is there for it."""
        return self.ask("/execute/sync", script=script, args=arguments)

    def find(self, selector):
        return self.ask("/element", using="css selector", value=selector)[ELEMENT]

    def click(self, selector):
        self.ask(f"/element/{self.find(selector)}/click")

    def type(self, selector, text):
        self.ask(f"/element/{self.find(selector)}/value", text=text)

    def point(self, selector, x, y):
        """Moves the mouse to a place in an element, which is scrolled into view; from its centre."""
        element = self.find(selector)
        self.run("document.querySelector(arguments[0]).scrollIntoView({block: 'center'})", selector)
        self.ask("/actions", actions=[{"type": "pointer", "id": "mouse", "parameters": {"pointerType": "mouse"},
                                       "actions": [{"type": "pointerMove", "x": x, "y": y,
                                                    "origin": {ELEMENT: element}}]}])

    def console(self):
        """What the page has written there since the last call: (level, message)."""
        return [(entry["level"], entry["message"]) for entry in self.ask("/se/log", type="browser")]

    def command(self, name, **parameters):
        """One of Chromium's own."""
        return self.ask("/goog/cdp/execute", cmd=name, params=parameters)

    def resize(self, width, height):
        self.command("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1,
                     mobile=False)

    def prefer(self, scheme="light", media="screen"):
        self.command("Emulation.setEmulatedMedia", media=media,
                     features=[{"name": "prefers-color-scheme", "value": scheme}])

    def picture(self):
        """The window, as the bytes of a PNG."""
        return base64.b64decode(self.ask("/screenshot", "GET"))
