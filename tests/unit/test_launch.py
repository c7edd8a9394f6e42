"""A lesson starts with one click: addresses, the cell that opens it in Google Colab, and what that cell installs."""

import importlib
import os
import re
import shutil
import subprocess
import sys
import types
from pathlib import Path
from types import SimpleNamespace

import nbformat
import pytest
from IPython.core.interactiveshell import InteractiveShell

ROOT = Path(__file__).resolve().parents[2]
LESSON = ROOT / "notebooks" / "01_train_a_first_network.ipynb"
HERE = "https://github.com/owner/name"

sys.path.insert(0, str(ROOT / "tools"))
launch, colab = (importlib.import_module(name) for name in ("launch", "colab"))


def project(folder, repository):
    (folder / "pyproject.toml").write_text(f'[tool.course]\nrepository = "{repository}"\n', encoding="utf-8")
    return folder


def test_the_address_stands_in_one_place_and_the_environment_overrides_it(tmp_path, monkeypatch):
    monkeypatch.delenv("COURSE_REPOSITORY", raising=False)
    assert launch.address(project(tmp_path, HERE)) == HERE
    monkeypatch.setenv("COURSE_REPOSITORY", "https://github.com/a/fork")
    assert launch.address(tmp_path) == "https://github.com/a/fork"


def test_the_address_of_this_repository_can_be_read():
    assert isinstance(launch.buttons(launch.address(ROOT), "notebooks/01.ipynb"), list)


@pytest.mark.parametrize("repository", [HERE, HERE + "/", HERE + ".git"])
def test_each_button_leads_to_the_notebook(repository):
    assert launch.buttons(repository, "notebooks/01 a.ipynb", branch="my/branch") == [
        ("Colab", "https://colab.research.google.com/github/owner/name/blob/my%2Fbranch/notebooks/01%20a.ipynb"),
        ("Binder", "https://mybinder.org/v2/gh/owner/name/my%2Fbranch?urlpath=lab%2Ftree%2Fnotebooks%2F01%20a.ipynb"),
        ("Codespaces", "https://codespaces.new/owner/name"),
    ]


def test_without_an_address_there_is_no_button():
    assert launch.buttons("", "notebooks/01.ipynb") == []


@pytest.mark.parametrize("repository", ["https://example.org/a/b", "a/b", HERE + "/tree/main", HERE + ";ls"])
@pytest.mark.parametrize("use", [lambda a: launch.buttons(a, "notebooks/01.ipynb"), launch.first_cell])
def test_an_address_that_is_not_of_github_is_refused_in_a_sentence(use, repository):
    with pytest.raises(ValueError, match=rf"must look like {HERE}, and is '{re.escape(repository)}'"):
        use(repository)


@pytest.fixture
def shell(monkeypatch):
    """IPython as the cell meets it; what it would run is noted in `calls`."""
    shell, calls = InteractiveShell.instance(), []
    monkeypatch.setattr(shell, "system", lambda command: calls.append(command))
    monkeypatch.setattr(shell, "run_line_magic", lambda name, line: calls.append(f"%{name} {line}"))
    yield SimpleNamespace(run=shell.run_cell, calls=calls)
    InteractiveShell.clear_instance()


@pytest.mark.parametrize("repository", [HERE, ""])
def test_the_first_cell_is_short_and_does_nothing_elsewhere(shell, repository, capsys):
    cell, folder, variables = launch.first_cell(repository), Path.cwd(), dict(os.environ)
    assert len([line for line in cell.splitlines() if line]) <= 4
    assert max(map(len, cell.splitlines())) <= 120
    assert "google.colab" not in sys.modules
    assert shell.run(cell).success
    assert (Path.cwd(), dict(os.environ), shell.calls) == (folder, variables, [])
    assert capsys.readouterr().out == ""


