"""Show the built pages on this machine: python site/serve.py [FOLDER]; Ctrl+C ends it."""

import contextlib
import sys
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGES = Path(__file__).resolve().parent / "_build" / "html"


class Handler(SimpleHTTPRequestHandler):
    # Whatever the machine believes a script to be: browsers load no modules of another type.
    extensions_map = {**SimpleHTTPRequestHandler.extensions_map, ".js": "text/javascript"}  # noqa: RUF012

    def log_message(self, *_):
        pass


class Server(ThreadingHTTPServer):
    """A static server for a folder on 127.0.0.1; at a port of its own choice, unless one is named."""

    def __init__(self, folder, port=0):
        super().__init__(("127.0.0.1", port), partial(Handler, directory=str(folder)))

    @property
    def address(self):
        return f"http://127.0.0.1:{self.server_port}/"

    def handle_error(self, *_):
        """A page that is closed breaks off what it asked for."""


def main(folder=PAGES):
    if not (Path(folder) / "index.html").exists():
        sys.exit(f"There are no pages in {folder}: `make site` builds them.")
    with Server(folder) as server:
        print(f"Open {server.address}; Ctrl+C ends it.", flush=True)
        server.serve_forever()


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        main(*sys.argv[1:])
