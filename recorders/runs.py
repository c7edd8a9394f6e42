"""Record sweeps of trainings into one netCDF file each.

    python -m recorders.runs optimizers_mnist       # names of sweeps, see recorders/sweeps.py

On a computer with a GPU it uses the GPU, else one process a core. It may be killed at any moment and goes on where
it was; a block that was recorded for another sweep, by older code or by another version of Keras or JAX is not taken.
"""

import argparse
import functools
from pathlib import Path

import numpy as np
import xarray as xr
from tqdm import tqdm

from nbhelpers.data import DATA_FOLDER, TASKS
from recorders import engine
from recorders.store import describe, fill, fingerprint, path_of, save, write_runs
from recorders.sweeps import SWEEPS

VALIDATION = {
    "mnist": "images 50,000 to 59,999 of MNIST's training file",
    "mnist1d": "10,000 signals that do not train",
}
MEASURES = {
    "loss": ("training loss", "cross-entropy and penalties, mean over the batches since the last score", "nats"),
    "accuracy": ("training accuracy", "mean over the batches since the last score", "1"),
    "val_loss": ("validation loss", "cross-entropy", "nats"),
    "val_accuracy": ("validation accuracy", "share of the validation images", "1"),
    "test_accuracy": ("test accuracy", "after the last step", "1"),
    "diverged": ("diverged", "the training loss became infinite or undefined", "1"),
}
LONG_NAMES = {
    "units": "units of each hidden layer",
    "hidden_layers": "number of hidden layers",
    "shape": "units of the hidden layers, first to last",
    "activation": "activation",
    "batch_norm": "batch normalization",
    "normalization": "normalization, before or after the activation",
    "initialization": "initial weights of the hidden layers: normal with deviation gain / √inputs, or an initializer",
    "scaling": "how the output weights and the rates follow the width",
    "penalty": "regularizer and its strength",
    "optimizer": "optimizer",
    "schedule": "learning rate schedule",
    "training_images": "training images",
    "batch_size": "images a batch",
    "learning_rate": "learning rate",
    "dropout": "dropout rate",
    "seed": "seed of the initial weights, the order of the images, and dropout",
    "epoch": "epochs",
    "step": "steps",
}


def record(names, *, folder=DATA_FOLDER, processes=None, sweeps=SWEEPS, train=engine.train_block):
    """Record the sweeps of these names; yield the path of each file, ``runs_<name>.nc``, when it is made.

    `train` stands for `engine.train_block`, with the same arguments and results.
    """
    engine.use_jax()
    paths = {name: blocks_of(sweeps[name], Path(folder) / "parts" / name) for name in names}
    blocks = {path: (name, setting) for name in names for path, setting in paths[name].items()}
    costs = {path: sweeps[name].cost(setting) for path, (name, setting) in blocks.items()}
    left = {name: set(paths[name]) for name in names}
    job = functools.partial(record_block, sweeps, train)
    for path in fill(blocks, job, costs=costs, processes=processes):
        name = blocks[path][0]
        left[name].remove(path)
        if not left[name]:
            target = Path(folder) / f"runs_{name}.nc"
            write_runs(target, join(sweeps[name], paths[name]))
            yield target


def blocks_of(sweep, parts):
    """The path of each block and its hyperparameters, the most expensive first."""
    return {path_of(parts, setting, mark_of(sweep, setting)): setting for setting in sweep.settings()}


def mark_of(sweep, setting):
    """The fingerprint of a block."""
    return fingerprint(
        task=sweep.task,
        setting={**sweep.fixed, **setting},
        beside=sweep.beside,
        seeds=sweep.seeds,
        duration=sweep.duration(setting),
        code=engine.VERSION,
        versions=engine.versions(),
    )


def record_block(sweeps, train, path, name, setting):
    save(path, train(sweeps[name], setting))


def join(sweep, paths):
    """Join the blocks of a finished sweep into one dataset; raise if one is missing or of a wrong shape."""
    names, shape = list(sweep.axes), [len(values) for values in sweep.axes.values()]
    arrays = {name: np.full(shape, np.nan, "float32") for name in engine.HISTORY}
    arrays["test_accuracy"] = np.full(shape[:-1], np.nan, "float32")
    seconds, devices = 0.0, set()
    for path, setting in paths.items():
        place = tuple(values.index(setting[name]) for name, values in sweep.blocks.items())
        with np.load(path) as block:
            seconds += float(block["compile_seconds"] + block["train_seconds"])
            devices.add(str(block["device"]))
            for name, array in arrays.items():
                array[place] = block[name]
    runs = xr.Dataset(
        {name: (names[: array.ndim], array) for name, array in arrays.items()},
        coords={name: list(values) for name, values in sweep.axes.items()},
        attrs=attributes(sweep) | {"process_seconds": round(seconds), "device": ", ".join(sorted(devices))},
    )
    return described(runs)


def attributes(sweep):
    """What a file says of itself. What is an axis is no note."""
    length = {"steps": sweep.steps} if sweep.steps else {"images": sweep.images, "epochs": sweep.epochs}
    notes = {
        "title": f"Recorded trainings of multilayer perceptrons on {TASKS[sweep.task]}",
        "task": sweep.task,
        **length,
        "batch_size": sweep.batch_size,
        "validation": f"{VALIDATION[sweep.task]}, all of them at each score",
        "initialization": "the initializer that belongs to the activation, see nbhelpers.models",
        "made_by": f"recorders.runs, version {engine.VERSION}",
        "versions": engine.all_versions(),
        "license": "CC BY 4.0",
        **sweep.fixed,
    }
    return {name: value for name, value in notes.items() if name not in sweep.axes}


def described(runs):
    """Mark diverged runs, and name all variables and axes in words."""
    runs["diverged"] = ~np.isfinite(runs["loss"]).all(runs["loss"].dims[-1])
    return describe(runs, measures=MEASURES, axes=LONG_NAMES)


def main():
    parser = argparse.ArgumentParser(description="Record trainings; resumes where it was.")
    parser.add_argument("names", nargs="*", help=f"which sweeps, by default all: {', '.join(SWEEPS)}")
    parser.add_argument("--processes", type=int, help="default: one a core")
    parser.add_argument("--folder", type=Path, default=DATA_FOLDER, help="where the files go")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SWEEPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Choose from: {', '.join(SWEEPS)}")
    for path in record(arguments.names or SWEEPS, folder=arguments.folder, processes=arguments.processes):
        tqdm.write(f"{path}: {path.stat().st_size / 1e6:.2f} MB")  # above the bar


if __name__ == "__main__":
    main()
