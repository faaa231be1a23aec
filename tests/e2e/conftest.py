"""The product itself, started as a person starts it, and a real browser."""

import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

# Longer than anything takes, so that a hanging product fails the test instead of the run.
PATIENCE_S = 120
# What is expected of a page may wait for AWS's rates; Playwright itself gives up after 5 s.
expect.set_options(timeout=PATIENCE_S * 1000)

CHROMIUM_FLAGS = [
    "--no-sandbox",
    "--disable-quic",
    "--disable-background-networking",
    "--no-first-run",
]


@dataclass
class Running:
    """A `sah …` command that keeps running; ``said`` are its ``name: value`` lines."""

    process: subprocess.Popen[str]
    said: dict[str, str] = field(default_factory=dict)

    def read_until(self, last: str) -> None:
        """Read lines until one is ``last``.

        Fails the test when it ends before, or takes too long, which ends it.
        """
        assert self.process.stdout is not None
        watchdog = threading.Timer(PATIENCE_S, self.process.kill)
        watchdog.start()
        try:
            for line in self.process.stdout:
                if line.strip() == last:
                    return
                if match := re.fullmatch(r"(\w+): (\S+)", line.strip()):
                    self.said[match[1]] = match[2]
        finally:
            watchdog.cancel()
        pytest.fail(f"it ended with {self.process.wait()} before it said {last!r}")


@contextmanager
def sah(*arguments: str | Path, ready: str = "ready") -> Iterator[Running]:
    """Run a `sah` command until the block ends; then end it as Ctrl-C does."""
    command = [sys.executable, "-m", "sah.cli", *map(str, arguments)]
    environment = {name: v for name, v in os.environ.items() if not name.startswith("SAH_")}
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, bufsize=1, env=environment
    )
    running = Running(process)
    try:
        running.read_until(ready)
        yield running
    finally:
        process.send_signal(signal.SIGINT)
        try:
            process.wait(PATIENCE_S)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
            raise
        finally:
            if process.stdout is not None:
                process.stdout.close()


def run_sah(*arguments: str | Path) -> str:
    """Run a `sah` command to its end and give what it printed.

    :raises CalledProcessError: it did not exit with 0.
    """
    command: Sequence[str] = [sys.executable, "-m", "sah.cli", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=PATIENCE_S)
    return done.stdout


def log_in(page: Page, demo: Running) -> None:
    """Log in with what the demo printed."""
    page.goto("/")
    page.get_by_label("E-mail").fill(demo.said["email"])
    page.get_by_label("Password").fill(demo.said["password"])
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="Projects").wait_for()


@pytest.fixture(scope="session")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """One demo for all end-to-end tests; each test moves functions of its own."""
    folder = tmp_path_factory.mktemp("demo")
    with sah("demo", "--port", "0", "--aws-port", "0", "--instance", folder) as running:
        running.said["instance"] = str(folder)
        yield running


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    """Debian's Chromium. Without it these tests are skipped, in CI they fail."""
    chromium = shutil.which("chromium")
    if chromium is None:
        if os.environ.get("CI"):
            pytest.fail("chromium is not installed: apt-get install chromium")
        pytest.skip("chromium is not installed: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=CHROMIUM_FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def page(browser: Browser, demo: Running) -> Iterator[Page]:
    """A page of a new browser profile, logged in to the demo; no script may fail on it."""
    context = browser.new_context(base_url=demo.said["url"])
    context.set_default_timeout(PATIENCE_S * 1000)
    page = context.new_page()
    complaints: list[str] = []
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("console", lambda said: complaints.append(said.text) if said.type == "error" else None)
    log_in(page, demo)
    yield page
    context.close()
    assert complaints == []
