"""The built pages, a plain static server for them, and a Chromium that can reach nothing else.

The folder `site` is no package, since Python has a module of this name: tests import its modules by their own.
"""

import subprocess
import sys
import threading
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "site"))
from serve import Server  # noqa: E402

MOVING = "04"  # the lesson whose widgets the tests use: a guess, figures to explore, the lab


@contextmanager
def serving(folder):
    """Serve a folder on 127.0.0.1; yield its address, which ends in "/"."""
    with Server(folder) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield server.address
        server.shutdown()


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    """A folder, and the address under which it is served."""
    folder = tmp_path_factory.mktemp("served")
    with serving(folder) as address:
        yield folder, address


@pytest.fixture(scope="session")
def site(tmp_path_factory):
    """The folder of the built pages; the widgets of one lesson move, which do not need what it trains."""
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "site/build.py", "--to", str(folder), "--lessons", MOVING, "--skip", "trains"]
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

    def look(request):
        if not request.url.startswith((address, "blob:", "data:")):
            faults.append(f"asked for {request.url}")

    page.on("request", look)
    page.on("pageerror", lambda error: faults.append(str(error)))
    page.on("response", lambda r: r.status >= 400 and faults.append(f"{r.status} {r.url}"))
    yield page
    context.close()
    assert not faults


def open_page(page, url):
    """Open a page of the site and wait until its widgets answer."""
    page.goto(url)
    page.wait_for_function("() => !document.querySelector('.course-place') || document.body.dataset.moves")