def test_in_colab_the_first_cell_clones_the_course_and_runs_its_program(shell, monkeypatch):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    assert shell.run(launch.first_cell(HERE)).success
    fetch, run = shell.calls
    assert fetch == "cd /content; [ -d course ] || git clone --depth 1 -q https://github.com/owner/name course"
    assert run == "%run /content/course/tools/colab.py"


@pytest.mark.filterwarnings("ignore:To exit")
def test_in_colab_a_course_without_address_says_so_in_a_sentence(shell, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, "google.colab", types.ModuleType("google.colab"))
    result = shell.run(launch.first_cell(""))
    assert isinstance(result.error_in_exec, SystemExit) and str(result.error_in_exec) == launch.UNKNOWN
    assert not shell.calls


@pytest.fixture
def lessons(tmp_path):
    """Copies of the first lesson, as it was before it had the cell, and of a page that is none."""
    notebook = nbformat.read(LESSON, as_version=4)
    notebook.cells = [cell for cell in notebook.cells if launch.TAG not in cell.metadata.get("tags", [])]
    for name in ("01_a.ipynb", "02_b.ipynb", "scratch.ipynb"):
        nbformat.write(notebook, tmp_path / name)
    return tmp_path


def test_lessons_get_the_cell_once_and_keep_all_others(lessons, monkeypatch, capsys):
    monkeypatch.setenv("COURSE_REPOSITORY", HERE)
    before = nbformat.read(lessons / "01_a.ipynb", as_version=4)
    scratch = (lessons / "scratch.ipynb").read_bytes()
    launch.main(lessons)
    after = nbformat.read(lessons / "01_a.ipynb", as_version=4)
    nbformat.validate(after)
    assert after.cells[0].source == launch.first_cell(HERE) and after.cells[0].metadata.tags == ["launch"]
    assert after.cells[1:] == before.cells
    assert (lessons / "scratch.ipynb").read_bytes() == scratch
    assert capsys.readouterr().out.count("its first cell is new") == 2
    written = (lessons / "02_b.ipynb").read_bytes()
    launch.main(lessons)
    assert (lessons / "02_b.ipynb").read_bytes() == written and capsys.readouterr().out == ""


def test_another_address_replaces_the_cell(lessons, monkeypatch):
    for repository in ("", HERE):
        monkeypatch.setenv("COURSE_REPOSITORY", repository)
        launch.main(lessons)
    cells = nbformat.read(lessons / "01_a.ipynb", as_version=4).cells
    assert [cell.source for cell in cells if "launch" in cell.metadata.get("tags", [])] == [launch.first_cell(HERE)]


def test_all_lessons_have_the_cell_of_the_address_in_pyproject_or_none_has_it(monkeypatch):
    monkeypatch.delenv("COURSE_REPOSITORY", raising=False)
    lessons = [nbformat.read(path, as_version=4).cells for path in LESSON.parent.glob("[0-9]*.ipynb")]
    found = {cells[0].source for cells in lessons if "launch" in cells[0].metadata.get("tags", [])}
    have = sum("launch" in cell.metadata.get("tags", []) for cells in lessons for cell in cells)
    assert (found, have) in [(set(), 0), ({launch.first_cell(launch.address())}, len(lessons))], "run tools/launch.py"


def test_the_cell_is_styled_as_all_others(lessons, monkeypatch):
    monkeypatch.setenv("COURSE_REPOSITORY", HERE)
    launch.main(lessons)
    ruff, settings = shutil.which("ruff", path=Path(sys.executable).parent), f"--config={ROOT / 'pyproject.toml'}"
    for command in (["check", "--no-cache"], ["format", "--check", "--no-cache"]):
        done = subprocess.run(
            [ruff, *command, settings, str(lessons / "01_a.ipynb")], capture_output=True, encoding="utf-8"
        )
        assert done.returncode == 0, done.stdout


