"""One store for what is recorded: block by block, so that a recorder may be killed at any moment and goes on."""

import argparse
import hashlib
import json
import multiprocessing
import os
import threading
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from pathlib import Path

import numpy as np
from tqdm import tqdm

from nbhelpers.data import DATA_FOLDER, SUMS, read_sums

LOSSES = ("loss", "val_loss")
FILL = 65535  # of whole numbers, for what is missing
PACKED = {"dtype": "uint16", "scale_factor": np.float32(5e-5), "_FillValue": np.uint16(FILL)}  # for shares from 0 to 1
# For logarithms of probabilities, which keeps these to a hundredth of each.
LOGARITHMS = {"dtype": "int16", "scale_factor": np.float32(0.02), "_FillValue": np.int16(-(2**15))}
BAR = "{percentage:3.0f} % |{bar:40}| {elapsed} so far, {remaining} left"
MOST = 61  # processes that Python can wait for on Windows
ZIPPED = {"zlib": True, "complevel": 9, "shuffle": True}


def fingerprint(**what):
    """Twelve hexadecimal digits that change with anything that the results of a block depend on."""
    return hashlib.sha256(json.dumps(what, sort_keys=True).encode()).hexdigest()[:12]


def path_of(folder, setting, mark):
    """Where the block with these hyperparameters and this fingerprint lies."""
    return folder / ("-".join([*map(str, setting.values()), mark]).replace("/", "_") + ".npz")


def replace(path, write):
    """Let ``write(draft)`` write a file, and move it to `path` in one step."""
    path.parent.mkdir(parents=True, exist_ok=True)
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    write(draft)
    os.replace(draft, path)


def save(path, arrays):
    """Move a finished block, a dict of arrays, into place as one file."""

    def write(draft):
        with draft.open("wb") as file:
            np.savez_compressed(file, **arrays)

    replace(path, write)


def round_loss(loss):
    """Keep twelve bits of the mantissa, about four digits; infinite and undefined losses stay what they are."""
    bits = np.asarray(loss, "float32").view("uint32")
    rounded = (bits + np.uint32(0x3FF) + ((bits >> 11) & 1)) & np.uint32(0xFFFFF800)
    return np.where(np.isfinite(loss), rounded.view("float32"), loss).astype("float32")


def write_runs(path, runs):
    """Write recorded runs: accuracies as whole numbers, losses with twelve bits; and list the file's sum."""
    for name in LOSSES:
        runs[name].values[:] = round_loss(runs[name].values)
    write(path, runs)


def write(path, dataset):
    """Write a dataset in one move, accuracies and logarithms as whole numbers; and list the file's sum.

    An array is one piece, which opens twice as fast as many, and is a fifth smaller.
    """
    encoding = {name: encoding_of(name, values) for name, values in dataset.data_vars.items()}
    replace(path, lambda draft: dataset.to_netcdf(draft, engine="h5netcdf", encoding=encoding))
    list_sum(path)


def encoding_of(name, values):
    packing = PACKED if "accuracy" in name else LOGARITHMS if name.startswith("log_") else {}
    return {**ZIPPED, "chunksizes": values.shape} | packing


def describe(dataset, *, measures, axes):
    """Name variables, which have a comment and a unit, and axes in words; return the dataset."""
    for name, texts in measures.items():
        dataset[name].attrs = dict(zip(("long_name", "comment", "units"), texts, strict=True))
    for name in dataset.coords:
        dataset[name].attrs = {"long_name": axes[name]}
    return dataset


def list_sum(path):
    """Put the SHA-256 of a recorded file into the list beside it, which loaders hold against the file."""
    target = path.with_name(SUMS)
    sums = read_sums(target) | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    lines = "".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items()))
    replace(target, lambda draft: draft.write_text(lines, "utf-8", newline="\n"))


def fill(blocks, record, *, costs=None, processes=None):
    """Call ``record(path, *block)`` for each block whose file is missing, one process a core.

    Parameters
    ----------
    blocks : dict
        Of each block the path and what it is, a tuple, in the order in which they are recorded.
    record : callable
        Writes the file with `save`. It and its arguments must be fit for pickle.
    costs : dict, optional
        Of each path how much of the whole it is, for the time left; by default all are the same.
    processes : int, optional
        How many; by default one a core.

    Yields
    ------
    pathlib.Path
        Of each block whose file is there: those that were first, the others as soon as they are.

    Raises
    ------
    RuntimeError
        At the first block that fails; it says which. The others are stopped at once.
    """
    costs = costs or dict.fromkeys(blocks, 1)
    for folder in {path.parent for path in blocks}:
        sweep_up(folder)
    there = {path: block for path, block in blocks.items() if path.exists()}
    yield from there
    missing = {path: block for path, block in blocks.items() if path not in there}
    bar = tqdm(total=sum(costs.values()), initial=sum(costs[path] for path in there), bar_format=BAR, smoothing=0)
    with bar, _workers(min(processes or os.cpu_count(), max(len(missing), 1), MOST)) as pool:
        jobs = {pool.submit(record, path, *block): path for path, block in missing.items()}
        for job in as_completed(jobs):
            _result(job, missing[jobs[job]])
            bar.update(costs[jobs[job]])
            yield jobs[job]


def sweep_up(folder):
    """Make the folder, and remove drafts that a killed recorder left."""
    folder.mkdir(parents=True, exist_ok=True)
    for draft in folder.glob("*.tmp"):
        draft.unlink()


def _result(job, block):
    try:
        job.result()
    except BrokenProcessPool as problem:
        raise RuntimeError(
            "A process that recorded was ended from outside, perhaps for want of memory. What is finished is kept: "
            "start again, with fewer --processes."
        ) from problem
    except Exception as problem:
        raise RuntimeError(f"The block {block} failed, and the others were stopped: {problem!r}") from problem


@contextmanager
def _workers(processes):
    """A pool of fresh processes, which end at once if one of their blocks fails or their parent is gone."""
    context = multiprocessing.get_context("spawn")
    stop = context.Event()
    with ProcessPoolExecutor(processes, mp_context=context, initializer=_watch, initargs=(stop,)) as pool:
        try:
            yield pool
        except BaseException:
            stop.set()
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def _watch(stop):
    """In a worker: end with the recorder, so that the next one never meets a leftover."""
    parent = multiprocessing.parent_process()

    def watch():
        while not stop.wait(0.5) and parent.is_alive():
            pass
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def run_from_command_line(record, description):
    """Call a recorder with the folder and the number of processes of the command line; say what it has made."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--processes", type=int, help="default: one a core")
    parser.add_argument("--folder", type=Path, default=DATA_FOLDER, help="where the files go")
    arguments = parser.parse_args()
    for path in record(folder=arguments.folder, processes=arguments.processes):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", flush=True)
