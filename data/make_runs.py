"""Record thousands of trainings of small multilayer perceptrons (see data/README.md).

    python data/make_runs.py atlas widths        # names of sweeps, see SWEEPS; all of them if none is named

Each block is one architecture. Its models are built by `nbhelpers.models.build_mlp`, run on Keras'
JAX backend, and trained side by side over learning rates and dropout rates. One process a core takes
blocks from a list; a finished block is moved into place as one file, so the program may be killed at
any moment and goes on where it was. When no block is missing, they are joined into one netCDF file.
"""

import argparse
import itertools
import os
import threading
import time
from concurrent.futures import ProcessPoolExecutor, as_completed
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from multiprocessing import get_context
from pathlib import Path

import numpy as np
import xarray as xr
from blocks import list_sum
from tqdm import tqdm

from nbhelpers.numbers import count_parameters

FOLDER = Path(__file__).resolve().parent
RATES = tuple(float(f"{10**e:.3g}") for e in np.arange(-4, 0.1, 0.5))  # 1e-4 to 1, two a decade
ADAM_RATES = RATES[:6]  # 1e-4 to 3e-2
LARGE_RATES = (*RATES[2:], 3.16, 10.0)  # 1e-3 to 10, for SGD with batch normalization
MEASURES = {
    "loss": ("training loss", "cross-entropy, mean over the epoch's batches", "nats"),
    "accuracy": ("training accuracy", "mean over the epoch's batches", "1"),
    "val_loss": ("validation loss", "cross-entropy after the epoch", "nats"),
    "val_accuracy": ("validation accuracy", "after the epoch", "1"),
    "test_accuracy": ("test accuracy", "after the last epoch", "1"),
    "diverged": ("diverged", "the training loss became infinite or undefined", "1"),
}
# Where overfitting shows: a thousand images, 1,200 steps, for regularizers.
FEW_IMAGES = {
    "images": 1000,
    "batch_size": 50,
    "epochs": 60,
    "every": 4,
    "seeds": 5,
    "learning_rate": RATES[1:6],
    "dropout": (0.0, 0.2, 0.4, 0.6),
}
ALL_IMAGES = {"images": 50_000, "batch_size": 128, "every": 5, "learning_rate": RATES[1:4]}  # 3e-4 to 3e-3
MODEL_OPTIONS = ("activation", "batch_norm", "input_dropout", "kernel_initializer", "max_norm", "optimizer")
HISTORY = ("loss", "accuracy", "val_loss", "val_accuracy")
LONG_NAMES = {
    "units": "units of each hidden layer",
    "hidden_layers": "number of hidden layers",
    "shape": "units of the hidden layers, first to last",
    "budget": "largest number of weights and biases, reached by the widest constant width that fits",
    "activation": "activation",
    "batch_norm": "batch normalization",
    "kernel_initializer": "initializer of the hidden layers' weights",
    "penalty": "regularizer and its strength",
    "optimizer": "optimizer",
    "schedule": "learning rate schedule",
    "batch_size": "images a batch",
    "learning_rate": "learning rate",
    "dropout": "dropout rate",
    "seed": "seed of the initial weights, the order of the images, and dropout",
    "epoch": "epochs",
}


@dataclass(frozen=True)
class Sweep:
    """A dense grid of trainings: `blocks` need a model of their own each, the rest run side by side.

    The networks are scored `every` so many epochs. What is `fixed` holds for all of them.
    """

    blocks: dict
    fixed: dict = field(default_factory=dict)
    learning_rate: tuple = RATES
    dropout: tuple = (0.0,)
    seeds: int = 3
    epochs: int = 15
    every: int = 1
    batch_size: int = 125
    images: int = 10_000

    @property
    def axes(self):
        return {
            **self.blocks,
            "learning_rate": self.learning_rate,
            "dropout": self.dropout,
            "seed": tuple(range(self.seeds)),
            "epoch": tuple(range(self.every, self.epochs + 1, self.every)),
        }

    def settings(self):
        """The hyperparameters of each block, the most expensive first."""
        combinations = itertools.product(*self.blocks.values())
        blocks = [dict(zip(self.blocks, values, strict=True)) for values in combinations]
        return sorted(blocks, key=self.cost, reverse=True)

    def cost(self, setting):
        """Weights and biases, to which the time of a block is about proportional."""
        return count_parameters(hidden_units({**self.fixed, **setting}))


