"""`make` says in one sentence what is missing, and starts at once when nothing is."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a script of sh; Windows uses tools/course.py")
ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "df", "awk", "rm", "mkdir", "mktemp", "touch", "env", "cp", "chmod", "find", "xargs")
# A stand-in for a Python that fits. The environments that it makes have one too, and a jupyter that says its arguments.
FITTING = """#!/bin/sh
if [ "$1 $2" = "-m venv" ]; then
    mkdir -p "$3/bin" && cp "$0" "$3/bin/python"
    printf '#!/bin/sh\\necho jupyter "$@"\\n' > "$3/bin/jupyter"
    chmod +x "$3/bin/jupyter"
fi
case "$*" in *--editable*)
    site=.venv/lib/python3.12/site-packages
    mkdir -p "$site" && echo "$PWD" > "$site/nbhelpers.pth"
esac
"""


def write_program(path, text):
    path.parent.mkdir(parents=True, exist_ok=True)
    path.unlink(missing_ok=True)
    path.write_text(text, encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)
    return path


@pytest.fixture
def programs(tmp_path):
    """Return a folder with the few programs that the install script needs, for PATH."""
    folder = tmp_path / "bin"
    folder.mkdir()
    for name in TOOLS:
        (folder / name).symlink_to(shutil.which(name))
    return folder


@pytest.fixture
def install(tmp_path, programs):
    """Return a function that runs the install script in an empty folder, with stand-ins for some programs."""

    def run(named=None, **stand_ins):
        for name, script in stand_ins.items():
            write_program(programs / name, script if script.startswith("#!") else f"#!/bin/sh\n{script}\n")
        environment = {"PATH": str(programs)} | ({"PYTHON": str(named)} if named else {})
        command = ["sh", str(ROOT / "tools" / "install.sh")]
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, encoding="utf-8")

    return run


@pytest.fixture
def uv(tmp_path):
    """Return a stand-in for uv, which makes environments of a Python that fits."""
    python = write_program(tmp_path / "fetched" / "python", FITTING)
    return f"""#!/bin/sh
[ "$1 $2 $3" = "venv --python 3.13" ] && mkdir -p "$4/bin" && cp "{python}" "$4/bin/python"
"""


def assert_one_sentence(result, *words):
    assert result.returncode == 1
    assert len(result.stderr.splitlines()) == 1
    assert "Installing" not in result.stdout
    for word in words:
        assert word in result.stderr


def assert_installed(result, folder):
    assert result.returncode == 0, result.stderr
    assert result.stdout.splitlines()[-1] == "Done."
    assert (folder / ".venv" / "bin" / "python").read_text(encoding="utf-8") == FITTING


def test_no_python(install):
    assert_one_sentence(install(), "Python 3.11, 3.12 or 3.13", "make lab PYTHON=")


def test_a_python_that_is_too_old_and_has_no_uv(install):
    assert_one_sentence(install(python3="exit 1", python="exit 1"), "Python 3.11, 3.12 or 3.13", "uv could not")


def test_an_uv_that_cannot_fetch(install):
    assert_one_sentence(install(python3="exit 1", uv="echo no network >&2; exit 2"), "uv could not", "make lab PYTHON=")


def test_uv_fetches_a_python_where_none_fits(install, uv, tmp_path):
    result = install(python3="exit 1", uv=uv)
    assert_installed(result, tmp_path)
    assert "fetching 3.13" in result.stdout


def test_an_unfit_python_fetches_uv_where_there_is_none(install, uv, tmp_path):
    program = write_program(tmp_path / "fetched" / "uv", uv)
    unfit = f"""#!/bin/sh
case "$2" in
    venv) mkdir -p "$3/bin" && cp "$0" "$3/bin/python";;
    pip) cp "{program}" "${{0%/*}}/uv";;
    *) exit 1;;
