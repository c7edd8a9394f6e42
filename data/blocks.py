"""Record block by block, so that a recorder may be killed at any moment and goes on where it was."""

import hashlib
import os
from concurrent.futures import ProcessPoolExecutor, as_completed
from multiprocessing import get_context

import numpy as np
from tqdm import tqdm


def save(path, arrays):
    """Move a finished block, a dict of arrays, into place as one file."""
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with draft.open("wb") as file:
        np.savez(file, **arrays)
    os.replace(draft, path)


def list_sum(path):
    """Put the SHA-256 of a recorded file into the list beside it, which loaders hold against the file."""
    from nbhelpers.data import SUMS, read_sums

    target = path.with_name(SUMS)
    sums = read_sums(target) | {path.name: hashlib.sha256(path.read_bytes()).hexdigest()}
    draft = target.with_suffix(".tmp")
    draft.write_text("".join(f"{digest}  {name}\n" for name, digest in sorted(sums.items())), "utf-8")
    os.replace(draft, target)


def fill(blocks, record, *, processes=None, unit="block", initializer=None, initargs=()):
    """Call ``record(*block, path)`` for each block whose file is missing, one process per core.

    `blocks` maps the path of each block to its arguments; `record` writes the file with `save`.
    """
    for folder in {path.parent for path in blocks}:
        folder.mkdir(parents=True, exist_ok=True)
        for draft in folder.glob("*.tmp"):  # left by a recorder that was killed
            draft.unlink()
    missing = {path: block for path, block in blocks.items() if not path.exists()}
    workers = {"mp_context": get_context("spawn"), "initializer": initializer, "initargs": initargs}
    with (
        ProcessPoolExecutor(processes or os.cpu_count(), **workers) as pool,
        tqdm(total=len(blocks), initial=len(blocks) - len(missing), unit=unit) as bar,
    ):
        for task in as_completed([pool.submit(record, *block, path) for path, block in missing.items()]):
            task.result()
            bar.update()
