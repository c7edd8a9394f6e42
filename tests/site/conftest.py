"""The built pages, a plain static server for them, and a Chromium that can reach nothing else.

The folder `site` is no package, since Python has a module of this name: tests import its modules by their own.
"""

import os
import subprocess
import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from filelock import FileLock

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "site"))
MOVING = ["03", "04"]  # the lessons whose widgets the tests use: guesses of both kinds, figures to explore, the lab


class Handler(SimpleHTTPRequestHandler):
    extensions_map = SimpleHTTPRequestHandler.extensions_map | {".js": "text/javascript"}

    def log_message(self, *_):
        pass


@contextmanager
def serving(folder):
    """Serve a folder on 127.0.0.1; yield its address, which ends in "/"."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    server.handle_error = lambda *_: None  # a page that is closed breaks off what it asked for
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/"
    finally:
        server.shutdown()
        server.server_close()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, and the address under which it is served."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder) as address:
        yield folder, address


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built pages; the widgets of two lessons move. Processes that test at a time share it."""
    shared = tmp_path_factory.getbasetemp()
    folder = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "site"
    with FileLock(f"{folder}.lock"):
        if not (folder / "html" / "widgets").exists():
            command = [sys.executable, "site/build.py", "--to", str(folder), "--lessons", *MOVING]
            built = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8")
            assert not built.returncode, built.stdout + built.stderr
    return folder / "html"


@pytest.fixture(scope="session")
def address(site):
    with serving(site) as address:
        yield address


@pytest.fixture
def page(browser, address):
    """A page of 1280 × 900; what it asks of another address, and what goes wrong on it, fails the test."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    page = context.new_page()
    faults = []

    def look(route):
        elsewhere = not route.request.url.startswith((address, "blob:", "data:"))
        if elsewhere:
            faults.append(f"asked for {route.request.url}")
        route.abort() if elsewhere else route.continue_()

    context.route("**/*", look)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status} {r.url}"))
    yield page
    context.close()
    assert not faults


def open_page(page, url):
    """Open a page of the site and wait until its widgets answer."""
    page.goto(url)
    page.wait_for_function("() => !document.querySelector('.course-place') || document.body.dataset.moves")
