"""The suite itself runs without network, in this process and in those it starts."""

import socket
import subprocess
import sys

import pytest

ADDRESS = ("192.0.2.1", 80)  # reserved for documentation, belongs to nobody


def test_this_process_cannot_connect_elsewhere():
    with pytest.raises(ConnectionRefusedError, match="without network"), socket.socket() as s:
        s.connect(ADDRESS)


def test_a_child_process_cannot_connect_elsewhere():
    code = f"import socket; socket.socket().connect({ADDRESS})"
    result = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert "without network" in result.stderr


def test_loopback_is_open():
    with socket.create_server(("127.0.0.1", 0)) as server, socket.socket() as s:
        s.connect(server.getsockname())
