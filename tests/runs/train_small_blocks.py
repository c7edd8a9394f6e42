"""Train small blocks with the recorder's engine, and again by plain Keras on JAX: python train_small_blocks.py NAME.

Prints the largest difference between the training losses of the two, and what else the tests ask about.
"""

import json
import os
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

os.environ["KERAS_BACKEND"] = "jax"

import jax
import keras
import numpy as np

from nbhelpers.models import build_mlp, make_schedule
from recorders import engine
from recorders.sweeps import Sweep, dials, hidden_units, initialization, network_options

IMAGES, BATCH, EPOCHS, SEED = 60, 20, 6, 1
SHORT = {"task": "mnist1d", "images": IMAGES, "batch_size": BATCH, "epochs": EPOCHS, "seeds": 2}
PLAIN = {"units": 8, "hidden_layers": 2, "activation": "relu", "optimizer": "adam"}
RATES = {"learning_rate": (0.001, 0.01)}
OPTIMIZERS = ("sgd", "momentum_0.5", "nesterov", "rmsprop", "adamw", "muon", "schedule_free_adamw", "lion")
PENALTIES = ("none", "l1=0.01", "l2=0.1", "weight_decay=1", "max_norm=0.5")
GAINS = ("gain=0.5", "gain=4", "glorot_uniform")
SWEEPS = {
    "optimizers": Sweep(blocks={"optimizer": OPTIMIZERS}, beside=RATES, fixed=PLAIN, **SHORT),
    "schedules": Sweep(
        blocks={}, beside={"schedule": ("constant", "step", "cosine", "one_cycle"), **RATES}, fixed=PLAIN, **SHORT
    ),
    "penalties": Sweep(blocks={}, beside={"penalty": PENALTIES, **RATES, "dropout": (0.0, 0.5)}, fixed=PLAIN, **SHORT),
    "initializations": Sweep(blocks={}, beside={"initialization": GAINS, **RATES}, fixed=PLAIN, **SHORT),
    "normalizations": Sweep(
        blocks={"normalization": ("none", "batch, before", "batch, after", "layer"), "activation": ("relu", "prelu")},
        beside=RATES,
        fixed={**PLAIN, "optimizer": "sgd"},
        **SHORT,
    ),
    "scaling": Sweep(
        blocks={"units": (16, 64)}, beside={"scaling": ("standard", "muP"), **RATES}, fixed=PLAIN, **SHORT
    ),
    "batches": Sweep(
        blocks={"batch_size": (20, 25)}, beside=RATES, fixed=PLAIN, **(SHORT | {"steps": 12, "scores": 2, "images": 50})
    ),
}


def data(task, split, n=None):
    n = n or 50
    rng = np.random.default_rng(len(split))
    return rng.normal(size=(n, 40)).astype("float32"), rng.integers(0, 10, n)


def plain(sweep, setting, variant, seed):
    """The training losses of one network, epoch by epoch, and its validation accuracy; no dropout."""
    setting = {**sweep.fixed, **setting}
    images, size, epochs, every = sweep.duration(setting)
    x, y = data("", "train", images)
    keras.utils.set_random_seed(seed)
    options = network_options(setting) | {name: v for name, v in dials(variant).items() if name in ("l1", "l2")}
    options |= {name: v for name, v in dials(variant).items() if name in ("weight_decay", "max_norm") and 0 < v < 1e9}
    name, _ = initialization(variant)
    options |= {"kernel_initializer": name} if name else {}
    steps = epochs * (images // size)
    rate = make_schedule(variant.get("schedule", "constant"), variant["learning_rate"], steps=max(steps, 10))
    model = build_mlp(hidden_units(setting), **(options | {"learning_rate": rate}), input_shape=(40,))
    # The loss from logits, as Keras takes it on TensorFlow; on JAX it takes it from probabilities that it bounds.
    model.layers[-1].activation = keras.activations.linear
    model.compile(model.optimizer, keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    # Layers for dropout draw from the same stream of random numbers, so the engine's own network gives the start.
    given = engine.weights_of(engine.build(sweep, setting, name, seed), variant, setting)
    for v, values in zip(model.trainable_variables, given, strict=True):
        v.assign(values)
    rates = engine.rates_of(model, variant, setting)
    losses = []
    for key in jax.random.split(jax.random.key(seed), epochs):
        order = np.asarray(jax.random.permutation(key, images))[: images // size * size]
        for batch in order.reshape(-1, size):
            before = [np.asarray(v) for v in model.trainable_variables]
            losses.append(model.train_on_batch(x[batch], y[batch], return_dict=True)["loss"])
            model.reset_metrics()
            for v, b, factor in zip(model.trainable_variables, before, rates, strict=True):
                if factor != 1:
                    v.assign(b + factor * (v - b))
    x, y = data("", "valid")
    accuracy = np.mean(np.argmax(model.predict(x, verbose=0), axis=1) == y)
    return np.reshape(losses, (epochs // every, -1)).mean(1), accuracy


def differences(sweep):
    """Largest difference of a training loss, and of a final validation accuracy, over networks of one rate."""
    found = []
    for setting in sweep.settings():
        block = engine.train_block(sweep, setting)
        shape = [len(values) for values in sweep.beside.values()]
        for at, variant in zip(np.ndindex(*shape), sweep.variants(), strict=True):
            if variant["learning_rate"] == 0.01 and variant.get("dropout", 0) == 0:
                losses, accuracy = plain(sweep, setting, variant, SEED)
                difference = np.abs(block["loss"][at][SEED] / losses - 1).max()
                found.append((difference, abs(block["val_accuracy"][at][SEED, -1] - accuracy)))
    return np.max(found, axis=0).tolist(), len(found)


def dropped():
    """The final training loss with and without dropout, at the larger rate."""
    block = engine.train_block(SWEEPS["penalties"], {})
    return block["loss"][0, 1, :, :, -1].mean(1).tolist()


def deviations():
    """Of the hidden weights at the start: the standard deviation times √inputs."""
    sweep = Sweep(
        blocks={}, beside={"initialization": GAINS, "learning_rate": (0.1,)}, fixed={**PLAIN, "units": 200}, **SHORT
    )
    model, (weights, *_) = engine.starts(sweep, sweep.fixed)
    return [
        [float(weights[at][0, v].std() * len(weights[at][0, v]) ** 0.5) for at in engine.kernels(model)] for v in (0, 1)
    ]


if __name__ == "__main__":
    engine.use_jax()
    engine.load = data
    name = sys.argv[1]
    print(
        json.dumps(
            {"dropped": dropped, "deviations": deviations}[name]() if name not in SWEEPS else differences(SWEEPS[name])
        )
    )
