"""What a process of the tests has changed as soon as it imports this.

Every connection but loopback is blocked, and JAX hidden, so that the tests have what a reader has. And the garbage
collector looks more rarely: among the hundreds of thousands of objects that TensorFlow makes when it is imported, it
finds next to nothing, in a seventh of the time. At the end of the process, when all goes anyway, it does not look at
all: that took a second.
"""

import atexit
import gc
import ipaddress
import socket
import sys


def block_network():
    for name in ("connect", "connect_ex"):
        setattr(socket.socket, name, guard(getattr(socket.socket, name)))


def guard(original):
    def connect(self, address):
        if self.family in (socket.AF_INET, socket.AF_INET6) and not is_loopback(address[0]):
            raise ConnectionRefusedError(f"The tests run without network, and something connects to {address[0]}.")
        return original(self, address)

    return connect


def is_loopback(host):
    if host == "localhost":
        return True
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


class WithoutJax:
    """An importer that does not find JAX, which TensorFlow would import for seconds where the recorders have it."""

    @staticmethod
    def find_spec(name, path=None, target=None):
        if name == "jax":
            raise ModuleNotFoundError("The tests run without JAX, as the course does.", name=name)


gc.set_threshold(100_000, 20, 20)
atexit.register(gc.freeze)  # the first that is registered runs last
block_network()
sys.meta_path.insert(0, WithoutJax)
