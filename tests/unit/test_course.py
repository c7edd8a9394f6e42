"""Where there is no make, tools/course.py runs what the Makefile says; and the spelling is checked without outputs."""

import importlib
import os
import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest

ROOT = Path(__file__).resolve().parents[2]
MAKE = ["make", "--no-print-directory", "--dry-run", "--old-file=.venv/.installed"]

sys.path.insert(0, str(ROOT / "tools"))
course = importlib.import_module("course")


@pytest.mark.skipif(sys.platform == "win32", reason="compares with make, which Windows lacks")
@pytest.mark.parametrize(
    ("verb", "given"),
    [*((verb, {}) for verb in course.VERBS), ("lab", {"OPEN": "notebooks/my own.ipynb", "OPTIONS": "--no-browser"})],
)
def test_each_verb_runs_the_commands_that_make_runs(verb, given):
    command = [*MAKE, verb, *(f"{name}={value}" for name, value in given.items())]
    shown = subprocess.run(command, cwd=ROOT, capture_output=True, encoding="utf-8", check=True).stdout
    wanted = [shlex.split(part) for line in shown.splitlines() for part in line.split(" && ")]
    assert wanted and course.commands(verb, **given) == wanted


def test_it_sets_the_variables_that_the_makefile_exports():
    _, exported, _ = course.read()
    assert exported == {"TF_CPP_MIN_LOG_LEVEL": "3", "TF_ENABLE_ONEDNN_OPTS": "0", "KERAS_BACKEND": "tensorflow"}


def test_it_installs_as_the_script_for_make_does_and_when_make_does():
    script = (ROOT / "tools" / "install.sh").read_text(encoding="utf-8")
    assert course.WANTED in script
    assert " ".join(course.PIP) + ' "$@"' in script
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8")
    (made_of,) = re.findall(r"^\$\(INSTALLED\): (.*)$", makefile, re.M)
    assert made_of == "requirements.lock pyproject.toml tools/install.sh $(shell find jupyter -type f)"
    assert len(list((ROOT / "jupyter").rglob("*.*"))) >= sum(p.is_file() for p in (ROOT / "jupyter").rglob("*"))


@pytest.fixture
def folder(tmp_path, monkeypatch):
    """A course in an empty folder, whose pip and venv only note what they are asked for."""
    for name in ("requirements.lock", "pyproject.toml"):
        shutil.copy(ROOT / name, tmp_path)
    (tmp_path / "jupyter").mkdir()
    ran = []

    def run(command, **options):
        ran.append(command[1:])
        if command[1:3] == ["-m", "venv"]:
            python = tmp_path / course.BIN / ("python.exe" if os.name == "nt" else "python")
            python.parent.mkdir(parents=True)
            python.touch(mode=0o755)
        if "--editable" in command:
            link = tmp_path / ".venv" / "lib" / "python3.12" / "site-packages" / "nbhelpers.pth"
            link.parent.mkdir(parents=True)
            link.write_text(str(tmp_path), encoding="utf-8")
        return SimpleNamespace(returncode=0)

    monkeypatch.setattr(course.subprocess, "run", run)
    return SimpleNamespace(path=tmp_path, ran=ran)


def test_it_installs_once_and_again_when_the_versions_change(folder):
    assert not course.up_to_date(folder.path)
    course.install(folder.path)
    script = (ROOT / "tools" / "install.sh").read_text(encoding="utf-8")
    environment, *installs = folder.ran
    assert environment == ["-m", "venv", ".venv"]
    for command in installs:
        assert command[: len(course.PIP)] == course.PIP
        assert f"pip {' '.join(command[len(course.PIP) :])} ||" in script
    (link,) = (folder.path / ".venv").rglob("nbhelpers.pth")
    assert link.parent.joinpath(link.read_text("ascii").strip()).resolve() == folder.path
    assert course.up_to_date(folder.path)
    later = (folder.path / course.INSTALLED).stat().st_mtime + 5
    os.utime(folder.path / "requirements.lock", (later, later))
    assert not course.up_to_date(folder.path)


def test_a_python_that_does_not_fit_is_refused_in_a_sentence(folder, monkeypatch):
    monkeypatch.setattr(course.sys, "version_info", (3, 14))
    with pytest.raises(SystemExit, match="needs Python 3.11, 3.12 or 3.13: start this program with one of these"):
        course.install(folder.path)
    assert not folder.ran


def test_it_runs_the_commands_in_order_and_stops_at_the_first_that_fails(monkeypatch):
    ran = []

    def run(command, *, cwd, env):
        ran.append(Path(command[0]).stem)
        assert cwd == ROOT and env["KERAS_BACKEND"] == "tensorflow"
        return SimpleNamespace(returncode=3 if "format" in command else 0)

    monkeypatch.setattr(course, "up_to_date", lambda: True)
    monkeypatch.setattr(course.subprocess, "run", run)
    with pytest.raises(SystemExit, match="3"):
        course.main("test")
    assert ran == ["ruff", "ruff"]


@pytest.mark.parametrize("verb", ["", "clean"])
def test_another_verb_lists_those_that_there_are(verb):
    with pytest.raises(SystemExit, match=r"(?s)tools/course.py lab.*Verbs: lab, test"):
        course.main(*[verb] if verb else [])


# Misspelled in parts, so that this file itself stays right.
WRONG = "seper" + "ate"


def check_spelling(folder):
    command = [sys.executable, str(ROOT / "tools" / "spelling.py"), str(folder)]
    return subprocess.run(command, capture_output=True, encoding="utf-8")


def test_a_misspelled_word_of_a_notebook_is_found_and_one_of_an_output_is_not(tmp_path):
    output = nbformat.v4.new_output("stream", text=WRONG)
    cells = [nbformat.v4.new_code_cell("print(word)", outputs=[output]), nbformat.v4.new_markdown_cell("Fine.")]
    path = tmp_path / "evidence" / "01_a.ipynb"
    path.parent.mkdir()
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    assert check_spelling(tmp_path).returncode == 0
    cells[1].source = f"Keep both {WRONG}."
    nbformat.write(nbformat.v4.new_notebook(cells=cells), path)
    found = check_spelling(tmp_path)
    assert found.returncode and re.search(r"01_a.cell 1:1: " + WRONG, found.stdout)


@pytest.mark.parametrize("name", ["README.md", "nbhelpers/a.py", ".github/a.yml", "site/a.md", "notebooks/a.md"])
def test_a_misspelled_word_of_any_other_text_is_found(tmp_path, name):
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for kept in (name, ".git/config", ".venv/lib/a.py", "site/_build/html/a.html", "notebooks/a.ipynb"):
        (tmp_path / kept).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / kept).write_text(f"Keep both {WRONG}.\n", encoding="utf-8")
    command = [sys.executable, "-m", "codespell_lib"]
    found = subprocess.run(command, cwd=tmp_path, capture_output=True, encoding="utf-8")
    lines = found.stdout.replace("\\", "/").splitlines()
    assert [line.split(":")[0] for line in lines] == [f"./{name}"]


def test_make_data_runs_every_file_that_has_a_slow_test():
    named = re.search(r"^SLOW := (.+)$", (ROOT / "Makefile").read_text(encoding="utf-8"), re.M)[1].split()
    slow = [path for path in (ROOT / "tests").rglob("test_*.py") if "mark." + "slow" in path.read_text("utf-8")]
    left_out = [path for path in slow if not any(path.is_relative_to(ROOT / name) for name in named)]
    assert slow and not left_out
