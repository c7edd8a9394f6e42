"""Record what networks that were trained on one task are worth on another (see data/README.md).

    python -m recorders.transfers

A base is trained on a source task, of MNIST or of MNIST-1D. Copies of it, with 0 to 3 of its layers kept and the
others new, then learn to tell the digits 5 to 9 apart, from 1 to 500 labelled images (or 1 to 300 signals) a digit.
One block is one base: a task, a network, a source and a seed; all its copies are trained side by side. The program
may be killed at any moment and goes on where it was; a block that was recorded for other trainings, by older code or
by another version of Keras or JAX is not taken. When none of a task is missing, they are joined.
"""

import itertools
import math
from functools import cache, partial
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER, TASKS
from recorders import engine
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write
from recorders.sweeps import RATES

VERSION = 1  # raise it when a change of the code changes results, so that no older block is taken
SOURCES = ("digits 0 to 4", "shuffled pixels", "random labels", "untrained")
# What belongs to which task. Each network is recorded with the sources that are listed for it. A base takes about
# 2,000 steps on either task. The convolutions for signals have as many filters as those of Greydanus & Kobak (2024),
# whose first layer has windows of 5 numbers where ours has 3, as all layers of `build_cnn`.
SIZES = {
    "mnist": {
        "networks": {"mlp": SOURCES, "cnn": ("digits 0 to 4", "untrained")},
        "labels": (1, 2, 5, 10, 50, 100, 500),
        "learning_rates": RATES[2:9],  # 1e-4 to 0.1
        "filters": (8, 16, 32),
        "source_epochs": 10,
        "source_batch_size": 125,
    },
    "mnist1d": {
        "networks": {"mlp": SOURCES, "cnn": SOURCES},
        "labels": (1, 2, 5, 10, 50, 100, 300),
        "learning_rates": RATES[2:9],
        "filters": (25, 25, 25),
        "source_epochs": 100,
        "source_batch_size": 100,
    },
}
NETWORKS = ("mlp", "cnn")
TREATMENTS = ("fine-tuned", "frozen", "lowest frozen", "thawed", "thawed gently")
# For sources that are no use beforehand, fewer treatments answer.
TREATMENTS_OF = {
    "digits 0 to 4": TREATMENTS,
    "shuffled pixels": ("fine-tuned", "frozen"),
    "random labels": ("fine-tuned", "frozen"),
    "untrained": ("frozen",),
}
LAYERS_KEPT = (0, 1, 2, 3)
SEEDS = 5
STEPS, THAW, BATCH_SIZE = 300, 100, 50
# The validation images, or signals, of the digits 5 to 9, two halves of so many each.
HALF, PART = 2400, 240
MEASURES = {
    "tuning_accuracy": ("accuracy on the first half", "validation images of the digits 5 to 9, for tuning", "1"),
    "val_accuracy": ("validation accuracy", "validation images of the digits 5 to 9, the other half", "1"),
}
LONG_NAMES = {
    "network": "network of three hidden layers",
    "source": "task that the base was trained on",
    "layers_kept": "layers kept from the base",
    "treatment": "what happens to the kept layers",
    "labels": "labelled images a digit",
    "learning_rate": "learning rate",
    "seed": "seed of the base, the labelled images, the new weights and the order",
}


def axes_of(task):
    """The axes of the file of a task, and their values."""
    return {
        "network": NETWORKS,
        "source": SOURCES,
        "layers_kept": LAYERS_KEPT,
        "treatment": TREATMENTS,
        "labels": SIZES[task]["labels"],
        "learning_rate": SIZES[task]["learning_rates"],
        "seed": tuple(range(SEEDS)),
    }


def plan(layers_kept, treatment):
    """For each hidden layer the number of steps that it stays frozen, and the factor of the rate after a thaw."""
    frozen = {"fine-tuned": 0, "frozen": STEPS, "lowest frozen": STEPS}.get(treatment, THAW)
    affected = min(layers_kept, 1) if treatment == "lowest frozen" else layers_kept
    gently = treatment == "thawed gently" and affected
    return tuple(frozen if layer < affected else 0 for layer in range(3)), 0.1 if gently else 1.0


