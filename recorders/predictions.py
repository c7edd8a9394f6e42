"""Record which validation images networks read right: python -m recorders.predictions.

Trained by plain Keras on TensorFlow. From them the evidence of lesson 01 measures how far the choice of images moves
a comparison. It may be killed at any moment and goes on where it was.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, TASKS
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write
from recorders.sweeps import TASKS as LENGTHS

VERSION = 1  # raise it when a change of the code changes results
SEEDS = 5
LEARNING_RATE = 0.00316  # of Adam; near the best one of each
MEASURES = {"right": ("read right", "validation images in their order", "1")}
LONG_NAMES = {"network": "hidden layers", "seed": "seed of the initial weights and the order of the images"}
NETWORKS = {  # hidden units, and the activation
    "softmax regression": ((), "relu"),
    "16 units": ((16,), "relu"),
    "100 units": ((100,), "relu"),
    "120 units": ((120,), "relu"),
    "100 tanh units": ((100,), "tanh"),
    "two layers of 100": ((100, 100), "relu"),
    "four layers of 100": ((100,) * 4, "relu"),
}


def predict(task, name):
    """Train a network from each seed; return whether each validation image is right, shape (seeds, images)."""
    import keras

    from nbhelpers.models import batches, build_mlp
    from recorders.engine import load, shape_of

    units, activation = NETWORKS[name]
    length, (x_valid, y_valid) = LENGTHS[task], load(task, "valid")
    train, right = load(task, "train", length["images"]), []
    for seed in range(SEEDS):
        keras.utils.set_random_seed(seed)
        model = build_mlp(units, activation=activation, learning_rate=LEARNING_RATE, input_shape=shape_of(task))
        data = batches(*train, batch_size=length["batch_size"])
        model.fit(data, epochs=length["epochs"], shuffle=False, verbose=0)
        right.append(np.argmax(model.predict(x_valid, batch_size=1000, verbose=0), axis=1) == y_valid)
    return np.array(right)


def record_network(path, task, name):
    save(path, {"right": predict(task, name)})


def blocks_of(task, folder):
    """The path of each network and what `predict` needs for it."""
    return {path_of(folder, {"task": task, "network": name}, mark_of(task, name)): (task, name) for name in NETWORKS}


def mark_of(task, name):
    """The fingerprint of a network."""
    return fingerprint(
        task=task,
        length=LENGTHS[task],
        network=NETWORKS[name],
        learning_rate=LEARNING_RATE,
        seeds=SEEDS,
        code=VERSION,
        keras=version("keras"),
    )


def join(task, paths):
    """Join the networks of a task into one dataset."""
    arrays = []
    for path in paths:
        with np.load(path) as block:
            arrays.append(block["right"])
    right = xr.Dataset(
        {"right": (("network", "seed", "image"), np.array(arrays))},
        coords={"network": list(NETWORKS), "seed": range(SEEDS)},
        attrs={
            "title": f"Which validation images of {TASKS[task]} networks read right",
            "task": task,
            **LENGTHS[task],
            "learning_rate": LEARNING_RATE,
            "made_by": f"recorders.predictions, version {VERSION}",
            "versions": f"keras {version('keras')}",
            "license": "CC BY 4.0",
        },
    )
    return describe(right, measures=MEASURES, axes=LONG_NAMES)


def record(*, folder=DATA_FOLDER, processes=None):
    """Train what is missing; yield the path of each file, ``predictions_<task>.nc``, when it is made."""
    for task in TASKS:
        blocks = blocks_of(task, Path(folder) / "parts" / "predictions")
        for _ in fill(blocks, record_network, processes=processes):
            pass
        target = Path(folder) / f"predictions_{task}.nc"
        write(target, join(task, blocks))
        yield target


if __name__ == "__main__":
    run_from_command_line(record, "Record which validation images networks read right.")
