"""Train all networks of a block side by side, on Keras' JAX backend: rates, penalties, initial weights and seeds.

JAX is imported when a block is trained, so that all else works without it. The arithmetic is that of
`nbhelpers.models.build_mlp` and Keras: only what differs between the networks of a block is put into them here.
"""

import os
import time
from importlib.metadata import version

import numpy as np

from recorders.sweeps import (
    BASE_UNITS,
    INPUTS,
    NEUTRAL,
    dials,
    hidden_units,
    initialization,
    network_options,
    rates_by_layer,
)

VERSION = 2  # raise it when a change of the code changes results, so that no older block is taken
HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy")
ENVIRONMENT = {
    "JAX_DEFAULT_MATMUL_PRECISION": "highest",
    # One process a core, each single-threaded, trains twice as many networks as one process with two threads.
    "XLA_FLAGS": "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1",
    "XLA_PYTHON_CLIENT_PREALLOCATE": "false",  # the processes share a GPU
}


def use_jax():
    """Let this process and its children train on JAX; before Keras is imported."""
    os.environ["KERAS_BACKEND"] = "jax"
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def versions():
    """Of the packages on which results depend."""
    return {name: version(name) for name in ("keras", "jax")}


def all_versions():
    """The same, and numpy's, as a file notes them."""
    return ", ".join(f"{name} {number}" for name, number in {**versions(), "numpy": version("numpy")}.items())


def load(task, split, n=None):
    """Inputs and labels of one split of a task, the first `n`."""
    from nbhelpers import data

    return getattr(data, f"load_{task}")(split, n=n)


def train_block(sweep, setting):
    """Train all networks of a block.

    Parameters
    ----------
    sweep : recorders.sweeps.Sweep
        To which the block belongs.
    setting : dict
        A value for each of the sweep's `blocks`.

    Returns
    -------
    dict
        Of `HISTORY` arrays with the axes of the sweep's `beside`, the seeds and the scores; `test_accuracy` without
        the last; `compile_seconds`, `train_seconds` and the `device`.
    """
    import jax

    start = time.perf_counter()
    setting = {**sweep.fixed, **setting}
    model, state = starts(sweep, setting)
    keys = jax.numpy.stack([jax.random.key(seed) for seed in range(sweep.seeds)])
    arguments = jax.device_put(state), keys, data_of(sweep, setting)
    train = jax.jit(jax.vmap(training_of(model, sweep, setting), (0, 0, None))).lower(*arguments)
    train = train.compile(compiler_options=compiler_options(sweep, setting))
    middle = time.perf_counter()
    history, test_accuracy = jax.device_get(train(*arguments))
    seconds = {"compile_seconds": middle - start, "train_seconds": time.perf_counter() - middle}
    results = {name: np.moveaxis(values, (0, 1, 2), (1, 2, 0)) for name, values in history.items()}
    results["test_accuracy"] = test_accuracy.T
    shape = [len(values) for values in sweep.beside.values()]
    results = {name: values.reshape(*shape, *values.shape[1:]) for name, values in results.items()}
    return {**results, **seconds, "device": jax.devices()[0].device_kind}


def data_of(sweep, setting):
    """Inputs and labels of each split, on the device that trains."""
    import jax

    sizes = {"train": sweep.duration(setting)[0], "valid": None, "test": None}
    return {split: tuple(map(jax.numpy.asarray, load(sweep.task, split, n))) for split, n in sizes.items()}


def compiler_options(sweep, setting):
    """On a GPU, try matrix products out before choosing one only where the training takes longer than that."""
    import jax

    long = sweep.cost(setting) * len(sweep.variants()) * sweep.seeds > 1e13
    return {} if long or jax.default_backend() != "gpu" else {"xla_gpu_autotune_level": 0}


def build(sweep, setting, initializer, seed):
    """A network of the block, without its softmax, with dropout layers if any network beside it drops units."""
    import keras

    from nbhelpers.models import build_mlp

    keras.utils.set_random_seed(seed)
    options = network_options(setting) | ({"kernel_initializer": initializer} if initializer else {})
    dropout = max(dials(variant)["dropout"] for variant in sweep.variants())
    model = build_mlp(hidden_units(setting), dropout=dropout, input_shape=shape_of(sweep.task), **options)
    model.layers[-1].activation = keras.activations.linear  # see `scores_of`
    return model


def shape_of(task):
    return (28, 28) if task == "mnist" else (INPUTS[task],)