SWEEPS = {
    # The dense cube that notebooks 02 to 09 explore.
    "atlas": Sweep(
        blocks={
            "units": (8, 16, 32, 64),
            "hidden_layers": (1, 2, 4, 8),
            "activation": ("sigmoid", "tanh", "relu"),
            "batch_norm": (False, True),
            "optimizer": ("sgd", "adam"),
        },
        dropout=(0.0, 0.2, 0.5),
    ),
    # How wide? One and two hidden layers from 1 unit to far more than needed.
    "widths": Sweep(
        blocks={"units": (1, 2, 4, 8, 16, 32, 64, 128, 256, 512), "hidden_layers": (1, 2)},
        learning_rate=ADAM_RATES,
    ),
    # Which shape? Three hidden layers of about the same number of parameters, and with a bottleneck.
    "shapes": Sweep(
        blocks={
            "shape": (
                "64-64-64",
                "69-48-24",
                "72-24-24",
                "59-96-64",
                "46-92-184",
                "64-1-64",
                "64-2-64",
                "64-4-64",
                "64-8-64",
                "64-16-64",
            ),
        },
        learning_rate=ADAM_RATES,
        seeds=5,
    ),
    # How deep, at equal cost? The widest constant width that stays within a budget of parameters.
    "budgets": Sweep(
        blocks={"budget": (10_000, 40_000, 100_000), "hidden_layers": (1, 2, 3, 4, 6, 8), "batch_norm": (False, True)},
        learning_rate=ADAM_RATES,
    ),
    # Which activation, in a shallow and in a deep network?
    "activations": Sweep(
        blocks={
            "activation": (
                "linear",
                "sigmoid",
                "tanh",
                "relu",
                "leaky_relu",
                "prelu",
                "elu",
                "selu",
                "gelu",
                "silu",
                "mish",
            ),
            "hidden_layers": (2, 8),
        },
        fixed={"units": 64, "optimizer": "adam"},
        learning_rate=ADAM_RATES,
        seeds=5,
    ),
    # Which initial weights, with which activation, at which depth?
    "initializations": Sweep(
        blocks={
            "activation": ("sigmoid", "tanh", "relu", "selu"),
            "optimizer": ("sgd", "adam"),
            "kernel_initializer": ("glorot_normal", "lecun_normal", "he_normal"),
            "hidden_layers": (2, 5, 10, 20),
        },
        fixed={"units": 32},
        epochs=10,
    ),
    # Which regularizer, how strong, when images are few?
    "regularizers": Sweep(
        blocks={
            "penalty": (
                "none",
                *(f"l1={strength:g}" for strength in (1e-5, 1e-4, 1e-3, 1e-2)),
                *(f"l2={strength:g}" for strength in (1e-4, 1e-3, 1e-2, 1e-1)),
                *(f"weight_decay={strength:g}" for strength in (1e-2, 1e-1, 1, 10)),
                *(f"max_norm={bound:g}" for bound in (0.5, 1, 2, 4)),
            ),
        },
        fixed={"units": 100, "hidden_layers": 2, "activation": "relu", "optimizer": "adam"},
        **FEW_IMAGES,
    ),
    # Does dropout pay in a wider network?
    "dropout_by_width": Sweep(
        blocks={"units": (25, 100, 400)},
        fixed={"hidden_layers": 2, "activation": "relu", "optimizer": "adam"},
        **FEW_IMAGES,
    ),
    # Figure 1 of Ioffe & Szegedy (2015): 50,000 steps of 60 images through three layers of 100 sigmoids.
    "three_layers_of_sigmoids": Sweep(
        blocks={"batch_norm": (False, True)},
        fixed={
            "units": 100,
            "hidden_layers": 3,
            "activation": "sigmoid",
            "kernel_initializer": "random_normal",
            "optimizer": "sgd",
        },
        learning_rate=LARGE_RATES[2:],
        epochs=60,
        batch_size=60,
        images=50_000,
    ),
    # Where does batch normalization stand, which rates does it survive, and how small may a batch be?
    "normalization": Sweep(
        blocks={
            "batch_norm": ("none", "before", "after"),
            "activation": ("sigmoid", "relu"),
            "batch_size": (2, 8, 32, 125),
        },
        fixed={"units": 64, "hidden_layers": 3, "optimizer": "sgd"},
        learning_rate=LARGE_RATES,
        epochs=10,
    ),
    # Which optimizer, and which schedule of its rate?
    "optimizers": Sweep(
        blocks={
            "optimizer": ("sgd", "momentum", "nesterov", "rmsprop", "adam", "adamw"),
            "schedule": ("constant", "step", "cosine", "one_cycle"),
        },
        fixed={"units": 64, "hidden_layers": 2, "activation": "relu"},
        seeds=5,
    ),
    # How many images a batch, and which rate belongs to it?
    "batch_sizes": Sweep(
        blocks={"batch_size": (8, 20, 50, 125, 400, 1000, 2500), "optimizer": ("sgd", "adam")},
        fixed={"units": 64, "hidden_layers": 2, "activation": "relu"},
        learning_rate=(*RATES, 3.16),
    ),
    # How good does a plain network get on all images, in the size of Simard et al. (2003)?
    "recipe_plain": Sweep(
        blocks={"units": (800,)},
        fixed={"hidden_layers": 1, "activation": "relu", "optimizer": "adam", "schedule": "cosine"},
        seeds=5,
        epochs=25,
        **ALL_IMAGES,
    ),
    # And with dropout and max-norm, as Srivastava et al. (2014) trained theirs?
    "recipe_dropout": Sweep(
        blocks={"units": (800,)},
        fixed={
            "hidden_layers": 2,
            "activation": "relu",
            "optimizer": "adam",
            "schedule": "cosine",
            "input_dropout": 0.2,
            "max_norm": 2.0,
        },
        dropout=(0.5,),
        epochs=50,
        **ALL_IMAGES,
    ),
}


