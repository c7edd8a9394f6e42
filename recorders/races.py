"""Let search methods race on the recorded trainings, many times each.

    python -m recorders.races                     # all methods
    python -m recorders.races random tpe          # some of them, see nbhelpers.search.SEARCH_METHODS

In a repetition the search sees the runs of one seed; what it found is worth the mean over the four others. It may be
killed at any moment and goes on where it was; a repetition in another space, by older code or by another version of
a library is not taken. When none is missing, they are joined into one file a task.
"""

import argparse
import functools
import os
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, SUMS, TASKS, load_runs, read_sums
from nbhelpers.search import RUNGS, SEARCH_METHODS, in_hand, incumbents, run_search, space_of, split_by_seed
from recorders.store import describe, fill, fingerprint, path_of, save, write

VERSION = 1  # raise it when a change of the code changes results, so that no older repetition is taken
REPETITIONS = {name: 50 if name == "gaussian process" else 100 for name in SEARCH_METHODS}
MARKS = np.arange(1, 101)  # full trainings spent
# About how many seconds a repetition takes, for the time left; where nothing is said, about half a second.
SECONDS = {"gaussian process": 30, "tpe": 2, "tpe with hyperband": 4, "evolution": 1, "random 1/27": 1}
# What rules of thumb leave of an atlas: 216 of 8,640 configurations. A hyperparameter with one value is settled.
BOX = {
    "units": [32, 64, 128],
    "hidden_layers": [1, 2, 4],
    "activation": "relu",
    "optimizer": "adam",
    "learning_rate": [0.000316, 0.001, 0.00316, 0.01],
}
SPACES = {"whole": {}, "box": BOX}
MEASURES = {
    "accuracy": ("accuracy of the network in hand", "trained to the end and paid for; mean of the seeds not seen", "1"),
    "seen_accuracy": ("seen accuracy of the network in hand", "of the one seed by which the search chose it", "1"),
    "credited_accuracy": (
        "credited accuracy",
        "what the highest score, after however few epochs, is worth once trained; mean of the seeds not seen",
        "1",
    ),
    "trials": ("configurations trained", "different ones, fully or in part", "1"),
    "overhead": ("overhead", "computing time of one core spent on choosing, mean over the repetitions", "s"),
}
LONG_NAMES = {
    "space": "configuration space: the whole atlas, or what rules of thumb leave of it",
    "search_method": "search method",
    "repetition": "repetition",
    "trainings": "budget, in full trainings",
}
PACKAGES = ("numpy", "scipy", "optuna", "scikit-optimize", "scikit-learn")


@functools.cache
def atlas(task, space):
    """The recorded trainings of a space, with their validation accuracies only."""
    return load_runs("atlas", task=task)[["val_accuracy"]].sel(SPACES[space])


def race(task, space, method, repetition, *, marks=MARKS):
    """Run one repetition; return what was reached at each mark, one array of shape (marks,) per measure."""
    runs = atlas(task, space)
    seen, unseen = split_by_seed(runs, repetition % runs.sizes["seed"])
    epochs = runs.sizes["epoch"] * np.asarray(marks)
    search = SEARCH_METHODS[method](space_of(runs), np.random.default_rng(repetition))
    trials, overhead = run_search(search, seen, budget=epochs[-1])
    done = np.searchsorted([trial.spent for trial in trials], epochs, side="right")
    return {
        "accuracy": in_hand(trials, seen, unseen, marks=epochs),
        "seen_accuracy": in_hand(trials, seen, seen[..., -1], marks=epochs),
        "credited_accuracy": incumbents(trials, unseen, marks=epochs),
        "trials": np.append(0, np.cumsum(first_times(trials)))[done],
        "overhead": np.append(0, np.cumsum(overhead))[done],
    }


def first_times(trials):
    """Whether a trial is the first one of its configuration."""
    known = set()
    return [not (trial.configuration in known or known.add(trial.configuration)) for trial in trials]


def record_race(path, *block):
    save(path, race(*block))


