"""The suite itself runs without network, in this process and in those it starts."""

import os
import socket
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

ADDRESS = ("192.0.2.1", 80)  # reserved for documentation, belongs to nobody


def test_this_process_cannot_connect_elsewhere():
    with pytest.raises(ConnectionRefusedError, match="without network"), socket.socket() as s:
        s.connect(ADDRESS)


def test_a_child_process_cannot_connect_elsewhere():
    code = f"import socket; socket.socket().connect({ADDRESS})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, encoding="utf-8")
    assert "without network" in result.stderr


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as s:
        s.connect(server.getsockname())


def test_a_system_that_brings_its_own_sitecustomize_changes_nothing(tmp_path):
    # Debian's and Ubuntu's Python have one, imported before ours.
    (tmp_path / "sitecustomize.py").touch()
    tests = [
        f"{__file__}::{test.__name__}"
        for test in (test_this_process_cannot_connect_elsewhere, test_a_child_process_cannot_connect_elsewhere)
    ]
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", *tests]
    environment = os.environ | {"PYTHONPATH": str(tmp_path)}
    result = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, encoding="utf-8")
    assert result.returncode == 0, result.stdout + result.stderr