def starts(sweep, setting):
    """A network to compute with, and the variables of all: (weights, others, optimizer), each of shape (seeds, …).

    All but the random numbers of dropout have a copy a variant: (seeds, variants, …). Variants of one seed begin with
    the same random numbers, whatever their gain. (An optimizer's variables are those of the unscaled network.)
    """
    import jax

    variants, seeds = sweep.variants(), []
    names = list(dict.fromkeys(initialization(variant)[0] for variant in variants))
    with jax.default_device(jax.devices("cpu")[0]):  # many small steps, which a GPU would compile for seconds
        for seed in range(sweep.seeds):
            models = {name: build(sweep, setting, name, seed) for name in names}
            seeds.append(start_of(models, variants, setting))
    return models[names[0]], tuple(
        [np.stack(v) for v in zip(*group, strict=True)] for group in zip(*seeds, strict=True)
    )


def start_of(models, variants, setting):
    """The variables of all variants of one seed."""
    model = next(iter(models.values()))
    weights = [weights_of(models[initialization(variant)[0]], variant, setting) for variant in variants]
    n, rate = len(variants), np.array([variant["learning_rate"] for variant in variants], "float32")
    others = [np.asarray(v) if shared(v) else copies(v, n) for v in model.non_trainable_variables]
    optimizer = [rate if v.name == "learning_rate" else copies(v, n) for v in model.optimizer.variables]
    return [np.stack(values) for values in zip(*weights, strict=True)], others, optimizer


def copies(variable, n):
    value = np.asarray(variable)
    return np.broadcast_to(value, (n, *value.shape))


def shared(variable):
    """Whether networks side by side share a variable: the random numbers of dropout, as images and their order."""
    return variable.name == "seed_generator_state"


def kernels(model):
    """Where the weights of dense layers stand among the trainable variables, first to last."""
    return [at for at, v in enumerate(model.trainable_variables) if v.name == "kernel"]


def weights_of(model, variant, setting):
    """Initial weights of one variant: those of the network, scaled as the variant says."""
    weights = [np.asarray(v) for v in model.trainable_variables]
    *hidden, output = kernels(model)
    gain = initialization(variant)[1]
    for at in hidden if gain else ():
        weights[at] = weights[at] * np.float32(gain / np.sqrt(len(weights[at])) / 0.05)  # which random_normal has
    if variant.get("scaling") == "muP":
        weights[output] = weights[output] * np.float32(np.sqrt(BASE_UNITS / setting["units"]))
    return weights


def dials_of(model, sweep, setting):
    """Of each hyperparameter that differs between the variants an array of shape (variants,), by name."""
    variants = sweep.variants()
    names = [name for name, neutral in NEUTRAL.items() if any(dials(v)[name] != neutral for v in variants)]
    found = {name: np.array([dials(v)[name] for v in variants], "float32") for name in names}
    if "scaling" in sweep.beside:
        found["rates"] = np.array([rates_of(model, variant, setting) for variant in variants], "float32")
    return found


def rates_of(model, variant, setting):
    """The factor of the learning rate for each trainable variable."""
    rates, (first, hidden, output) = np.ones(len(model.trainable_variables)), rates_by_layer(variant, setting)
    at = kernels(model)
    rates[at[:-1]], rates[at[0]], rates[at[-1]] = hidden, first, output
    return rates


def turn_by(model, dials):
    """Let a network read the hyperparameters that differ between variants from the returned dict, while it trains."""
    import keras

    now = {}
    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout):
            layer.call = dropout_by(now).__get__(layer)
    for at in kernels(model)[:-1]:
        variable = model.trainable_variables[at]
        variable.regularizer = penalty_by(now) if {"l1", "l2"} & dials.keys() else variable.regularizer
        variable.constraint = bound_by(now) if "max_norm" in dials else variable.constraint
    return now


def dropout_by(now):
    """What a layer for dropout does, at the rate of now."""
    import keras

    def call(layer, inputs, training=False):
        if not training:
            return inputs
        kept = keras.random.uniform(inputs.shape, seed=layer.seed_generator) >= now["dropout"]
        return keras.ops.where(kept, inputs / (1 - now["dropout"]), 0)

    return call


def penalty_by(now):
    """The penalty on the weights of a layer, with the strengths of now."""
    from keras import ops

    def penalty(weights):
        return ops.sum(now.get("l1", 0) * ops.abs(weights) + now.get("l2", 0) * ops.square(weights))

    return penalty


def bound_by(now):
    """Shrinks the weights into a unit to the largest norm of now, where theirs is larger."""
    from keras import ops

    def bound(weights):
        weights = ops.convert_to_tensor(weights)
        norms = ops.sqrt(ops.sum(ops.square(weights), axis=0, keepdims=True))
        return ops.where(norms > now["max_norm"], weights * now["max_norm"] / norms, weights)

    return bound