def blocks_of(task, methods, folder):
    """The path of each repetition and what `race` needs for it, those that take longest first."""
    found = {}
    for method in sorted(methods, key=seconds_of, reverse=True):
        for space in SPACES:
            mark = mark_of(task, space, method)
            for repetition in range(REPETITIONS[method]):
                block = {"task": task, "space": space, "method": method, "repetition": repetition}
                found[path_of(folder, block, mark)] = tuple(block.values())
    return found


def seconds_of(method):
    return SECONDS.get(method, 0.5)


def mark_of(task, space, method):
    """The fingerprint of the repetitions of a method in a space."""
    return fingerprint(
        atlas=read_sums(DATA_FOLDER / SUMS)[f"runs_atlas_{task}.nc"],
        space=SPACES[space],
        method=method,
        rungs=RUNGS,
        marks=MARKS.tolist(),
        code=VERSION,
        versions=versions(),
    )


def versions():
    return {name: version(name) for name in PACKAGES}


def join(task, paths):
    """Join the repetitions of a task into one dataset; raise if one is missing."""
    methods = list(dict.fromkeys(method for method in SEARCH_METHODS if method in {b[2] for b in paths.values()}))
    shape = len(SPACES), len(methods), max(REPETITIONS[method] for method in methods), len(MARKS)
    arrays = {name: np.full(shape, np.nan, "float32") for name in MEASURES}
    for path, (_, space, method, repetition) in paths.items():
        with np.load(path) as block:
            for name, array in arrays.items():
                array[list(SPACES).index(space), methods.index(method), repetition] = block[name]
    dims = ("space", "search_method", "repetition", "trainings")
    races = xr.Dataset(
        {name: (dims, array) for name, array in arrays.items()},
        coords={"space": list(SPACES), "search_method": methods, "repetition": range(shape[2]), "trainings": MARKS},
        attrs=attributes(task),
    )
    races["overhead"] = races["overhead"].mean("repetition")
    return describe(races, measures=MEASURES, axes=LONG_NAMES)


def attributes(task):
    """What a file says of itself."""
    return {
        "title": f"Races of search methods on the recorded trainings of {TASKS[task]}",
        "task": task,
        "seen": "the runs of seed repetition modulo 5",
        "rungs": ", ".join(map(str, RUNGS)) + " recorded epochs",
        "made_by": f"recorders.races, version {VERSION}",
        "versions": ", ".join(f"{name} {number}" for name, number in versions().items()),
        "license": "CC BY 4.0",
    }


def record(methods=SEARCH_METHODS, *, tasks=tuple(TASKS), folder=DATA_FOLDER, processes=None):
    """Run the repetitions that are missing; yield the path of each file, ``races_<task>.nc``, when it is made."""
    # One thread a process: a Gaussian process of a hundred points gains nothing from more.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    for task in tasks:
        blocks = blocks_of(task, methods, Path(folder) / "parts" / "races")
        costs = {path: seconds_of(block[2]) for path, block in blocks.items()}
        for _ in fill(blocks, record_race, costs=costs, processes=processes):
            pass
        if set(methods) == set(SEARCH_METHODS):
            target = Path(folder) / f"races_{task}.nc"
            write(target, join(task, blocks))
            yield target


def main():
    parser = argparse.ArgumentParser(description="Let search methods race; resumes where it was.")
    parser.add_argument("methods", nargs="*", help=f"by default all: {', '.join(SEARCH_METHODS)}")
    parser.add_argument("--processes", type=int, help="default: one a core")
    parser.add_argument("--folder", type=Path, default=DATA_FOLDER, help="where the files go")
    arguments = parser.parse_args()
    if unknown := set(arguments.methods) - set(SEARCH_METHODS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Choose from: {', '.join(SEARCH_METHODS)}")
    methods = arguments.methods or list(SEARCH_METHODS)
    for path in record(methods, folder=arguments.folder, processes=arguments.processes):
        print(f"{path}: {path.stat().st_size / 1e6:.2f} MB", flush=True)


if __name__ == "__main__":
    main()
