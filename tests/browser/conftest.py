"""A real JupyterLab on this machine, on a copy of the course, and a Chromium that opens it."""

import json
import os
import secrets
import shutil
import socket
import subprocess
import sys
import time
import urllib.request
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import pytest
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
SCRATCH = "scratch.ipynb"
expect.set_options(timeout=60_000)  # a machine that does something else, too, takes its time
NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
FLAGS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    # A classroom's server has a name, and serves plain http.
    "--host-resolver-rules=MAP classroom.test 127.0.0.1, MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
]


def find_chromium():
    places = [os.environ.get("CHROMIUM"), *map(shutil.which, NAMES)]
    places += ["/Applications/Google Chrome.app/Contents/MacOS/Google Chrome"]
    places += [Path(os.environ.get("PROGRAMFILES", ""), "Google", "Chrome", "Application", "chrome.exe")]
    return next((p for p in places if p and Path(p).exists()), None)


@dataclass
class Lab:
    """A running JupyterLab: its address, its token, and the folder of notebooks that it serves."""

    address: str
    token: str
    folder: Path

    def url(self, notebook):
        return f"{self.address}/lab/tree/{notebook}?token={self.token}&reset"


@pytest.fixture(scope="session")
def lab(tmp_path_factory):
    with running_lab(tmp_path_factory.mktemp("lab")) as lab:
        yield lab


@contextmanager
def running_lab(home, *, theme="JupyterLab Light"):
    """Start JupyterLab on a copy of the notebooks in the folder `home`, with its settings; stop it in the end."""
    shutil.copytree(ROOT / "notebooks", home / "notebooks", ignore=shutil.ignore_patterns(".ipynb_checkpoints"))
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        port = s.getsockname()[1]
    token = secrets.token_hex(16)
    command = [sys.executable, "-m", "jupyterlab", "--no-browser", "--ip=127.0.0.1", f"--port={port}"]
    command += ["--ServerApp.port_retries=0", f"--IdentityProvider.token={token}", "--allow-root"]
    command += ["--ServerApp.allow_remote_access=True"]  # under another name than localhost, but from this machine
    command += ["--LabApp.expose_app_in_browser=True", f"--ServerApp.root_dir={home / 'notebooks'}"]
    folders = {name: str(home / name.lower()) for name in ("JUPYTER_CONFIG_DIR", "JUPYTER_DATA_DIR")}
    folders["JUPYTER_RUNTIME_DIR"] = str(home / "runtime")
    folders["JUPYTERLAB_SETTINGS_DIR"] = str(home / "settings")
    folders["JUPYTERLAB_WORKSPACES_DIR"] = str(home / "workspaces")
    write_settings(home / "settings", theme=theme)
    write_config(Path(folders["JUPYTER_CONFIG_DIR"]))
    with (home / "log").open("wb") as log:
        server = subprocess.Popen(command, env=os.environ | folders, stdout=log, stderr=log)
    lab = Lab(f"http://127.0.0.1:{port}", token, home / "notebooks")
    try:
        wait_for(lab, server, home / "log")
        yield lab
    finally:
        server.terminate()
        server.wait(20)


def write_settings(folder, *, theme):
    """No pop-up about news, and every cell of a notebook in the page, also those outside the window."""
    settings = {
        "apputils-extension/notification": {"fetchNews": "false", "checkForUpdates": False},
        "apputils-extension/themes": {"theme": theme},
        "notebook-extension/tracker": {"windowingMode": "none"},
    }
    for name, values in settings.items():
        path = folder / "@jupyterlab" / f"{name}.jupyterlab-settings"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(values), encoding="utf-8")


def write_config(folder):
    """Let the server start kernels that have Keras loaded already."""
    folder.mkdir()
    lines = [
        "import sys",
        f"sys.path.append({str(ROOT)!r})",
        "from tests import forked_kernels",
        "forked_kernels.use()",
    ]
    (folder / "jupyter_server_config.py").write_text("\n".join(lines), encoding="utf-8")


def wait_for(lab, server, log, seconds=60):
    for _ in range(seconds * 10):
        try:
            urllib.request.urlopen(f"{lab.address}/api/status?token={lab.token}", timeout=5).close()
            return
        except OSError:
            if server.poll() is not None:
                break
            time.sleep(0.1)
    raise RuntimeError(f"JupyterLab did not start:\n{log.read_text(encoding='utf-8')[-2000:]}")


@pytest.fixture(scope="session")
def window(browser, lab):
    """The page in which the tests follow each other, since JupyterLab takes seconds to load."""
    context = browser.new_context(viewport={"width": 1280, "height": 900})
    yield context.new_page()
    context.close()


@pytest.fixture
def page(window, lab):
    """A page of 1280 × 900; a request to any other address than JupyterLab's fails the test."""
    elsewhere = []

    def look(request):
        if request.url.startswith(("http", "ws")) and lab.address not in request.url:
            elsewhere.append(request.url)

    window.context.on("request", look)
    window.set_default_timeout(60_000)
    yield window
    window.context.remove_listener("request", look)
    assert not elsewhere, f"the page asked for {elsewhere}"


def open_notebook(page, lab, name):
    """Open a notebook alone, wait for its kernel, and return the notebook's part of the page."""
    if page.evaluate("() => !window.jupyterapp"):
        page.goto(lab.url(name))
    else:
        page.evaluate(REOPEN, name)
    page.wait_for_function(
        "() => window.jupyterapp?.shell?.currentWidget?.sessionContext?.session?.kernel?.status === 'idle'",
        timeout=180_000,
        polling=100,  # milliseconds, and not at each frame, which keeps the page busy
    )
    return page.locator(".jp-NotebookPanel:not(.lm-mod-hidden) .jp-Notebook")


# Close what is open, without a question about changes, and open the notebook as it is on the disk.
REOPEN = """async (path) => {
  const { commands, shell } = jupyterapp;
  for (const widget of [...shell.widgets("main")]) {
    if (widget.context?.model) widget.context.model.dirty = false;
    widget.close();
  }
  const opened = await commands.execute("docmanager:open", { path });
  await opened.revealed;
}"""


def open_cells(page, lab, cells):
    """Open a notebook with these cells and run it; its kernel, once TensorFlow is loaded, serves the next test, too."""
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell) for cell in cells])
    notebook.metadata.kernelspec = {"name": "python3", "display_name": "Python 3"}
    nbformat.write(notebook, lab.folder / SCRATCH)
    opened = open_notebook(page, lab, SCRATCH)
    assert run_all(page), "a cell raised"
    return opened


def run_all(page):
    """Run every cell; False if one of them raised."""
    return page.evaluate("() => jupyterapp.commands.execute('notebook:run-all-cells')")


def execute(page, code):
    """Run code in the kernel of the open notebook, without a cell; return what it printed."""
    return page.evaluate(
        """async (code) => {
          const kernel = jupyterapp.shell.currentWidget.sessionContext.session.kernel;
          const future = kernel.requestExecute({ code });
          let text = "";
          future.onIOPub = (message) => {
            if (message.header.msg_type === "stream") text += message.content.text;
            if (message.header.msg_type === "error") text += message.content.evalue;
          };
          await future.done;
          return text.trim();
        }""",
        code,
    )


def expect_printed(page, code, text):
    """Wait until this code prints this text in the kernel: what the page shows at once arrives there a little later."""
    for _ in range(200):
        printed = execute(page, code)
        if printed == text:
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"{code} prints {printed!r} and not {text!r}")
