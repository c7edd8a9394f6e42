"""The kernels of the tests are as a reader's, and have Keras loaded when they start."""

import os
import sys

import pytest
from jupyter_client.manager import start_new_kernel

from tests import forked_kernels

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="kernels are forked on Linux alone")

SEEN = """
import os, sys
before = "keras" in sys.modules and "tqdm" not in sys.modules
import matplotlib.pyplot as plt
plt.plot([1, 2])
print([before, os.getcwd(), os.environ["OF_THIS_TEST"], os.getpid() == os.getpgid(0), __name__, plt.get_backend()])
"""


@pytest.fixture
def kernel(tmp_path):
    environment = {**os.environ, "OF_THIS_TEST": "1"}
    manager, client = start_new_kernel(kernel_name="python3", cwd=tmp_path, env=environment)
    yield manager, client
    client.stop_channels()
    manager.shutdown_kernel(now=True)


def said_by(client, code):
    """What a cell prints, or the name of its error, and the types of what it shows."""
    found = []

    def note(message):
        content = message["content"]
        found.append(content.get("text") or content.get("ename") or [*content.get("data", {})])

    client.execute_interactive(code, output_hook=note, timeout=60)
    return [what for what in found if what]


def test_a_kernel_has_keras_loaded_and_its_own_folder_variables_group_and_figures(kernel, tmp_path):
    manager, client = kernel
    assert isinstance(manager.provisioner.process, forked_kernels.ForkedKernel)
    *_, printed, shown = said_by(client, SEEN)
    inline = "module://matplotlib_inline.backend_inline"
    assert eval(printed) == [True, str(tmp_path), "1", True, "__main__", inline]
    assert "image/png" in shown


def test_a_kernel_is_interrupted_goes_on_and_can_be_killed(kernel):
    manager, client = kernel
    endless = "import time\nprint('begun')\nfor _ in range(600): time.sleep(0.1)"
    client.execute(endless, stop_on_error=False)  # else a kernel aborts what it is sent just after an error
    while client.get_iopub_msg(timeout=60)["msg_type"] != "stream":
        pass
    manager.interrupt_kernel()
    assert client.get_shell_msg(timeout=60)["content"]["ename"] == "KeyboardInterrupt"
    assert said_by(client, "print(6 * 7)")[-1] == "42\n"
    manager.provisioner.process.kill()
    assert manager.provisioner.process.wait(60) == -9
    assert not manager.is_alive()