esac
"""
    assert_installed(install(python3=unfit), tmp_path)


def test_the_python_that_is_named_is_taken_also_from_a_folder_with_spaces(install, tmp_path):
    named = write_program(tmp_path / "a b" / "python3.12", FITTING)
    assert_installed(install(named, python3="exit 1"), tmp_path)


@pytest.mark.parametrize("script", ["exit 1", None])
def test_a_python_that_is_named_and_does_not_fit_is_not_replaced_by_another(install, tmp_path, script):
    named = tmp_path / "a b" / "python3.14"
    if script:
        write_program(named, f"#!/bin/sh\n{script}\n")
    assert_one_sentence(install(named, python3=FITTING), str(named), "Python 3.11, 3.12 or 3.13")
    assert not (tmp_path / ".venv").exists()


def test_no_venv_module(install):
    no_venv = f'case "$2" in *"import venv"*) exit 1;; esac; exec "{sys.executable}" "$@"'
    assert_one_sentence(install(python3=no_venv), "venv module", "python3-venv")


def test_no_space(install):
    df = "echo header; echo disk 9999999 9999999 1048576 99% /"
    assert_one_sentence(install(python3=f'exec "{sys.executable}" "$@"', df=df), "4 GB", "has 1 GB")


def test_an_environment_that_is_there_needs_no_other_python(install, tmp_path):
    write_program(tmp_path / ".venv" / "bin" / "python", FITTING)
    assert_installed(install(), tmp_path)


@pytest.mark.parametrize("lacks", ["version_info", "import pip"])
def test_an_environment_that_does_not_fit_or_was_left_half_made_is_made_again(install, tmp_path, lacks):
    write_program(tmp_path / ".venv" / "bin" / "python", f'#!/bin/sh\ncase "$2" in *"{lacks}"*) exit 1;; esac\n')
    assert_installed(install(python3=FITTING), tmp_path)


@pytest.fixture
def make(tmp_path, programs):
    """Return a function that runs make in a copy of the course without content, in a folder with an odd name."""
    folder = tmp_path / "ein Ordner für Tests"
    for name in ("Makefile", "pyproject.toml", "requirements.lock", "tools/install.sh"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)

    def run(*arguments):
        command = [shutil.which("make"), "--no-print-directory", *arguments]
        environment = {"PATH": str(programs)}
        return subprocess.run(command, cwd=folder, env=environment, capture_output=True, encoding="utf-8")

    run.folder = folder
    return run


def test_make_lab_takes_a_python_with_spaces_and_hands_options_to_jupyterlab(make):
    python = write_program(make.folder / "a b" / "python3.12", FITTING)
    first = make("lab", f"PYTHON={python}", "OPTIONS=--allow-root --no-browser", "OPEN=notebooks/my own.ipynb")
    assert first.returncode == 0, first.stderr
    assert first.stdout.endswith("Done.\njupyter lab --allow-root --no-browser notebooks/my own.ipynb\n")
    (link,) = make.folder.glob(".venv/lib/*/site-packages/nbhelpers.pth")
    assert (
        link.read_bytes().isascii() and link.parent.joinpath(link.read_text("ascii").strip()).resolve() == make.folder
    )
    second = make("lab")
    assert second.stdout == "jupyter lab notebooks/01_train_a_first_network.ipynb\n"


def test_make_clean_keeps_what_only_shares_a_part_of_its_name(make):
    kept = make.folder / "notebooks" / "01.ipynb"
    (make.folder / "notebooks copy" / ".ipynb_checkpoints").mkdir(parents=True)
    kept.parent.mkdir()
    kept.touch()
    assert make("clean").returncode == 0
    assert kept.exists()
    assert not (make.folder / "notebooks copy" / ".ipynb_checkpoints").exists()


def test_a_second_make_has_nothing_to_install():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = ["make", "--no-print-directory", "--dry-run", "lint"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8", check=True)
    assert "install.sh" not in result.stdout
