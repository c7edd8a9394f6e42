"""`make` says in one sentence what is missing, and starts at once when nothing is."""

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TOOLS = ("sh", "df", "awk", "rm", "mkdir", "touch", "env")


@pytest.fixture
def install(tmp_path):
    """Return a function that runs the install script in an empty folder, with stand-ins for some programs."""
    programs = tmp_path / "bin"
    programs.mkdir()
    for name in TOOLS:
        (programs / name).symlink_to(shutil.which(name))

    def run(**stand_ins):
        for name, script in stand_ins.items():
            path = programs / name
            path.unlink(missing_ok=True)
            path.write_text(f"#!/bin/sh\n{script}\n")
            path.chmod(path.stat().st_mode | stat.S_IXUSR)
        command = ["sh", str(ROOT / "tools" / "install.sh")]
        return subprocess.run(command, cwd=tmp_path, env={"PATH": str(programs)}, capture_output=True, text=True)

    return run


def assert_one_sentence(result, *words):
    assert result.returncode == 1
    assert result.stdout == ""
    assert len(result.stderr.splitlines()) == 1
    for word in words:
        assert word in result.stderr


def test_no_python(install):
    assert_one_sentence(install(), "Python 3.11, 3.12 or 3.13", "make lab PYTHON=")


def test_a_python_that_is_too_old(install):
    assert_one_sentence(install(python3="exit 1", python="exit 1"), "Python 3.11, 3.12 or 3.13")


def test_no_venv_module(install):
    no_venv = f'case "$2" in *"import venv"*) exit 1;; esac; exec {sys.executable} "$@"'
    assert_one_sentence(install(python3=no_venv), "venv module", "python3-venv")


def test_no_space(install):
    df = "echo header; echo disk 9999999 9999999 1048576 99% /"
    assert_one_sentence(install(python3=f'exec {sys.executable} "$@"', df=df), "4 GB", "has 1 GB")


def test_a_second_make_has_nothing_to_install():
    environment = {k: v for k, v in os.environ.items() if not k.startswith("MAKE")}
    command = ["make", "--no-print-directory", "--dry-run", "lint"]
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=True)
    assert "install.sh" not in result.stdout