def arms(source):
    """The different trainings: (layers kept, plan) to the treatments that mean it."""
    found = {}
    for kept in LAYERS_KEPT:
        for treatment in TREATMENTS_OF[source]:
            found.setdefault((kept, plan(kept, treatment)), []).append(treatment)
    return found


def trainings(task):
    """How many trainings the file of a task stands for."""
    sizes = SIZES[task]
    each = len(sizes["labels"]) * len(sizes["learning_rates"]) * SEEDS
    return each * sum(len(arms(source)) for sources in sizes["networks"].values() for source in sources)


@cache
def digits(task, split, first, last):
    """Inputs and labels, counted from zero, of the digits from first to last."""
    inputs, labels = engine.load(task, split)
    chosen = (labels >= first) & (labels <= last)
    return inputs[chosen], labels[chosen] - first


def labelled(task, labels, seed):
    """Inputs and labels of so many training images of each digit from 5 to 9; fewer are part of more."""
    inputs, digit = digits(task, "train", 5, 9)
    order = np.random.default_rng(seed).permutation(len(inputs))
    chosen = np.concatenate([order[digit[order] == d][:labels] for d in range(5)])
    return inputs[chosen], digit[chosen]


def batches_of(images, seed):
    """The images of each step, in a new order each time that all had their turn, shape (steps, batch size)."""
    size, rng = min(BATCH_SIZE, images), np.random.default_rng([seed, 1])
    rounds = math.ceil(STEPS * size / images)
    return np.concatenate([rng.permutation(images) for _ in range(rounds)])[: STEPS * size].reshape(STEPS, size)


def build(task, network):
    from nbhelpers.models import build_cnn, build_mlp

    options = {"input_shape": engine.shape_of(task), "classes": 5}
    if network == "cnn":
        return build_cnn(SIZES[task]["filters"], **options)
    return build_mlp((100, 100, 100), **options)


