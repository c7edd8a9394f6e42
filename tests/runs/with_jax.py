"""Run programs with JAX, which the tests hide from all others."""

import os
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

import pytest


def installed():
    """Asked of the installer, since the tests hide it."""
    try:
        return bool(version("jax"))
    except PackageNotFoundError:
        return False


needed = pytest.mark.skipif(not installed(), reason="only `make runs`, `make data` and `make bench` install JAX")


def run(program, *arguments):
    """Run a program of this folder where JAX is not hidden; return what it prints."""
    paths = os.environ["PYTHONPATH"].split(os.pathsep)
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(path for path in paths if "offline" not in path)}
    command = [sys.executable, str(Path(__file__).with_name(program)), *map(str, arguments)]
    result = subprocess.run(command, env=environment, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stderr[-2000:]
    return result.stdout
