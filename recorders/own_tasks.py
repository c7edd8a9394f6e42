"""Record what notebook 13 finds on other data sets: python -m recorders.own_tasks.

The notebook's own cells run, each time with another source in its line `SOURCE, …` and another cut of the examples
that are locked away; so what is recorded is what a reader gets who puts a file there. It may be killed at any moment
and goes on where it was.
"""

import hashlib
import os
import tempfile
from functools import partial
from pathlib import Path

import nbformat
import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, load_mnist1d
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write

VERSION = 1  # raise it when a change of the code changes results
NOTEBOOK = Path(__file__).resolve().parent.parent / "notebooks" / "13_tune_a_task_of_your_own.ipynb"
CUTS = 5
MODELS = ("network", "gradient boosting", "linear model", "floor")
TABLES = {"cells": "breast_cancer", "wine": "wine", "iris": "iris", "digits": "digits", "diabetes": "diabetes"}
TASKS = (*TABLES, "mnist1d")
MEASURES = {
    "score": ("score on the locked examples", "accuracy, of a quantity R²", "1"),
    "deviation": ("standard deviation of the examples' scores", "of the locked examples", "1"),
    "difference": ("what the network leads by", "mean over the locked examples, in pairs", "1"),
    "margin": ("margin of that lead", "paired, corrected for three comparisons", "1"),
    "in_search": ("best score of the search", "on one cut", "1"),
    "again": ("score of the chosen settings, trained again", "mean of three other cuts and seeds", "1"),
    "locked": ("locked examples", "how many", "1"),
}
LONG_NAMES = {"task": "data set", "cut": "seed of the cut", "model": "model"}


def write_source(task, folder):
    """Write a data set as a reader would have it; return its path and the column to predict."""
    if task == "mnist1d":
        x, y = load_mnist1d("train")
        np.savez(folder / "signals.npz", x=x, y=y)
        return folder / "signals.npz", None
    from sklearn import datasets

    found = getattr(datasets, f"load_{TABLES[task]}")(as_frame=True)
    words = hasattr(found, "target_names") and task != "digits"
    target = found.target_names[found.target] if words else found.target
    found.data.assign(outcome=target).to_csv(folder / f"{task}.csv", index=False)
    return folder / f"{task}.csv", "outcome"


def cells(source, target, *, folder, cut, trials=20):
    """The code of the notebook, from its first line to the scores on the locked examples, for another source."""
    code = [c.source for c in nbformat.read(NOTEBOOK, as_version=4).cells if c.cell_type == "code"]
    last = next(i for i, text in enumerate(code) if "guesses.reveal" in text)
    for text in code[: last + 1]:
        if "load_breast_cancer" in text or "dirty" in text or "plot_sureness" in text or "guesses.ask" in text:
            continue
        if text.startswith("SOURCE, "):
            line = f"SOURCE, TARGET, KIND = {str(source)!r}, {target!r}, None"
            text = f"{line}\nSECONDS, TRIALS, FOLDER = None, {trials}, Path({str(folder)!r})\n" + text.split("\n", 2)[2]
        yield text.replace("task.cut(share=0.2, seed=0)", f"task.cut(share=0.2, seed={cut})").replace(
            "guesses.reveal(", "("
        )


def run(task, cut, *, trials=20):
    """Run the notebook on a data set; return an array of shape (models,), or one number, for each of `MEASURES`."""
    import matplotlib

    matplotlib.use("agg")
    with tempfile.TemporaryDirectory() as folder:
        namespace = {}
        for text in cells(*write_source(task, Path(folder)), folder=Path(folder, "own"), cut=cut, trials=trials):
            exec(compile(text, NOTEBOOK.name, "exec"), namespace)
    return results_of(namespace)


def results_of(namespace):
    """What a run of the notebook has left in its variables."""
    from nbhelpers.compare import ruler

    measured, again = namespace["measured"], namespace["again"]
    network = measured["network"]
    leads = [ruler(measured[name], network, image_error=0, paired=True, comparisons=3) for name in MODELS]
    return {
        "score": np.array([measured[name].mean() for name in MODELS]),
        "deviation": np.array([measured[name].std(ddof=1) for name in MODELS]),
        "difference": np.array([lead.difference for lead in leads]),
        "margin": np.array([lead.margin for lead in leads]),
        "in_search": np.array(namespace["finished"][0].value),
        "again": np.array(max(np.mean(scores) for scores in again.values())),
        "locked": np.array(len(network)),
    }


def record_cut(path, task, cut):
    save(path, run(task, cut))


def blocks_of(folder):
    """The path of each run and what `run` needs for it."""
    code = hashlib.sha256("\n".join(cells("", "", folder="", cut=0)).encode()).hexdigest()
    mark = partial(fingerprint, notebook=code, code=VERSION)
    pairs = [(task, cut) for task in TASKS for cut in range(CUTS)]
    return {path_of(folder, {"task": t, "cut": c}, mark(task=t, cut=c)): (t, c) for t, c in pairs}


def join(blocks):
    """Join the runs into one dataset."""
    arrays = {name: [] for name in MEASURES}
    for path in blocks:
        with np.load(path) as block:
            for name, values in arrays.items():
                values.append(block[name])
    shaped = {name: np.array(values).reshape(len(TASKS), CUTS, *values[0].shape) for name, values in arrays.items()}
    axes = ["task", "cut", "model"]
    runs = xr.Dataset(
        {name: (axes[: values.ndim], values) for name, values in shaped.items()},
        coords={"task": list(TASKS), "cut": range(CUTS), "model": list(MODELS)},
        attrs={
            "title": "What notebook 13 finds on other data sets",
            "made_by": f"recorders.own_tasks, version {VERSION}",
        },
    )
    runs.attrs["license"] = "CC BY 4.0"
    return describe(runs, measures=MEASURES, axes=LONG_NAMES)


def record(*, folder=DATA_FOLDER, processes=None):
    """Run what is missing; yield the path of the file, ``own_tasks.nc``, when it is made."""
    # One thread a process: the networks are small, and processes share the cores.
    for name, value in {"KERAS_BACKEND": "tensorflow", "TF_NUM_INTRAOP_THREADS": "1"}.items():
        os.environ.setdefault(name, value)
    blocks = blocks_of(Path(folder) / "parts" / "own_tasks")
    for _ in fill(blocks, record_cut, processes=processes):
        pass
    target = Path(folder) / "own_tasks.nc"
    write(target, join(blocks))
    yield target


if __name__ == "__main__":
    run_from_command_line(record, "Record what notebook 13 finds on other data sets.")
