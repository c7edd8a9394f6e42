"""Kernels that have Keras loaded when they start: forks of one process, which loads it once for all notebooks.

Otherwise some eighty kernels would each spend three seconds of a core on that. Nothing else differs. `make notebooks`
and a test of the claims start kernels as everybody does.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import sys
import time
from multiprocessing import forkserver
from pathlib import Path

import matplotlib
from jupyter_client.provisioning import local_provisioner

LOADED = ["ipykernel.kernelapp", "keras", "matplotlib.pyplot", "pandas", "scipy.stats", "sklearn.ensemble", "xarray"]
# When it is loaded, tqdm asks whether it is in a notebook; these keep the answer. A kernel loads them anew.
ASKING = {"tqdm", "optuna", "nbhelpers", "recorders", "tests"}
INLINE = "module://matplotlib_inline.backend_inline"


class ForkedKernel:
    """A kernel of this command line, as far as Jupyter wants it to be a `subprocess.Popen`."""

    stdin = stdout = stderr = None

    def __init__(self, command, *, env, cwd=".", **_):
        self.process = multiprocessing.get_context("forkserver").Process(target=run, args=(command, cwd, env))
        self.process.start()
        self.pid = self.process.pid
        while self.process.is_alive() and os.getpgid(self.pid) != self.pid:
            time.sleep(0.001)  # Jupyter sends its signals to the group

    def poll(self):
        return self.process.exitcode

    def wait(self, timeout=None):
        self.process.join(timeout)
        return self.poll()

    def send_signal(self, number):
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self):
        self.send_signal(signal.SIGTERM)

    def kill(self):
        self.send_signal(signal.SIGKILL)


def run(command, cwd, env):
    """Become the kernel: ``python -m MODULE ARGUMENTS`` in this folder, with these variables."""
    os.setsid()
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(env)
    with Path(os.devnull).open("r+b") as nowhere:
        for stream in (0, 1, 2):
            os.dup2(nowhere.fileno(), stream)
    for name in [name for name in sys.modules if name.split(".")[0] in ASKING]:
        del sys.modules[name]
    matplotlib.rcParams["backend"] = INLINE  # a kernel says so itself, too late where matplotlib is loaded
    gc.freeze()  # what is loaded stays, so the collector need not walk through it
    module, *sys.argv[1:] = command[command.index("-m") + 1 :]
    runpy.run_module(module, run_name="__main__", alter_sys=True)


def use():
    """From now on, kernels that this process starts are forks, where the system can do it."""
    if sys.platform == "linux":
        preload()
        local_provisioner.launch_kernel = ForkedKernel


def preload(*others):
    """Name what is loaded before a process is forked, these modules too; heard until the first is forked."""
    forkserver.set_forkserver_preload([*LOADED, *others])
