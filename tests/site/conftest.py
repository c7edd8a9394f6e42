"""A browser, the exporters of `site/`, and a folder served from this machine."""

import sys
import threading
from contextlib import contextmanager
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

from tests.browser.conftest import browser  # noqa: F401

ROOT = Path(__file__).resolve().parents[2]
sys.path.append(str(ROOT / "site"))  # not a package: Python has a module of this name


class Handler(SimpleHTTPRequestHandler):
    # Whatever the machine believes a script to be.
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *args):
        pass


@contextmanager
def served(folder):
    """Serve a folder; the value is its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
