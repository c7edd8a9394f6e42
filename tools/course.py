"""`make` where there is none, as on Windows: python tools/course.py lab, or test, or another verb of VERBS.

It reads the commands from the Makefile, installs as tools/install.sh does, and takes the same variables, as in
python tools/course.py lab OPEN=notebooks/02_choose_the_number_of_hidden_layers.ipynb.
"""

import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VERBS = ("lab", "test", "lint", "tests", "unit", "checks", "browser", "nbval", "notebooks", "site")
BIN = Path(".venv", "Scripts" if os.name == "nt" else "bin")
INSTALLED = Path(".venv", ".installed")
PIP = ["-m", "pip", "--disable-pip-version-check", "install", "--quiet", "--no-warn-script-location"]
WANTED = "Python 3.11, 3.12 or 3.13"


def read(root=ROOT):
    """The Makefile's variables and what it exports, and of each verb the verbs that it needs and its lines."""
    text = (root / "Makefile").read_text(encoding="utf-8")
    variables = dict(re.findall(r"^(?:export )?(\w+) [:?]= ?(.*)$", text, re.M))
    exported = {name: variables[name] for name in re.findall(r"^export (\w+)", text, re.M)}
    rules = re.findall(r"^([a-z]+):([^#\n]*)(?:##.*)?\n((?:\t.*\n)*)", text, re.M)
    return variables, exported, {verb: (needs.split(), lines.splitlines()) for verb, needs, lines in rules}


def expand(text, variables):
    """A line of the Makefile with the values of its variables."""

    def value(found):
        name, _, pattern = found[1].partition(" ")
        if name == "wildcard":
            return " ".join(sorted(path.relative_to(ROOT).as_posix() for path in ROOT.glob(pattern)))
        return expand(variables[name], variables)

    return re.sub(r"\$\(([^()]+)\)", value, text)


def commands(verb, **given):
    """The commands of a verb, those of the verbs that it needs first, each as a list of words."""
    variables, _, rules = read()
    variables |= {"BIN": BIN.as_posix(), **given}
    needs, lines = rules[verb]
    found = [command for need in needs if need in rules for command in commands(need, **given)]
    for line in lines:
        found += [shlex.split(part) for part in expand(line.lstrip("\t@"), variables).split(" && ")]
    return found


def program(name, root=ROOT):
    """Where a program of the environment lies, with the ending that it has on this system."""
    found = shutil.which(Path(name).name, path=str(root / BIN))
    return found or sys.exit(f"The environment .venv lacks {Path(name).name}: delete the folder .venv, and try again.")


def up_to_date(root=ROOT):
    """Whether the environment is newer than all that it is made of."""
    made_of = [root / "requirements.lock", root / "pyproject.toml", *(root / "jupyter").rglob("*.*")]
    mark = root / INSTALLED
    return mark.exists() and all(path.stat().st_mtime <= mark.stat().st_mtime for path in made_of)


def install(root=ROOT):
    """Make .venv with the exact versions of requirements.lock, or say in one sentence what is missing."""
    if not (3, 11) <= sys.version_info[:2] <= (3, 13):
        sys.exit(f"The course needs {WANTED}: start this program with one of these, as py -3.13 tools/course.py lab.")
    print("Installing the course into .venv (some minutes the first time) ...")
    if not (root / BIN).exists() and subprocess.run([sys.executable, "-m", "venv", ".venv"], cwd=root).returncode:
        sys.exit("Making the environment .venv failed; the lines above say why.")
    for what in (["--requirement", "requirements.lock"], ["--no-deps", "--no-build-isolation", "--editable", "."]):
        if subprocess.run([program("python", root), *PIP, *what], cwd=root).returncode:
            sys.exit("Installing failed; the lines above say why. A missing network connection is the usual reason.")
    # A relative path, as in tools/install.sh, since the path of the course may have an umlaut.
    for link in (root / ".venv").rglob("nbhelpers.pth"):
        link.write_text(os.path.relpath(root, link.parent) + "\n", encoding="ascii")
    (root / INSTALLED).touch()


def main(verb="", *settings):
    if verb not in VERBS:
        sys.exit(f"{__doc__}\nVerbs: {', '.join(VERBS)}")
    if not up_to_date():
        install()
    _, exported, _ = read()
    for first, *others in commands(verb, **dict(setting.split("=", 1) for setting in settings)):
        done = subprocess.run([program(first), *others], cwd=ROOT, env=os.environ | exported)
        if done.returncode:
            sys.exit(done.returncode)


if __name__ == "__main__":
    main(*sys.argv[1:])
