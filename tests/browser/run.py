#!/usr/bin/env python3
"""A real browser in front of the sandbox's edge, while releases of the fixture app go live one after the other.

    tests/browser/run.py target/debug/publish [--screenshot FILE]

It needs chromium and chromedriver, and nothing of PyPI: WebDriver is plain HTTP. Where there is no browser it says so and
ends with 0. What must hold: no request fails, the console tells no error, the lazy chunks of a page that was opened before
a publish still load after it, and once publish has ended, a reload shows the new text.
"""

import argparse
import base64
import contextlib
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from pathlib import Path

BUILDS = Path(__file__).resolve().parents[2] / "fixtures/vite-app/builds"

# How many activations there are in all: each round makes four.
ROUNDS = 5

# What tells the releases apart: a link in every page's navigation, and the heading of a lazy route.
TEXTS = {
    "v1": ("Contact", "Three lanterns, any number of uses"),
    "v2": ("News", "Three lanterns for every kind of weather"),
}

# The lazy routes of the home page, each a chunk of its own, and words that only that chunk holds.
ROUTES = [("Mending", "How a lantern is mended"), ("Care", "Newspaper and vinegar"), ("Lanterns", "Three lanterns")]

# How long the browser may take for anything, in seconds.
PATIENCE = 20


class Browser:
    """One WebDriver session, with the log of everything that the browser asks for."""

    def __init__(self, driver, binary):
        self.driver = driver
        options = {
            "binary": binary,
            "args": ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--window-size=1200,900"],
            "perfLoggingPrefs": {"enableNetwork": True, "enablePage": False},
        }
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": options,
            "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
        }
        created = self.call("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = f"/session/{created['sessionId']}"

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        request = urllib.request.Request(self.driver + path, data, {"content-type": "application/json"}, method=method)
        with urllib.request.urlopen(request, timeout=60) as answer:
            return json.load(answer)["value"]

    def go(self, url):
        self.call("POST", self.session + "/url", {"url": url})

    def reload(self):
        self.call("POST", self.session + "/refresh", {})

    def run(self, script):
        return self.call("POST", self.session + "/execute/sync", {"script": script, "args": []})

    def new_tab(self):
        handle = self.call("POST", self.session + "/window/new", {"type": "tab"})["handle"]
        self.switch_to(handle)
        return handle

    def current_tab(self):
        return self.call("GET", self.session + "/window")

    def switch_to(self, handle):
        self.call("POST", self.session + "/window", {"handle": handle})

    def close_tab(self):
        self.call("DELETE", self.session + "/window")

    def click(self, label):
        """Follows the link with this text."""
        script = f"[...document.querySelectorAll('a')].find(a => a.textContent.trim() === {json.dumps(label)}).click()"
        self.until(f"return [...document.querySelectorAll('a')].some(a => a.textContent.trim() === {json.dumps(label)})")
        self.run(script)

    def until(self, condition):
        """Waits until a script returns true; a page that is just being replaced has no answer."""
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            with contextlib.suppress(urllib.error.HTTPError):
                if self.run(condition):
                    return
            time.sleep(0.02)
        raise SystemExit(f"the browser waited in vain for: {condition}\n{self.run('return document.body.innerText')}")

    def until_text(self, text):
        self.until(f"return document.body.innerText.includes({json.dumps(text)})")

    def screenshot(self, file):
        Path(file).write_bytes(base64.b64decode(self.call("GET", self.session + "/screenshot")))

    def log(self, kind):
        return self.call("POST", self.session + "/se/log", {"type": kind})

    def faults(self):
        """Requests that failed, and errors of the console, since the last time; and how many answers there were."""
        found, answers, from_edge = [], 0, 0
        for entry in self.log("performance"):
            message = json.loads(entry["message"])["message"]
            params = message["params"]
            if message["method"] == "Network.responseReceived":
                response = params["response"]
                if not response["url"].startswith("http://"):
                    continue
                answers += 1
                headers = {name.lower(): value for name, value in response["headers"].items()}
                from_edge += "hit from cloudfront" in headers.get("x-cache", "").lower()
                if response["status"] >= 400:
                    found.append(f"{response['status']} {response['url']}")
            elif message["method"] == "Network.loadingFailed" and not params.get("canceled"):
                found.append(f"{params['errorText']} ({params['type']})")
        found += [entry["message"] for entry in self.log("browser") if entry["level"] in ("SEVERE", "WARNING")]
        return found, answers, from_edge

    def quit(self):
        self.call("DELETE", self.session)


def free_port():
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        return listener.getsockname()[1]


@contextlib.contextmanager
def running(command, **options):
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait(10)


def until_answers(url):
    end = time.monotonic() + PATIENCE
    while True:
        try:
            return urllib.request.urlopen(url, timeout=5).close()
        except urllib.error.HTTPError:
            return None
        except OSError:
            if time.monotonic() > end:
                raise
            time.sleep(0.05)


class Project:
    """A folder with a build of the app, and the sandbox that belongs to it."""

    def __init__(self, publish, folder):
        self.publish_program = publish
        self.folder = folder / "project"
        self.folder.mkdir()
        own = ("PUBLISH_", "AWS_")
        self.environment = {name: value for name, value in os.environ.items() if not name.startswith(own)}
        # In a pipeline, publish takes the sandbox only where it is named.
        self.environment["PUBLISH_ENV"] = "sandbox"
        self.environment["XDG_STATE_HOME"] = str(folder / "state")

    def run(self, *arguments):
        done = subprocess.run(
            [self.publish_program, *arguments], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        if done.returncode != 0:
            raise SystemExit(f"publish {' '.join(arguments)} ended with {done.returncode}\n{done.stdout}{done.stderr}")

    def publish(self, build):
        shutil.rmtree(self.folder / "dist", ignore_errors=True)
        shutil.copytree(BUILDS / build, self.folder / "dist")
        self.run("dist")

    def rollback(self):
        self.run("rollback", "--env", "sandbox", "--yes")


def in_background(work):
    """Starts `work`; the function that is returned waits for it, and fails as it did."""
    failed = []

    def guarded():
        try:
            work()
        except BaseException as error:  # It is raised again where it is waited for.
            failed.append(error)

    thread = threading.Thread(target=guarded)
    thread.start()

    def join():
        thread.join()
        if failed:
            raise failed[0]

    return thread, join


def click_through(browser, site, thread):
    """Goes from page to page and from route to route for as long as the release is on its way."""
    clicks = 0
    browser.go(site)
    while thread.is_alive():
        for label, text in [*ROUTES, ("About", "A workshop on the old quay"), ("Home", "A light in the window")]:
            browser.click(label)
            browser.until_text(text)
            clicks += 1
    return clicks


def check_release(browser, site, release):
    """After publish has ended, a reload shows the new text on every page."""
    link, heading = TEXTS[release]
    browser.go(site)
    browser.reload()
    browser.until_text(link)
    browser.until_text(heading)
    browser.go(site + "about/")
    browser.reload()
    browser.until_text(link)


def activations(project):
    """What goes live in one round, and what visitors see then."""
    return [
        (lambda: project.publish("v1"), "v1"),
        (lambda: project.publish("v2"), "v2"),
        (lambda: project.publish("v1"), "v1"),
        (project.rollback, "v2"),
    ]


def play(project, browser, site, screenshot):
    clicks = answers = hits = 0
    faults = []

    def look():
        nonlocal answers, hits
        found, more, from_edge = browser.faults()
        faults.extend(found)
        answers, hits = answers + more, hits + from_edge

    for round_number in range(ROUNDS):
        for activate, release in activations(project):
            # A tab that was opened before: it has loaded the first route only.
            main_tab = browser.current_tab()
            browser.new_tab()
            browser.go(site)
            browser.until_text("Three lanterns")
            old_tab = browser.current_tab()
            browser.switch_to(main_tab)
            thread, join = in_background(activate)
            clicks += click_through(browser, site, thread)
            join()
            browser.switch_to(old_tab)
            for label, heading in ROUTES:
                browser.click(label)
                browser.until_text(heading)
            look()
            browser.close_tab()
            browser.switch_to(main_tab)
            check_release(browser, site, release)
            look()
            if faults:
                raise SystemExit("\n".join([f"round {round_number + 1}, {release}:", *faults]))
    if screenshot:
        browser.go(site + "_sandbox//")
        browser.screenshot(screenshot)
    print(f"{ROUNDS * 4} releases went live under {clicks} clicks and {answers} answers, {hits} of them from the edge; nothing failed")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("publish", type=Path)
    parser.add_argument("--screenshot", type=Path, help="where a picture of the edge's page goes")
    arguments = parser.parse_args()
    binary = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    driver = shutil.which("chromedriver")
    if not binary or not driver:
        print("SKIPPED: there is no chromium with chromedriver on this machine (Debian: chromium, chromium-driver)")
        return
    port = free_port()
    with tempfile.TemporaryDirectory() as temporary, contextlib.ExitStack() as stack:
        project = Project(str(arguments.publish.resolve()), Path(temporary))
        served = stack.enter_context(
            running([project.publish_program, "sandbox"], cwd=project.folder, env=project.environment)
        )
        site = next(line.split()[1] for line in served.stdout if line.strip().startswith("site "))
        stack.enter_context(running([driver, f"--port={port}"], cwd=temporary))
        until_answers(f"http://127.0.0.1:{port}/status")
        project.publish("v2")
        browser = Browser(f"http://127.0.0.1:{port}", binary)
        stack.callback(browser.quit)
        play(project, browser, site, arguments.screenshot)


if __name__ == "__main__":
    sys.exit(main())
