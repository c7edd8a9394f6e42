"""Train a recorded row again by plain `fit` on TensorFlow, and compare."""

import keras
import numpy as np

from nbhelpers.models import accuracy_of, batches, build_mlp
from recorders.engine import load, shape_of
from recorders.sweeps import dials, hidden_units, network_options


def train_again(sweep, row, epochs, *, loss=None):
    """Train this row of a sweep for so many epochs, by another loss if given; return the validation accuracy."""
    setting = {**sweep.fixed, **row}
    images, batch_size, _, _ = sweep.duration(setting)
    penalties = {key: v for key, v in dials(row).items() if key in ("l1", "l2", "weight_decay") and v}
    options = network_options(setting) | penalties | {"dropout": row.get("dropout", 0.0)}
    keras.utils.set_random_seed(0)
    shape = shape_of(sweep.task)
    model = build_mlp(hidden_units(setting), learning_rate=row["learning_rate"], input_shape=shape, **options)
    if loss:
        model.compile(model.optimizer, loss)
    training = batches(*load(sweep.task, "train", images), batch_size=batch_size)
    model.fit(training, epochs=epochs, shuffle=False, verbose=0)
    return accuracy_of(model, *load(sweep.task, "valid"))


def bounded(labels, probabilities):
    """Cross-entropy of probabilities that are bounded at 1e-7, as Keras takes it on JAX."""
    inside = keras.ops.clip(probabilities, 1e-7, 1 - 1e-7)
    return -keras.ops.sum(keras.ops.log(inside) * keras.ops.one_hot(keras.ops.reshape(labels, -1), 10), axis=-1)


def distance(accuracy, recorded):
    """How far an accuracy is from the recorded ones of several seeds, in standard deviations of one more seed."""
    deviation = max(float(np.std(recorded, ddof=1)), 0.002) * np.sqrt(1 + 1 / len(recorded))
    return abs(accuracy - float(np.mean(recorded))) / deviation
