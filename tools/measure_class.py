"""Measure what a class needs of a server: python tools/measure_class.py [--learners 16] FILE ...

Each lesson is run from its first cell to its last, once alone and once by so many kernels that start together, each in
a folder of its own. No class does that; it is the worst that one can do.
"""

import argparse
import asyncio
import contextlib
import copy
import os
import statistics
import sys
import tempfile
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
os.environ.setdefault("TF_ENABLE_ONEDNN_OPTS", "0")
os.environ.setdefault("KERAS_BACKEND", "tensorflow")

import nbformat
import psutil
from nbclient import NotebookClient


def memory():
    """Memory of all processes that this one has started, in GB; what several share counts once (on Linux)."""
    total = 0
    for process in psutil.Process().children(recursive=True):
        try:
            found = process.memory_full_info()
        except psutil.Error:  # it has just ended
            continue
        total += getattr(found, "pss", found.uss)
    return total / 1e9


async def attend(notebook, folder):
    """Run all cells of a notebook on a kernel of its own, in a new folder; return the seconds that it took."""
    start = time.perf_counter()
    resources = {"metadata": {"path": tempfile.mkdtemp(dir=folder)}}
    options = {"timeout": None, "startup_timeout": 600, "kernel_name": "python3"}
    await NotebookClient(copy.deepcopy(notebook), resources=resources, **options).async_execute()
    return time.perf_counter() - start


async def stop(tasks):
    """End all kernels, as the system would if memory ran out, and wait until nobody waits for them any more."""
    left = tasks
    while left:
        for process in psutil.Process().children():
            with contextlib.suppress(psutil.Error):
                if "ipykernel_launcher" in process.cmdline():
                    process.kill()
        _, left = await asyncio.wait(left, timeout=0.5)
    await asyncio.gather(*tasks, return_exceptions=True)  # each says that its kernel died


async def measure(notebook, *, learners, leave=3.0):
    """Run a notebook so many times at once.

    Returns
    -------
    seconds : list of float
        One for each learner.
    peak : float
        The most memory that all kernels together had at one moment, in GB.

    Raises
    ------
    MemoryError
        As soon as the machine has less than `leave` GB to spare; all kernels are stopped.
    """
    peak = 0
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as folder:
        tasks = pending = [asyncio.ensure_future(attend(notebook, folder)) for _ in range(learners)]
        while pending:
            _, pending = await asyncio.wait(pending, timeout=1)
            peak = max(peak, memory())
            if psutil.virtual_memory().available < leave * 1e9:
                await stop(pending)
                raise MemoryError(f"fewer than {leave:g} GB are left with {learners} learners")
    return [task.result() for task in tasks], peak


def main(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--learners", type=int, default=16)
    parser.add_argument("--leave", type=float, default=3.0, help="stop when fewer GB than these are left")
    options = parser.parse_args(arguments)
    spare = psutil.virtual_memory().available / 1e9
    print(f"{os.cpu_count()} cores, {spare:.0f} GB to spare, load {os.getloadavg()[0]:.1f}")
    for path in options.files:
        notebook = nbformat.read(path, as_version=4)
        for learners in sorted({1, options.learners}):
            try:
                seconds, peak = asyncio.run(measure(notebook, learners=learners, leave=options.leave))
            except MemoryError as problem:
                sys.exit(f"{path.name}: {problem}")
            times = f"median {statistics.median(seconds):.0f} s, slowest {max(seconds):.0f} s"
            print(f"{path.name}, {learners} at once: {times}; {peak:.1f} GB", flush=True)


if __name__ == "__main__":
    main(sys.argv[1:])
