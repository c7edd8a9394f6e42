"""For every test: quiet TensorFlow, one thread a process, UTF-8, and no network but this machine.

Kernels and servers inherit all of it.
"""

import gc
import os
import sys
from pathlib import Path

OFFLINE = str(Path(__file__).parent / "tests" / "offline")

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
# Tests read what a process prints as UTF-8, which Python on Windows does not write to a pipe by itself.
os.environ.setdefault("PYTHONUTF8", "1")
# Tests that ask make what a verb does ask for what the Makefile says, also in `make test WORKERS="-n 1"`.
os.environ.pop("MAKEFLAGS", None)
# Some processes test at a time. With a thread a core each, the small matrices of scikit-learn took up to twenty times
# as long, since the threads of one process wait, computing, for those of the other. And TensorFlow hands the small
# operations of our networks from thread to thread, which costs up to a fifth of a training.
for name in ("OPENBLAS_NUM_THREADS", "OMP_NUM_THREADS", "TF_NUM_INTRAOP_THREADS", "TF_NUM_INTEROP_THREADS"):
    os.environ.setdefault(name, "1")
os.environ["PYTHONPATH"] = os.pathsep.join(filter(None, [OFFLINE, os.environ.get("PYTHONPATH")]))
sys.path.insert(0, OFFLINE)

# Not sitecustomize, which Debian's and Ubuntu's Python bring too, and have imported long before.
import offline  # noqa: E402, F401
from xdist.scheduler import LoadScopeScheduling  # noqa: E402

from tests import forked_kernels  # noqa: E402


class ByFileOrServer(LoadScopeScheduling):
    """The tests of a file share what they load, so they stay in one process; those of some folders share a server."""

    def _split_scope(self, nodeid):
        file = Path(nodeid.split("::")[0])
        return str(file.parent if file.parent.name in ("browser", "site") else file)


def pytest_configure():
    forked_kernels.use()


def pytest_collection_finish():
    gc.freeze()  # Keras and the tests stay, so the collector need not walk through them


def pytest_xdist_make_scheduler(config, log):
    return ByFileOrServer(config, log)