def share_patches(model):
    """Let convolutions cut out their patches and multiply, which JAX does five times faster, with the same result."""
    import keras

    def call(layer, inputs):
        out = [-(-size // 2) for size in inputs.shape[1:-1]]
        missing = [max(0, 2 * (n - 1) + 3 - size) for n, size in zip(out, inputs.shape[1:-1], strict=True)]
        inputs = keras.ops.pad(inputs, ((0, 0), *((n // 2, n - n // 2) for n in missing), (0, 0)))
        ends = [[slice(i, i + 2 * n - 1, 2) for i in range(3)] for n in out]
        patches = [inputs[(slice(None), *place)] for place in itertools.product(*ends)]
        kernel = keras.ops.reshape(layer.kernel, (-1, np.shape(layer.kernel)[-1]))
        return layer.activation(keras.ops.concatenate(patches, -1) @ kernel + layer.bias)

    for layer in model.layers:
        if isinstance(layer, keras.layers.Conv1D | keras.layers.Conv2D):
            layer.call = call.__get__(layer)
    return model


def train_base(build, source, seed, *, task, epochs=None):
    """Build a network and train it on the source task; return it and its accuracy on validation images of the task.

    By default for as many epochs as `SIZES` says.
    """
    import keras

    keras.utils.set_random_seed(seed)
    rng, model = np.random.default_rng([seed, 2]), build()
    inputs, labels = digits(task, "train", 0, 4)
    valid, valid_labels = digits(task, "valid", 0, 4)
    if source == "shuffled pixels":
        order = rng.permutation(inputs[0].size)
        inputs, valid = (x.reshape(len(x), -1)[:, order].reshape(x.shape) for x in (inputs, valid))
    if source == "random labels":
        labels = rng.permutation(labels)
    epochs = epochs or SIZES[task]["source_epochs"]
    for _ in range(0 if source == "untrained" else epochs):
        order = rng.permutation(len(inputs))
        batch_size = SIZES[task]["source_batch_size"]
        model.fit(inputs[order], labels[order], batch_size=batch_size, shuffle=False, verbose=0)
    return model, model.evaluate(valid, valid_labels, batch_size=1000, verbose=0)[1]


def weights_of(base, fresh, kept):
    """The weights and biases of a copy: those of the first layers kept, the others new."""
    return [b.value if i < 2 * kept else f.value for i, (b, f) in enumerate(zip(base, fresh, strict=True))]


@cache
def training_of(task, network):
    """Return the function that trains copies side by side: (weights, options, images, labels, order) → weights."""
    import jax
    import keras

    model = share_patches(build(task, network))
    model.optimizer.build(model.trainable_variables)
    start = [v.value for v in model.optimizer.variables]
    at_rate = [v.name for v in model.optimizer.variables].index("learning_rate")

    def loss(weights, images, labels):
        probabilities, _ = model.stateless_call(weights, [], images, training=True)
        return keras.losses.sparse_categorical_crossentropy(labels, probabilities).mean()

    def step(weights, optimizer, trainable, images, labels):
        gradients = jax.grad(loss)(weights, images, labels)
        # Without any gradient, Adam leaves a weight alone: this freezes.
        gradients = [g * trainable[i // 2] for i, g in enumerate(gradients)]
        return model.optimizer.stateless_apply(optimizer, gradients, weights)

    def some_steps(weights, optimizer, trainable, images, labels, order):
        def body(state, batch):
            return step(*state, trainable, images[batch], labels[batch]), None

        return jax.lax.scan(body, (weights, optimizer), order)[0]

    def one(weights, rate, factor, trainable, images, labels, order):
        optimizer = [*start[:at_rate], rate, *start[at_rate + 1 :]]
        weights, optimizer = some_steps(weights, optimizer, trainable[0], images, labels, order[:THAW])
        # Who thaws compiles again, with a new optimizer.
        new = [*start[:at_rate], rate * factor, *start[at_rate + 1 :]]
        thaws = (trainable[0] != trainable[1]).any()
        optimizer = [jax.numpy.where(thaws, a, b) for a, b in zip(new, optimizer, strict=True)]
        return some_steps(weights, optimizer, trainable[1], images, labels, order[THAW:])[0]

    def accuracy(weights, images, labels):
        probabilities, _ = model.stateless_call(weights, [], images, training=False)
        return (probabilities.argmax(-1) == labels).mean()

    def score(weights, images, labels):
        parts = images.reshape(-1, PART, *images.shape[1:]), labels.reshape(-1, PART)
        return jax.lax.map(lambda part: jax.vmap(accuracy, (0, None, None))(weights, *part), parts).mean(0)

    def train(weights, options, images, labels, order, valid):
        weights = jax.vmap(one, (0, 0, 0, 0, None, None, None))(weights, *options, images, labels, order)
        return [score(weights, *half) for half in valid]

    return jax.jit(train)


def options_of(plans, rates):
    """Of each copy at each rate: the rate, its factor after a thaw, and which layers train before and after it."""
    trainable = [
        [[float(s == 0) for s in steps] + [1.0], [float(s < STEPS) for s in steps] + [1.0]] for steps, _ in plans
    ]
    rate = np.tile(np.array(rates, "float32"), len(plans))
    factor = np.repeat(np.array([factor for _, factor in plans], "float32"), len(rates))
    return rate, factor, np.repeat(np.array(trainable, "float32"), len(rates), axis=0)


def transfer(task, network, source, seed):
    """Train a base and all its copies; return their accuracies, missing where none was recorded.

    Each measure has the shape (layers kept, treatments, labels, learning rates).
    """
    import jax
    import jax.numpy as jnp

    labels, rates = SIZES[task]["labels"], SIZES[task]["learning_rates"]
    base, source_accuracy = train_base(lambda: share_patches(build(task, network)), source, seed, task=task)
    fresh, found = build(task, network), arms(source)
    copies = [weights_of(base.trainable_variables, fresh.trainable_variables, kept) for kept, _ in found]
    weights = [jnp.repeat(jnp.stack(values), len(rates), axis=0) for values in zip(*copies, strict=True)]
    options = options_of([plan for _, plan in found], rates)
    inputs, digit = digits(task, "valid", 5, 9)
    valid = [(inputs[half : 2 * HALF : 2], digit[half : 2 * HALF : 2]) for half in (0, 1)]
    most = np.zeros((5 * max(labels), *inputs.shape[1:]), "float32")
    most_labels = np.zeros(len(most), int)
    shape = (len(LAYERS_KEPT), len(TREATMENTS), len(labels), len(rates))
    results = {name: np.full(shape, np.nan, "float32") for name in MEASURES}
    for at, n in enumerate(labels):
        few, few_labels = labelled(task, n, seed)
        most[: len(few)], most_labels[: len(few)] = few, few_labels  # one shape, so that it compiles once
        order = batches_of(len(few), seed)
        scores = jax.device_get(training_of(task, network)(weights, options, most, most_labels, order, valid))
        for name, values in zip(MEASURES, scores, strict=True):
            for (kept, _), treatments, row in zip(found, found.values(), values.reshape(-1, len(rates)), strict=True):
                for treatment in treatments:
                    results[name][kept, TREATMENTS.index(treatment), at] = row
    return {**results, "source_accuracy": np.float32(source_accuracy)}


def record(*, tasks=tuple(TASKS), folder=DATA_FOLDER, processes=None, train=transfer):
    """Record the blocks that are missing; yield the path of each file, ``transfers_<task>.nc``, when it is made.

    `train` stands for `transfer`, called with a task, a network, a source and a seed, and has the same results.
    """
    engine.use_jax()
    for task in tasks:
        blocks = blocks_of(task, Path(folder) / "parts" / "transfers")
        for _ in fill(blocks, partial(record_block, train), processes=processes):
            pass
        target = Path(folder) / f"transfers_{task}.nc"
        write(target, join(task, blocks))
        yield target


def blocks_of(task, parts):
    """The path of each block, and its task, network, source and seed."""
    pairs = [(network, source) for network, sources in SIZES[task]["networks"].items() for source in sources]
    settings = [(task, *pair, seed) for pair in pairs for seed in range(SEEDS)]
    names = "task", "network", "source", "seed"
    return {path_of(parts, dict(zip(names, s, strict=True)), mark_of(*s)): s for s in settings}


def mark_of(task, network, source, seed):
    """The fingerprint of a block."""
    sizes = {name: value for name, value in SIZES[task].items() if name != "networks"}
    return fingerprint(
        setting=(task, network, source, seed),
        copies=list(arms(source).items()),
        axes=(LAYERS_KEPT, TREATMENTS),
        sizes=sizes,
        duration=(STEPS, BATCH_SIZE),
        validation=HALF,
        code=VERSION,
        versions=engine.versions(),
    )


def record_block(train, path, *setting):
    save(path, train(*setting))


def join(task, blocks):
    """Join the blocks of a task into one dataset; raise if one is missing."""
    axes = axes_of(task)
    shape = [len(values) for values in axes.values()]
    arrays = {name: np.full(shape, np.nan, "float32") for name in MEASURES}
    base = np.full((len(NETWORKS), len(SOURCES), SEEDS), np.nan, "float32")
    for path, (_, network, source, seed) in blocks.items():
        place = NETWORKS.index(network), SOURCES.index(source)
        with np.load(path) as block:
            base[(*place, seed)] = block["source_accuracy"]
            for name, array in arrays.items():
                array[(*place, ..., seed)] = block[name]
    transfers = xr.Dataset(
        {name: (list(axes), array) for name, array in arrays.items()},
        coords={name: list(values) for name, values in axes.items()},
        attrs=attributes(task),
    )
    transfers["source_accuracy"] = ("network", "source", "seed"), base
    return described(transfers)


def attributes(task):
    """What the file of a task says of itself."""
    return {
        "title": f"Recorded transfers from the digits 0 to 4 to the digits 5 to 9 of {TASKS[task]}",
        "task": task,
        "steps": STEPS,
        "steps_before_a_thaw": THAW,
        "batch_size": BATCH_SIZE,
        "made_by": f"recorders.transfers, version {VERSION}",
        "versions": engine.all_versions(),
        "license": "CC BY 4.0",
    }


def described(transfers):
    """Name all variables and axes in words."""
    measures = {**MEASURES, "source_accuracy": ("accuracy of the base", "on validation images of its own task", "1")}
    return describe(transfers, measures=measures, axes=LONG_NAMES)


if __name__ == "__main__":
    run_from_command_line(record, "Record transfers; resumes where it was.")
