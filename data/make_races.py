"""Let search methods race on the recorded trainings, many times each (see data/README.md).

    python data/make_races.py                     # all methods
    python data/make_races.py random tpe          # some of them, see METHODS

In a repetition the search sees the runs of one seed alone; what it found is worth the mean over the others.
A finished repetition is moved into place as one file, so the program may be killed at any moment and goes on
where it was. When no repetition is missing, they are joined into one netCDF file.
"""

import argparse
import os
import platform
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr
from blocks import fill, list_sum, save

from nbhelpers.data import load_runs
from nbhelpers.search import SEARCH_METHODS, incumbents, run_search, space_of, split_by_seed

FOLDER = Path(__file__).resolve().parent
RUNGS = (2, 6, 15)
METHODS = [
    "random",
    "grid of 10",
    "grid of 30",
    "grid of 100",
    "halving",
    "hyperband",
    "gaussian process",
    "tpe",
    "tpe with hyperband",
    "evolution",
]
REPETITIONS = 120
EPOCHS = 15  # of a full training
MARKS = np.arange(1, 101)  # full trainings spent
MEASURES = {
    "accuracy": ("validation accuracy of the incumbent", "mean of the seeds that the search did not see", "1"),
    "seen_accuracy": (
        "validation accuracy that the search saw",
        "the best of one seed, after any number of epochs",
        "1",
    ),
    "overhead": ("time spent choosing configurations", "computing time of one core, since the start", "s"),
    "trials": ("configurations trained", "different ones, fully or in part", "1"),
}


def repeat(method, repetition, *, runs=None):
    """Run one repetition; return what was reached at each mark, one array per measure."""
    runs = load_runs("atlas") if runs is None else runs
    space = space_of(runs)
    seen, unseen = split_by_seed(runs, repetition % runs.sizes["seed"])
    search = SEARCH_METHODS[method](space, np.random.default_rng(repetition), rungs=RUNGS)
    trials, overhead = run_search(search, seen, budget=EPOCHS * MARKS[-1])
    spent = np.array([trial[0] for trial in trials])
    new = ~np.array([trial[1] in {t[1] for t in trials[:i]} for i, trial in enumerate(trials)])
    done = np.searchsorted(spent, EPOCHS * MARKS, side="right")  # trials finished by each mark
    return {
        "accuracy": incumbents(trials, unseen, marks=EPOCHS * MARKS),
        "seen_accuracy": np.append(np.nan, np.maximum.accumulate([trial[3] for trial in trials]))[done],
        "overhead": np.append(0, np.cumsum(overhead))[done],
        "trials": np.append(0, np.cumsum(new))[done],
    }


def record(method, repetition, path):
    save(path, repeat(method, repetition))


def file_of(method, repetition, parts):
    return parts / f"{method}-{repetition}.npz"


def record_all(methods, parts, *, processes=None):
    """Run the repetitions that are missing, one process per core."""
    everything = [(method, repetition) for repetition in range(REPETITIONS) for method in methods]
    fill({file_of(*pair, parts): pair for pair in everything}, record, processes=processes, unit="repetition")


def join(parts, *, methods=METHODS):
    """Join the repetitions into one dataset."""
    arrays = {name: [] for name in MEASURES}
    for method in methods:
        blocks = [np.load(file_of(method, repetition, parts)) for repetition in range(REPETITIONS)]
        for name, rows in arrays.items():
            rows.append([block[name] for block in blocks])
    races = xr.Dataset(
        {
            name: (("search_method", "repetition", "trainings"), np.array(rows, "float32"), attributes(name))
            for name, rows in arrays.items()
        },
        coords={"search_method": list(methods), "repetition": np.arange(REPETITIONS), "trainings": MARKS},
        attrs={
            "title": "Races of search methods on the recorded trainings",
            "made_by": "data/make_races.py",
            "seen": "the runs of seed repetition modulo 3",
            "versions": ", ".join(f"{p} {version(p)}" for p in ("numpy", "optuna", "scikit-optimize", "scikit-learn")),
            "machine": f"{platform.machine()}, one core per repetition, {os.cpu_count()} cores",
            "license": "CC BY 4.0",
        },
    )
    races["search_method"].attrs = {"long_name": "search method"}
    races["repetition"].attrs = {"long_name": "repetition"}
    races["trainings"].attrs = {"long_name": f"budget, in full trainings of {EPOCHS} epochs"}
    return races


def attributes(name):
    return dict(zip(("long_name", "comment", "units"), MEASURES[name], strict=True))


def main():
    parser = argparse.ArgumentParser(description="Let search methods race; resumes where it was.")
    parser.add_argument("methods", nargs="*", help=f"by default all: {', '.join(METHODS)}")
    parser.add_argument("--processes", type=int, help="default: one per core")
    arguments = parser.parse_args()
    if unknown := set(arguments.methods) - set(METHODS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Choose from: {', '.join(METHODS)}")
    # One thread a process: a Gaussian process of a hundred points gains nothing from more.
    os.environ.update({"OMP_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"})
    parts = FOLDER / "parts" / "races"
    record_all(arguments.methods or METHODS, parts, processes=arguments.processes)
    if not arguments.methods:
        path = FOLDER / "races.nc"
        races = join(parts)
        races.to_netcdf(
            path, engine="h5netcdf", encoding={name: {"zlib": True, "complevel": 9} for name in races.data_vars}
        )
        list_sum(path)
        print(f"{path.relative_to(FOLDER.parent)}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