def scores_of(labels, logits):
    """Cross-entropy and accuracy, from what goes into the softmax, as Keras' `fit` takes them on TensorFlow.

    On JAX it would take the loss from probabilities that it bounds at 1e-7, so that a sample that is badly wrong has
    no gradient; with large rates networks then end elsewhere.
    """
    import keras

    loss = keras.losses.sparse_categorical_crossentropy(labels, logits, from_logits=True).mean()
    return loss, (logits.argmax(-1) == labels).mean()


def step_of(model, now):
    """The function that takes one step of one network."""
    import jax

    def loss_of(weights, others, images, labels):
        logits, others, penalties = model.stateless_call(weights, others, images, training=True, return_losses=True)
        loss, accuracy = scores_of(labels, logits)
        return loss + sum(penalties), (others, accuracy)

    def step(weights, others, optimizer, dials, images, labels):
        now.update(dials)
        if "weight_decay" in dials:
            model.optimizer.weight_decay = dials["weight_decay"]
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (others, accuracy)), gradients = gradient(weights, others, images, labels)
        after, optimizer = model.optimizer.stateless_apply(optimizer, gradients, weights)
        if "rates" in dials:
            after = [w + rate * (a - w) for w, a, rate in zip(weights, after, dials["rates"], strict=True)]
        now.clear()
        return (after, others, optimizer), (loss, accuracy)

    return step


def training_of(model, sweep, setting):
    """Return the function that trains all variants from one seed: (state, key, data) → results."""
    import jax

    images, batch_size, epochs, every = sweep.duration(setting)
    batches = images // batch_size  # images that fill no batch are left out, others each epoch
    factors = factors_of(sweep, steps=epochs * batches).reshape(epochs // every, -1, len(sweep.variants()))
    values = dials_of(model, sweep, setting)
    axes = [0] * len(model.trainable_variables), [None if shared(v) else 0 for v in model.non_trainable_variables], 0
    steps = jax.vmap(step_of(model, turn_by(model, values)), in_axes=(*axes, 0, None, None), out_axes=(axes, (0, 0)))
    at_rate = [v.name for v in model.optimizer.variables].index("learning_rate")
    evaluate = evaluation_of(model, axes)

    def train(state, key, data):
        (inputs, labels), largest_rate = data["train"], state[2][at_rate]

        def one_step(state, batch):
            factor, batch = batch
            optimizer = [*state[2][:at_rate], largest_rate * factor, *state[2][at_rate + 1 :]]
            return steps(*state[:2], optimizer, values, inputs[batch], labels[batch])

        def some_epochs(state, part):
            keys, factors = part
            orders = jax.vmap(lambda key: jax.random.permutation(key, images)[: batches * batch_size])(keys)
            state, (loss, accuracy) = jax.lax.scan(one_step, state, (factors, orders.reshape(-1, batch_size)))
            scores = (loss.mean(0), accuracy.mean(0), *evaluate(state, *data["valid"]))
            return state, dict(zip(HISTORY, scores, strict=True))

        keys = jax.random.split(key, epochs).reshape(-1, every)
        state, history = jax.lax.scan(some_epochs, state, (keys, factors))
        return history, evaluate(state, *data["test"])[1]

    return train


def evaluation_of(model, axes):
    """The function that scores all variants, in ten parts: (state, inputs, labels) → losses, accuracies."""
    import jax

    def one(weights, others, inputs, labels):
        return scores_of(labels, model.stateless_call(weights, others, inputs, training=False)[0])

    def all_of(state, inputs, labels):
        parts = [values.reshape(10, -1, *values.shape[1:]) for values in (inputs, labels)]
        scores = jax.lax.map(lambda part: jax.vmap(one, (*axes[:2], None, None))(*state[:2], *part), parts)
        return [score.mean(0) for score in scores]

    return all_of


def factors_of(sweep, *, steps):
    """The learning rate of each step as a share of the largest, of shape (steps, variants)."""
    import jax

    from nbhelpers.models import make_schedule

    columns = {}
    for name in sweep.beside.get("schedule", ("constant",)):
        schedule = make_schedule(name, 1.0, steps=steps)
        at = jax.numpy.arange(steps)
        columns[name] = jax.vmap(schedule)(at) if callable(schedule) else jax.numpy.full(steps, schedule)
    return jax.numpy.stack([columns[v.get("schedule", "constant")] for v in sweep.variants()], axis=1)
