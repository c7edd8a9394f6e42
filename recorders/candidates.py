"""Record which validation images the candidates of a search read right: python -m recorders.candidates.

Candidates are random configurations from the box of the races, trained by plain Keras on TensorFlow. From them the
evidence of lesson 12 measures how much the best of many flatters itself, and what becomes of the best few. It may be
killed at any moment and goes on where it was.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, TASKS
from recorders.races import BOX
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write
from recorders.sweeps import SWEEPS, combinations
from recorders.sweeps import TASKS as LENGTHS

VERSION = 1  # raise it when a change of the code changes results
CANDIDATES, SEEDS = 64, (0, 1)
FINALISTS, OTHER_SEEDS = 5, (2, 3, 4)
SMALLEST = -16.0  # of the recorded logarithms, which end where Keras bounds probabilities, at 1e-7
AXES = ("units", "hidden_layers", "learning_rate", "batch_norm", "dropout")
MEASURES = {
    "right": ("read right", "validation images in their order", "1"),
    "log_probability": ("logarithm of the probability of a class", "of the finalists trained again", "nats"),
    "label": ("digit", "of the validation images in their order", "1"),
}
LONG_NAMES = {
    "configuration": "place in the order in which the configurations were drawn",
    "seed": "seed of the initial weights and the order of the images",
    "finalist": "configuration, the one with the highest score of seed 0 on the first half of the images first",
    "other_seed": "seed with which finalists were trained again",
    "class": "class",
    "units": "units of each hidden layer",
    "hidden_layers": "hidden layers",
    "learning_rate": "learning rate of Adam",
    "batch_norm": "batch normalization",
    "dropout": "dropout rate",
}


def draw():
    """The settings of each candidate, drawn at random, each from the box once."""
    axes = SWEEPS["atlas_mnist"].axes
    settings = combinations({name: BOX.get(name, axes[name]) for name in AXES})
    return [settings[i] for i in np.random.default_rng(0).permutation(len(settings))[:CANDIDATES]]


def train(task, setting, seed):
    """Train one network; return the probabilities of the validation images, shape (images, classes)."""
    import keras

    from nbhelpers.models import batches, build_mlp
    from recorders.engine import load, shape_of

    length = LENGTHS[task]
    options = {name: setting[name] for name in ("learning_rate", "batch_norm", "dropout")}
    keras.utils.set_random_seed(seed)
    model = build_mlp((setting["units"],) * setting["hidden_layers"], input_shape=shape_of(task), **options)
    model.steps_per_execution = 8  # the same training, with less waiting between the steps
    data = batches(*load(task, "train", length["images"]), batch_size=length["batch_size"])
    model.fit(data, epochs=length["epochs"], shuffle=False, verbose=0)
    return np.asarray(model(load(task, "valid")[0]))


def labels_of(task):
    from recorders.engine import load

    return load(task, "valid")[1]


def record_candidate(path, task, setting):
    labels = labels_of(task)
    save(path, {"right": np.array([train(task, setting, seed).argmax(1) == labels for seed in SEEDS])})


def record_finalist(path, task, setting):
    found = np.array([train(task, setting, seed) for seed in OTHER_SEEDS])
    save(path, {"log_probability": np.log(np.maximum(found, np.exp(SMALLEST))).astype("float32")})


def best_few(right):
    """Places of the best candidates by seed 0 on the first half of the images, the best first."""
    scores = right[:, 0, : right.shape[2] // 2].mean(1)
    return np.argsort(-scores, kind="stable")[:FINALISTS]


def blocks_of(task, settings, folder, *, stage):
    """The path of each of these settings and what is trained of it."""
    seeds = {"candidates": SEEDS, "finalists": OTHER_SEEDS}[stage]
    mark = {"task": task, "length": LENGTHS[task], "seeds": seeds, "code": VERSION, "keras": version("keras")}
    return {
        path_of(folder, {"task": task, "stage": stage, **setting}, fingerprint(setting=setting, **mark)): (
            task,
            setting,
        )
        for setting in settings
    }


def read(paths, name):
    """The arrays of this name of all blocks, one after another."""
    arrays = []
    for path in paths:
        with np.load(path) as block:
            arrays.append(block[name])
    return np.array(arrays)


def join(task, settings, right, finalists, log_probability):
    """Join a task into one dataset."""
    found = xr.Dataset(
        {
            "right": (("configuration", "seed", "image"), right),
            "log_probability": (("finalist", "other_seed", "image", "class"), log_probability),
            "label": ("image", labels_of(task).astype("uint8")),
        },
        coords={
            "configuration": range(len(settings)),
            "seed": list(SEEDS),
            "finalist": finalists,
            "other_seed": list(OTHER_SEEDS),
            "class": range(10),
            **{name: ("configuration", [setting[name] for setting in settings]) for name in AXES},
        },
        attrs={
            "title": f"Which validation images of {TASKS[task]} the candidates of a search read right",
            "task": task,
            **LENGTHS[task],
            "made_by": f"recorders.candidates, version {VERSION}",
            "versions": f"keras {version('keras')}",
            "license": "CC BY 4.0",
        },
    )
    return describe(found, measures=MEASURES, axes=LONG_NAMES)


def record(*, folder=DATA_FOLDER, processes=None):
    """Train what is missing; yield the path of each file, ``candidates_<task>.nc``, when it is made."""
    parts, settings = Path(folder) / "parts" / "candidates", draw()
    for task in TASKS:
        blocks = blocks_of(task, settings, parts, stage="candidates")
        for _ in fill(blocks, record_candidate, processes=processes):
            pass
        right = read(blocks, "right")
        finalists = best_few(right)
        again = blocks_of(task, [settings[i] for i in finalists], parts, stage="finalists")
        for _ in fill(again, record_finalist, processes=processes):
            pass
        target = Path(folder) / f"candidates_{task}.nc"
        write(target, join(task, settings, right, finalists, read(again, "log_probability")))
        yield target


if __name__ == "__main__":
    run_from_command_line(record, "Record which validation images the candidates of a search read right.")
