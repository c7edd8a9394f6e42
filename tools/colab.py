"""In Google Colab: install what it lacks, and make the course known to Python. The first cell of a lesson runs this."""

import os
import re
import subprocess
import sys
import tempfile
import tomllib
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
# What Colab brings, made to fit each other and its machines: these stay as they are.
BROUGHT = ["tensorflow", "keras", "numpy", "pandas", "matplotlib", "scikit-learn", "xarray", "ipywidgets"]
# The one is Colab's tensorflow under another name; instead of the other, Colab is where the course is read.
NOT_THERE = ["tensorflow-cpu", "jupyterlab"]
NAME = re.compile(r"[\w.-]+")
FAILED = "Installing what the course needs failed, as said below. Run this cell again, or restart the session."


def installed(name):
    """The version of a package, or None."""
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def missing(root=ROOT):
    """The dependencies of the course that are not installed here, each with its range, as in pyproject.toml."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    wanted = {NAME.match(line).group(): line.split(";")[0] for line in project["dependencies"]}
    return {name: line for name, line in wanted.items() if name not in BROUGHT + NOT_THERE and not installed(name)}


def locked(root=ROOT):
    """Of each package the version that requirements.lock names."""
    return dict(re.findall(r"^([\w.-]+)==(\S+)", (root / "requirements.lock").read_text(encoding="utf-8"), re.M))


def install(root=ROOT):
    """Install what is missing in the locked versions or, where these do not fit what Colab brings, in fitting ones."""
    lines, versions = missing(root), locked(root)
    if not lines:
        return
    with tempfile.TemporaryDirectory() as folder:
        kept = Path(folder, "kept.txt")
        kept.write_text("".join(f"{name}=={v}\n" for name in BROUGHT if (v := installed(name))), encoding="utf-8")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--constraint", str(kept)]
        for wanted in ([f"{name}=={versions[name]}" for name in lines], list(lines.values())):
            done = subprocess.run([*command, *wanted], capture_output=True, encoding="utf-8")
            if done.returncode == 0:
                return
    raise SystemExit(f"{FAILED}\n{done.stderr[-2000:]}")


def prepare(root=ROOT):
    """Set the variables of the Makefile, and make the course known to this process and those that it starts."""
    makefile = (root / "Makefile").read_text(encoding="utf-8")
    os.environ.update(re.findall(r"^export (\w+) := (.*)$", makefile, re.M))
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    paths = [path for path in os.environ.get("PYTHONPATH", "").split(os.pathsep) if path and path != str(root)]
    os.environ["PYTHONPATH"] = os.pathsep.join([str(root), *paths])
    os.chdir(root / "notebooks")


if __name__ == "__main__":
    from google.colab import output

    install()
    prepare()
    output.enable_custom_widget_manager()