def hidden_units(setting):
    """Units of each hidden layer of a block."""
    if "shape" in setting:
        return tuple(map(int, setting["shape"].split("-")))
    if "budget" in setting:
        widths = range(1, setting["budget"] // 784 + 1)
        fitting = [u for u in widths if count_parameters((u,) * setting["hidden_layers"]) <= setting["budget"]]
        return (max(fitting),) * setting["hidden_layers"]
    return (setting["units"],) * setting["hidden_layers"]


def model_options(setting):
    """What of a setting `build_mlp` takes as keyword arguments, a penalty such as "l2=0.01" among it."""
    penalty, _, strength = setting.get("penalty", "none").partition("=")
    options = {key: setting[key] for key in MODEL_OPTIONS if setting.get(key, "none") != "none"}
    return options if penalty == "none" else {**options, penalty: float(strength)}


def file_of(setting, folder):
    return folder / ("-".join(f"{value}" for value in setting.values()) + ".npz")


def record(name, *, folder=FOLDER, processes=None, sweep=None, train=None):
    """Record the sweep of this name into ``folder/runs_<name>.nc`` and return that path.

    `train` stands in for `train_seed`, with the same arguments and results.
    """
    sweep, train = sweep or SWEEPS[name], train or train_seed
    target, parts = Path(folder) / f"runs_{name}.nc", Path(folder) / "parts" / name
    parts.mkdir(parents=True, exist_ok=True)
    for draft in parts.glob("*.tmp"):  # left by a recorder that was killed
        draft.unlink()
    missing = [s for s in sweep.settings() if not file_of(s, parts).exists()]
    bar = tqdm(total=sum(map(sweep.cost, sweep.settings())), unit="weight", unit_scale=True, desc=name)
    bar.initial = bar.n = bar.total - sum(map(sweep.cost, missing))
    # One process a core, each single-threaded, trains twice as many models as one process with two threads.
    os.environ["XLA_FLAGS"] = "--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1"
    os.environ["KERAS_BACKEND"] = "jax"
    workers = {"mp_context": get_context("spawn"), "initializer": end_with, "initargs": (os.getpid(),)}
    with ProcessPoolExecutor(processes or os.cpu_count(), **workers) as pool:
        jobs = {pool.submit(train_block, sweep, s, file_of(s, parts), train): s for s in missing}
        for job in as_completed(jobs):
            job.result()
            bar.update(sweep.cost(jobs[job]))
    bar.close()
    draft = target.with_suffix(".tmp")
    join(sweep, parts).to_netcdf(draft, engine="h5netcdf", encoding=compressed(sweep))
    os.replace(draft, target)
    list_sum(target)
    return target


def end_with(parent):
    """In a worker: stop at once when the recorder is gone, so that the next one never meets a leftover."""

    def watch():
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


def compressed(sweep):
    return {name: {"zlib": True, "complevel": 9, "shuffle": True} for name in (*HISTORY, "test_accuracy")}


def train_block(sweep, setting, path, train):
    """Train every model of one architecture and move the results to `path` in one step."""
    start = time.perf_counter()
    runs = [train(sweep, setting, seed) for seed in range(sweep.seeds)]
    results = {key: np.stack([run[key] for run in runs]) for key in runs[0]}
    draft = path.with_suffix(f".{os.getpid()}.tmp")
    with draft.open("wb") as file:
        np.savez(file, seconds=time.perf_counter() - start, **results)
    os.replace(draft, path)


# Compiling takes seconds, so the seeds and the initializers of a block share what was compiled.
_compiled = {}


def train_seed(sweep, setting, seed):
    """Train one architecture from one seed at all learning and dropout rates.

    Returns a dict of arrays of shape (learning rates, dropout rates, epochs), and
    ``test_accuracy`` of shape (learning rates, dropout rates).
    """
    import jax
    import jax.numpy as jnp
    import keras

    from nbhelpers.data import load_mnist
    from nbhelpers.models import build_mlp

    key = tuple(item for item in setting.items() if item[0] != "kernel_initializer")  # it compiles to the same
    setting = {**sweep.fixed, **setting}
    keras.utils.set_random_seed(seed)
    # Any rate above zero makes dropout layers; each model then has its own rate.
    model = build_mlp(hidden_units(setting), dropout=max(sweep.dropout), **model_options(setting))
    model.optimizer.build(model.trainable_variables)
    if key not in _compiled:
        _compiled.clear()
        data = {split: tuple(map(jnp.asarray, load_mnist(split))) for split in ("valid", "test")}
        data["train"] = tuple(map(jnp.asarray, load_mnist("train", n=sweep.images)))
        _compiled[key] = jax.jit(training_of(model, data, sweep, setting)), side_by_side(model)
    train, axes = _compiled[key]
    grid = jnp.meshgrid(jnp.array(sweep.learning_rate), jnp.array(sweep.dropout), indexing="ij")
    rate, dropout = (values.ravel() for values in grid)
    state = start_of(model, axes, rate)
    history, test_accuracy = jax.device_get(train(state, dropout, jax.random.key(seed)))
    shape = len(sweep.learning_rate), len(sweep.dropout)
    runs = {key: values.T.reshape(*shape, -1) for key, values in history.items()}
    return {**runs, "test_accuracy": test_accuracy.reshape(shape)}


def side_by_side(model):
    """For `jax.vmap`: which variables have a copy a model (axis 0), and which are shared (None).

    The random numbers of dropout are shared, as are images and their order: what differs between
    two models of a block is their hyperparameters alone.
    """
    shared = [None if v.name == "seed_generator_state" else 0 for v in model.non_trainable_variables]
    return [0] * len(model.trainable_variables), shared, [0] * len(model.optimizer.variables)


def start_of(model, axes, rate):
    """The initial variables, one copy a learning rate, each with its own rate in the optimizer."""
    import jax.numpy as jnp

    groups = model.trainable_variables, model.non_trainable_variables, model.optimizer.variables
    values = [
        rate if v.name == "learning_rate" else v.value if axis is None else jnp.stack([v.value] * len(rate))
        for group, group_axes in zip(groups, axes, strict=True)
        for v, axis in zip(group, group_axes, strict=True)
    ]
    ends = np.cumsum([len(group) for group in groups])
    return tuple(values[a:b] for a, b in zip((0, *ends), ends, strict=False))


def training_of(model, data, sweep, setting):
    """Return the function that trains all models of a block: (state, dropout rates, key) → results."""
    import jax
    import keras

    batch_size = setting.get("batch_size", sweep.batch_size)
    batches = sweep.images // batch_size  # images that fill no batch are left out, others each epoch
    factors = schedule_of(setting.get("schedule", "constant"), steps=sweep.epochs * batches)
    dropout_rate = share_dropout(model)
    axes = side_by_side(model)
    at_rate = [v.name for v in model.optimizer.variables].index("learning_rate")

    def scores(labels, probabilities):
        loss = keras.losses.sparse_categorical_crossentropy(labels, probabilities).mean()
        return loss, (probabilities.argmax(-1) == labels).mean()

    def loss_of(weights, others, images, labels):
        probabilities, others, penalties = model.stateless_call(
            weights, others, images, training=True, return_losses=True
        )
        loss, accuracy = scores(labels, probabilities)
        return loss + sum(penalties), (others, accuracy)

    def step(weights, others, optimizer, rate, images, labels):
        dropout_rate.append(rate)
        gradient = jax.value_and_grad(loss_of, has_aux=True)
        (loss, (others, accuracy)), gradients = gradient(weights, others, images, labels)
        dropout_rate.clear()
        weights, optimizer = model.optimizer.stateless_apply(optimizer, gradients, weights)
        return (weights, others, optimizer), (loss, accuracy)

    def evaluate(weights, others, images, labels):
        probabilities, _ = model.stateless_call(weights, others, images, training=False)
        return scores(labels, probabilities)

    steps = jax.vmap(step, in_axes=(*axes, 0, None, None), out_axes=(axes, (0, 0)))
    evaluations = jax.vmap(evaluate, in_axes=(*axes[:2], None, None))

    def evaluate_all(state, split):
        images, labels = (a.reshape(10, -1, *a.shape[1:]) for a in data[split])
        parts = jax.lax.map(lambda batch: evaluations(*state[:2], *batch), (images, labels))
        return tuple(part.mean(0) for part in parts)

    def train(state, dropout, key):
        images, labels = data["train"]

        largest_rate = state[2][at_rate]

        def one_step(state, batch):
            factor, batch = batch
            optimizer = [*state[2][:at_rate], largest_rate * factor, *state[2][at_rate + 1 :]]
            return steps(*state[:2], optimizer, dropout, images[batch], labels[batch])

        def some_epochs(state, part):
            keys, factors = part
            orders = [jax.random.permutation(key, sweep.images)[: batches * batch_size] for key in keys]
            order = jax.numpy.concatenate(orders).reshape(-1, batch_size)
            state, (loss, accuracy) = jax.lax.scan(one_step, state, (factors, order))
            val_loss, val_accuracy = evaluate_all(state, "valid")
            return state, dict(zip(HISTORY, (loss.mean(0), accuracy.mean(0), val_loss, val_accuracy), strict=True))

        keys = jax.random.split(key, sweep.epochs).reshape(-1, sweep.every)
        state, history = jax.lax.scan(some_epochs, state, (keys, factors.reshape(len(keys), -1)))
        return history, evaluate_all(state, "test")[1]

    return train


def schedule_of(name, *, steps):
    """The learning rate of each step, as a share of the largest."""
    import jax

    from nbhelpers.models import make_schedule

    schedule = make_schedule(name, 1.0, steps=steps)
    at = jax.numpy.arange(steps)
    return jax.vmap(schedule)(at) if callable(schedule) else jax.numpy.full(steps, schedule)


def share_dropout(model):
    """Let each dropout layer read its rate from the returned list, so that the rate may differ between models.

    That of the inputs has a rate of its own, which is the same for all models.
    """
    import keras

    rate = []

    def call(layer, inputs, training=False):
        if not training:
            return inputs
        kept = keras.random.uniform(inputs.shape, seed=layer.seed_generator) >= rate[-1]
        return keras.ops.where(kept, inputs / (1 - rate[-1]), 0)

    for layer in model.layers:
        if isinstance(layer, keras.layers.Dropout) and layer.name != "input_dropout":
            layer.call = call.__get__(layer)
    return rate


def join(sweep, parts):
    """Join the blocks of a finished sweep into one dataset; raise if one is missing or of a wrong shape."""
    names = list(sweep.axes)
    shape = [len(values) for values in sweep.axes.values()]
    arrays = {name: np.full(shape, np.nan, "float32") for name in HISTORY}
    arrays["test_accuracy"] = np.full(shape[:-1], np.nan, "float32")
    seconds = 0.0
    for setting in sweep.settings():
        place = tuple(sweep.blocks[key].index(value) for key, value in setting.items())
        with np.load(file_of(setting, parts)) as block:
            seconds += float(block["seconds"])
            for name, array in arrays.items():
                array[place] = np.moveaxis(block[name], 0, 2)  # seeds come first in a block
    runs = xr.Dataset(
        {name: (names[: array.ndim], array) for name, array in arrays.items()},
        coords={name: list(values) for name, values in sweep.axes.items()},
        attrs={
            "title": "Recorded trainings of multilayer perceptrons on MNIST",
            "images": sweep.images,
            "batch_size": sweep.batch_size,
            "validation": "images 50,000 to 59,999 of MNIST's training file, all of them at each recorded epoch",
            "initialization": "the initializer that belongs to the activation, see nbhelpers.models",
            "made_by": "data/make_runs.py",
            "versions": ", ".join(map(with_version, ("keras", "jax", "numpy"))),
            "core_seconds": round(seconds),
            "license": "CC BY 4.0",
            **sweep.fixed,
        },
    )
    for name in runs.attrs.keys() & sweep.blocks.keys():  # an axis, and no note for all
        del runs.attrs[name]
    if "kernel_initializer" in {**sweep.fixed, **sweep.blocks}:
        del runs.attrs["initialization"]
    runs["diverged"] = ~np.isfinite(runs["loss"]).all("epoch")
    for name, (long_name, comment, units) in MEASURES.items():
        runs[name].attrs = {"long_name": long_name, "comment": comment, "units": units}
    for name in runs.coords:
        runs[name].attrs = {"long_name": LONG_NAMES[name]}
    if "budget" in runs.coords:
        runs["units"] = ("budget", "hidden_layers"), width_by_budget(sweep)
        runs["units"].attrs = {"long_name": LONG_NAMES["units"], "units": "1"}
    # A hyperparameter that does not vary is a note, not an axis.
    return runs.squeeze([name for name in sweep.axes if runs.sizes[name] == 1])


def with_version(package):
    """Name and version of a package; the tests join runs where JAX is not installed."""
    try:
        return f"{package} {version(package)}"
    except PackageNotFoundError:
        return f"{package} (not installed)"


def width_by_budget(sweep):
    axes = sweep.blocks["budget"], sweep.blocks["hidden_layers"]
    return [[hidden_units({"budget": b, "hidden_layers": n})[0] for n in axes[1]] for b in axes[0]]


def main():
    parser = argparse.ArgumentParser(description="Record trainings; resumes where it was.")
    parser.add_argument("names", nargs="*", help=f"which sweeps, by default all: {', '.join(SWEEPS)}")
    parser.add_argument("--processes", type=int, help="default: one a core")
    arguments = parser.parse_args()
    if unknown := set(arguments.names) - set(SWEEPS):
        parser.error(f"unknown: {', '.join(sorted(unknown))}. Choose from: {', '.join(SWEEPS)}")
    for name in arguments.names or SWEEPS:
        path = record(name, processes=arguments.processes)
        print(f"{path.relative_to(FOLDER.parent)}: {path.stat().st_size / 1e6:.1f} MB")


if __name__ == "__main__":
    main()
