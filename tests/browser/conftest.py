"""A real browser on a real server; only the networks are fakes that know colours.

The run leaves a screenshot of each main state in ``test-results/page``.
"""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import av
import numpy as np
import pytest
from playwright.sync_api import Browser, Page, Playwright, expect, sync_playwright

from ivos.server.protocol import VERSION
from tests.browser.worker import Worker
from tests.fakes import MovingSquares

ROOT = Path(__file__).parents[2]
PICTURES = ROOT / "test-results" / "page"
SQUARES = MovingSquares(length=16, size=(180, 320))
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--force-color-profile=srgb"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")


def find_browser(playwright: Playwright) -> str:
    """An installed Chromium or Chrome, else Playwright's own; fails loudly where there is none."""
    chosen = os.environ.get("IVOS_BROWSER")
    found = chosen or next((path for name in NAMES if (path := shutil.which(name))), None)
    own = playwright.chromium.executable_path
    if found is None and Path(own).exists():
        found = own
    if found is None:
        pytest.fail(
            "the page's tests need a browser and found none: run scripts/test, which brings one, "
            "or name one in IVOS_BROWSER",
            pytrace=False,
        )
    return found


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        path = find_browser(playwright)
        chromium = playwright.chromium.launch(executable_path=path, args=FLAGS)
        expect.set_options(timeout=90_000)
        yield chromium
        chromium.close()


@pytest.fixture(scope="session")
def clip(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The made clip as a file that keeps its colours."""
    path = tmp_path_factory.mktemp("made") / "squares.mkv"
    with av.open(str(path), "w") as output:
        stream = output.add_stream("ffv1", rate=25)
        stream.height, stream.width = SQUARES.size
        stream.pix_fmt = "bgr0"
        for frame in range(len(SQUARES)):
            image = np.ascontiguousarray(SQUARES[frame])
            output.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        output.mux(stream.encode())
    return path


@pytest.fixture(scope="session")
def films(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the servers may see: a folder a test."""
    return tmp_path_factory.mktemp("films")


@pytest.fixture
def folder(films: Path, clip: Path, request: pytest.FixtureRequest) -> Path:
    """A folder of its own for each test, with the clip in it."""
    opened = films / re.sub(r"\W+", "-", request.node.name)
    opened.mkdir()
    shutil.copy(clip, opened)
    return opened


class Server:
    """A server process that can be killed as a power cut would, and started again."""

    def __init__(self, folder: Path, *words: str) -> None:
        self.folder = folder
        self.words = words
        self.port = 0
        self._process: subprocess.Popen[str] | None = None

    @property
    def address(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    def start(self) -> Server:
        command = [sys.executable, "-m", "tests.browser.fake_server", str(self.folder)]
        paths = [str(ROOT), str(ROOT / "src"), os.environ.get("PYTHONPATH", "")]
        self._process = subprocess.Popen(
            [*command, *self.words, "--port", str(self.port)],
            cwd=ROOT,
            env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, paths))},
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self._process.stdout is not None
        address = self._process.stdout.readline().strip()
        assert address.startswith("http://"), "the server did not start"
        self.port = int(address.rpartition(":")[2])
        return self

    def kill(self) -> None:
        """As a crash: it gets no chance to tidy up."""
        self._end(signal.SIGKILL)

    def stop(self) -> None:
        self._end(signal.SIGINT)

    def _end(self, how: signal.Signals) -> None:
        if self._process is None:
            return
        self._process.send_signal(how)
        self._process.wait(timeout=30)
        assert self._process.stdout is not None
        self._process.stdout.close()
        self._process = None

    def opened(self, path: Path) -> Server:
        """Open a video, as if it had been picked on the first page."""
        data = json.dumps({"path": path.relative_to(self.folder).as_posix()}).encode()
        headers = {"Content-Type": "application/json", "X-Ivos-Protocol": str(VERSION)}
        call = urllib.request.Request(f"{self.address}/api/open", data, headers)
        with urllib.request.urlopen(call, timeout=60) as answer:
            assert answer.status == 200
        return self


@pytest.fixture(scope="session")
def quick(films: Path) -> Iterator[Server]:
    one = Server(films).start()
    yield one
    one.stop()


@pytest.fixture(scope="session")
def sluggish(films: Path) -> Iterator[Server]:
    one = Server(films, "--pause", "0.35").start()
    yield one
    one.stop()


@pytest.fixture
def stumbling(films: Path, folder: Path) -> Iterator[Server]:
    """A server at which every second stroke fails after it was answered early."""
    one = Server(films, "--stumble").start()
    yield one.opened(folder / "squares.mkv")
    one.stop()


@pytest.fixture
def server(quick: Server, folder: Path) -> Server:
    """A server that has the test's clip open."""
    return quick.opened(folder / "squares.mkv")


def new_page(browser: Browser) -> Page:
    """A page of 1280 x 720 in which an error of the script is an error of the test."""
    page = browser.new_context(viewport={"width": 1280, "height": 720}).new_page()
    page.set_default_timeout(90_000)
    page.problems = []  # type: ignore[attr-defined]
    page.on("pageerror", lambda error: page.problems.append(str(error)))  # type: ignore[attr-defined]
    return page


@pytest.fixture
def page(browser: Browser) -> Iterator[Page]:
    one = new_page(browser)
    yield one
    one.context.close()
    assert one.problems == []  # type: ignore[attr-defined]


@pytest.fixture
def worker(page: Page, server: Server) -> Worker:
    """A person who has opened the clip."""
    return Worker(page, SQUARES, PICTURES).open(server.address)


@pytest.fixture
def slow_worker(page: Page, sluggish: Server, folder: Path) -> Worker:
    """The same, where runs take a while."""
    return Worker(page, SQUARES, PICTURES).open(sluggish.opened(folder / "squares.mkv").address)
