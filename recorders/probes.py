"""Record what the layers of bases hold: python -m recorders.probes.

A linear probe (Alain & Bengio, 2017) reads digits off the outputs of a layer; and the inputs that excite a unit most
tell what it responds to. The bases are those of `recorders.transfers`, trained by plain Keras on TensorFlow. It may be
killed at any moment and goes on where it was.
"""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, TASKS
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write
from recorders.transfers import NETWORKS, SIZES, build, digits, train_base

VERSION = 1  # raise it when a change of the code changes results
SEEDS = 5
LABELLED = 1000  # training inputs of a probe
TOP = 20  # inputs that excite a unit most
SILENT = 0.01  # a unit that answers to fewer of the inputs is left out
AXES = {
    "network": NETWORKS,
    "source": ("digits 0 to 4", "untrained"),
    "seed": tuple(range(SEEDS)),
    "digits": ("0 to 4", "5 to 9"),
    "read_from": ("input", "layer 1", "layer 2", "layer 3"),
    "c": (0.001, 0.01, 0.1, 1.0),
    "layer": (1, 2, 3),
}
OF_PROBES = ("network", "source", "digits", "read_from", "c", "seed")
OF_UNITS = ("network", "source", "layer", "seed")
DIMENSIONS = {"tuning_accuracy": OF_PROBES, "probe_accuracy": OF_PROBES, "one_digit": OF_UNITS, "old_digits": OF_UNITS}
OF_UNIT = f"mean over the units that are not silent, of the {TOP} validation inputs that excite a unit most"
MEASURES = {
    "tuning_accuracy": ("accuracy on the first half", "validation inputs of these digits, for the choice of c", "1"),
    "probe_accuracy": ("accuracy of a linear probe", "validation inputs of these digits, the other half", "1"),
    "one_digit": ("share of the exciting inputs that show one and the same digit", OF_UNIT, "1"),
    "old_digits": ("share of the exciting inputs that show a digit from 0 to 4", OF_UNIT, "1"),
}
LONG_NAMES = {
    "network": "network of three hidden layers",
    "source": "what the base was trained on",
    "seed": "seed of the base and of the labelled inputs",
    "digits": "digits that the probe tells apart",
    "read_from": "what the probe reads",
    "c": "C of softmax regression in scikit-learn; the larger, the weaker the penalty",
    "layer": "hidden layer",
}


def outputs_of(model, inputs):
    """The outputs of each hidden layer, one array a layer."""
    import keras

    kinds = keras.layers.Activation, keras.layers.Conv1D, keras.layers.Conv2D
    hidden = [layer.output for layer in model.layers if isinstance(layer, kinds)]
    return [np.asarray(outputs) for outputs in keras.Model(model.inputs[0], hidden)(inputs)]


def probe(train, valid, c):
    """Accuracies of softmax regression on standardized inputs, on the two halves of the validation inputs."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import StandardScaler

    reader = make_pipeline(StandardScaler(), LogisticRegression(C=c, max_iter=300))
    right = reader.fit(*train).predict(valid[0]) == valid[1]
    return right[::2].mean(), right[1::2].mean()


def read(task, model, first, last, seed):
    """Accuracies of the probes of the input and of each layer, shape (places to read from, c, halves)."""
    inputs, labels = digits(task, "train", first, last)
    chosen = np.random.default_rng([seed, 3]).permutation(len(inputs))[:LABELLED]
    valid, valid_labels = digits(task, "valid", first, last)
    pairs = zip([inputs[chosen], *outputs_of(model, inputs[chosen])], [valid, *outputs_of(model, valid)], strict=True)
    flat = [[x.reshape(len(x), -1) for x in pair] for pair in pairs]
    return [[probe((a, labels[chosen]), (b, valid_labels), c) for c in AXES["c"]] for a, b in flat]


def favourites(outputs, digit):
    """Of the inputs that excite each unit most, the share that shows one digit, and the share that shows 0 to 4.

    The outputs have the shape (inputs, …, units): of a filter its largest output, wherever it is, counts.
    """
    outputs = outputs.max(axis=tuple(range(1, outputs.ndim - 1)))
    outputs = outputs[:, (outputs > 0).mean(axis=0) >= SILENT]
    top = digit[np.argsort(-outputs, axis=0, kind="stable")[:TOP]]
    one = [np.bincount(unit).max() / TOP for unit in top.T]
    return np.mean(one), np.mean(top < 5)


def look(task, network, source):
    """Train bases from each seed; return what their layers hold, as `DIMENSIONS` says, without network and source."""
    found = {name: [] for name in MEASURES}
    for seed in range(SEEDS):
        model, _ = train_base(lambda: build(task, network), source, seed, task=task)
        both = np.array([read(task, model, first, first + 4, seed) for first in (0, 5)])
        found["tuning_accuracy"].append(both[..., 0])
        found["probe_accuracy"].append(both[..., 1])
        inputs, digit = digits(task, "valid", 0, 9)
        units = np.array([favourites(outputs, digit) for outputs in outputs_of(model, inputs)])
        found["one_digit"].append(units[:, 0])
        found["old_digits"].append(units[:, 1])
    return {name: np.stack(values, axis=-1) for name, values in found.items()}


def record_block(path, *setting):
    save(path, look(*setting))


def blocks_of(task, folder):
    """The path of each block and what `look` needs for it."""
    settings = [(task, network, source) for network in NETWORKS for source in AXES["source"]]
    names = "task", "network", "source"
    return {path_of(folder, dict(zip(names, s, strict=True)), mark_of(*s)): s for s in settings}


def mark_of(task, network, source):
    """The fingerprint of a block."""
    return fingerprint(
        setting=(task, network, source),
        base={name: SIZES[task][name] for name in ("filters", "source_epochs", "source_batch_size")},
        axes=AXES,
        probes=(LABELLED, TOP, SILENT),
        code=VERSION,
        keras=version("keras"),
        sklearn=version("scikit-learn"),
    )


def join(task, blocks):
    """Join the blocks of a task into one dataset."""
    coords = {name: list(values) for name, values in AXES.items()}
    empty = {name: (dims, np.full([len(AXES[d]) for d in dims], np.nan)) for name, dims in DIMENSIONS.items()}
    probes = xr.Dataset(empty, coords=coords, attrs=attributes(task))
    for path, (_, network, source) in blocks.items():
        with np.load(path) as block:
            for name in MEASURES:
                probes[name].loc[{"network": network, "source": source}] = block[name]
    return describe(probes, measures=MEASURES, axes=LONG_NAMES)


def attributes(task):
    """What the file of a task says of itself."""
    return {
        "title": f"What layers hold that were trained on the digits 0 to 4 of {TASKS[task]}",
        "task": task,
        "labelled": LABELLED,
        "made_by": f"recorders.probes, version {VERSION}",
        "versions": f"keras {version('keras')}, scikit-learn {version('scikit-learn')}",
        "license": "CC BY 4.0",
    }


def record(*, tasks=tuple(TASKS), folder=DATA_FOLDER, processes=None):
    """Record what is missing; yield the path of each file, ``probes_<task>.nc``, when it is made."""
    for task in tasks:
        blocks = blocks_of(task, Path(folder) / "parts" / "probes")
        for _ in fill(blocks, record_block, processes=processes):
            pass
        target = Path(folder) / f"probes_{task}.nc"
        write(target, join(task, blocks))
        yield target


if __name__ == "__main__":
    run_from_command_line(record, "Record what the layers of bases hold; resumes where it was.")