@pytest.fixture
def elsewhere(monkeypatch):
    """Colab's packages and its pip, of which each command is noted, with the versions that it may not change."""
    there = {"tensorflow": "2.19.0", "keras": "3.10.0", "numpy": "2.0.2", "pandas": "2.2.2", "scipy": "1.16.3"}
    ran, outcomes = [], []

    def pip(command, **options):
        kept = Path(command[command.index("--constraint") + 1]).read_text(encoding="utf-8")
        ran.append((command[1:4], command[command.index("--constraint") + 2 :], kept.splitlines()))
        return SimpleNamespace(returncode=outcomes.pop(0) if outcomes else 0, stderr="no such version")

    monkeypatch.setattr(colab, "installed", there.get)
    monkeypatch.setattr(colab.subprocess, "run", pip)
    return SimpleNamespace(there=there, ran=ran, outcomes=outcomes)


def test_colab_gets_what_it_lacks_in_the_locked_versions(elsewhere):
    colab.install()
    ((command, wanted, kept),) = elsewhere.ran
    assert command == ["-m", "pip", "install"]
    lock = (ROOT / "requirements.lock").read_text(encoding="utf-8").splitlines()
    assert "optuna" in [line.split("==")[0] for line in wanted]
    assert all(any(line.split(" ;")[0] == pin for line in lock) for pin in wanted)
    names = {line.split("==")[0] for line in wanted}
    assert not names & {"tensorflow", "tensorflow-cpu", "jupyterlab", "scipy", *colab.BROUGHT}
    assert kept == ["tensorflow==2.19.0", "keras==3.10.0", "numpy==2.0.2", "pandas==2.2.2"]


def test_where_a_locked_version_does_not_fit_colab_a_fitting_one_is_taken(elsewhere):
    elsewhere.outcomes.append(1)
    colab.install()
    assert [line for line in elsewhere.ran[1][1] if line.startswith("optuna>=")]
    elsewhere.outcomes += [1, 1]
    with pytest.raises(SystemExit, match="(?s)Installing what the course needs failed.*no such version"):
        colab.install()


def test_a_second_run_installs_nothing(elsewhere):
    elsewhere.there |= dict.fromkeys(colab.locked(), "1")
    colab.install()
    assert not elsewhere.ran


def test_the_course_is_known_to_python_and_its_variables_are_those_of_the_makefile(tmp_path, monkeypatch):
    for name in ("KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("PYTHONPATH", "before")
    monkeypatch.setattr(sys, "path", ["before"])
    monkeypatch.chdir(tmp_path)
    colab.prepare()
    assert {name: os.environ[name] for name in ("KERAS_BACKEND", "TF_ENABLE_ONEDNN_OPTS", "TF_CPP_MIN_LOG_LEVEL")} == {
        "KERAS_BACKEND": "tensorflow",
        "TF_ENABLE_ONEDNN_OPTS": "0",
        "TF_CPP_MIN_LOG_LEVEL": "3",
    }
    assert sys.path == [str(ROOT), "before"] and os.environ["PYTHONPATH"] == os.pathsep.join([str(ROOT), "before"])
    assert Path.cwd() == ROOT / "notebooks"


FAKE = """
import sys, types
colab, output = types.ModuleType("google.colab"), types.ModuleType("google.colab.output")
output.enable_custom_widget_manager = lambda: print("widgets")
colab.output = output
sys.modules |= {"google": types.ModuleType("google"), "google.colab": colab, "google.colab.output": output}
import runpy
runpy.run_path(sys.argv[1], run_name="__main__")
import nbhelpers.data
print(nbhelpers.data.DATA_FOLDER.is_dir())
"""


def test_the_program_prepares_a_colab_that_lacks_nothing():
    """Here everything is installed, so that pip is not asked."""
    command = [sys.executable, "-c", FAKE, str(ROOT / "tools" / "colab.py")]
    done = subprocess.run(command, capture_output=True, encoding="utf-8")
    assert done.stdout.split() == ["widgets", "True"], done.stderr
