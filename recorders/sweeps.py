"""The sweeps as data: which trainings each file of recorded runs holds."""

import itertools
from dataclasses import dataclass, field

from nbhelpers.numbers import count_parameters

RATES = tuple(float(f"{10 ** (e / 2):.3g}") for e in range(-10, 4))  # 1e-5 to 31.6, two a decade
FINE_RATES = tuple(float(f"{10 ** (e / 4):.3g}") for e in range(-16, 1))  # 1e-4 to 1, four a decade
INPUTS = {"mnist": 784, "mnist1d": 40}
NORMALIZATIONS = {
    "none": {},
    "batch, before": {"batch_norm": "before"},
    "batch, after": {"batch_norm": "after"},
    "layer": {"layer_norm": True},
}
# What of a setting goes to `build_mlp` as it is.
OPTIONS = ("activation", "batch_norm", "kernel_initializer", "optimizer")
# What a variant does if it says nothing: hyperparameters that may differ between networks trained side by side.
NEUTRAL = {"dropout": 0.0, "l1": 0.0, "l2": 0.0, "max_norm": float("inf"), "weight_decay": 0.0}
BASE_UNITS = 64  # where networks scaled as in muP are the standard ones


@dataclass(frozen=True)
class Sweep:
    """A dense grid of trainings.

    Each combination of `blocks` is compiled and trained on its own; those of `beside` are trained side by side,
    for each of the seeds. What is `fixed` holds for all. The networks are scored `every` so many epochs; or, where
    `steps` are given, train for so many, whatever the number of images, and are scored `scores` times.
    """

    task: str
    blocks: dict
    beside: dict
    fixed: dict = field(default_factory=dict)
    seeds: int = 5
    images: int = 10_000
    batch_size: int = 125
    epochs: int = 27
    every: int = 1
    steps: int | None = None
    scores: int = 20

    @property
    def axes(self):
        """The values along each axis of the file, in its order."""
        seeds = {"seed": tuple(range(self.seeds))}
        return {**self.blocks, **self.beside, **seeds, **self.points}

    @property
    def points(self):
        """The axis along which a training is scored."""
        if self.steps:
            each = self.steps // self.scores
            return {"step": tuple(range(each, self.steps + 1, each))}
        return {"epoch": tuple(range(self.every, self.epochs + 1, self.every))}

    def settings(self):
        """The hyperparameters of each block, the most expensive first."""
        return sorted(combinations(self.blocks), key=self.cost, reverse=True)

    def variants(self):
        """The hyperparameters of each network that is trained beside others."""
        return combinations(self.beside)

    def duration(self, setting):
        """Training images, images a batch, epochs, and epochs between two scores, of a block."""
        images = setting.get("training_images", self.images)
        batch_size = setting.get("batch_size", self.batch_size)
        if not self.steps:
            return images, batch_size, self.epochs, self.every
        epochs = self.steps // (images // batch_size)
        return images, batch_size, epochs, epochs // self.scores

    def cost(self, setting):
        """Multiplications of a training, to which the time of a block is about proportional."""
        images, batch_size, epochs, _ = self.duration(setting)
        units = hidden_units({**self.fixed, **setting})
        return count_parameters(units, inputs=INPUTS[self.task]) * (images // batch_size) * batch_size * epochs

    def trainings(self):
        """How many trainings the file holds."""
        blocks = len(combinations(self.blocks))
        return blocks * len(self.variants()) * self.seeds


def combinations(axes):
    """Each combination of values, as a dict."""
    return [dict(zip(axes, values, strict=True)) for values in itertools.product(*axes.values())]


def hidden_units(setting):
    """Units of each hidden layer of a block."""
    if "shape" in setting:
        return tuple(map(int, setting["shape"].split("-")))
    return (setting["units"],) * setting["hidden_layers"]


def network_options(setting):
    """What of a setting `build_mlp` takes as keyword arguments."""
    options = {name: setting[name] for name in OPTIONS if name in setting}
    return {**options, **NORMALIZATIONS[setting.get("normalization", "none")]}


def dials(variant):
    """What of a variant may differ between networks side by side, a penalty such as "l2=0.01" among it."""
    kind, _, strength = variant.get("penalty", "none").partition("=")
    penalty = {} if kind == "none" else {kind: float(strength)}
    given = {name: variant[name] for name in NEUTRAL if name in variant}
    return {"learning_rate": variant["learning_rate"], **NEUTRAL, **given, **penalty}


def initialization(variant):
    """Name of the hidden layers' initializer (None for the customary one), and a gain or None.

    "gain=2" stands for normal numbers with the standard deviation 2 / √(inputs of the layer).
    """
    name = variant.get("initialization")
    if name is None or not name.startswith("gain="):
        return name, None
    return "random_normal", float(name.removeprefix("gain="))


def rates_by_layer(variant, setting):
    """Factor of the learning rate for the weights of the first, the other hidden, and the output layer.

    As in table 8 of Yang et al. (2022) for Adam, if the variant is scaled so, else 1.
    """
    factor = BASE_UNITS / setting["units"] if variant.get("scaling") == "muP" else 1.0
    return 1.0, factor, factor


TASKS = {  # as many steps on both
    "mnist": {"images": 10_000, "batch_size": 125, "epochs": 27, "every": 1},
    "mnist1d": {"images": 4_000, "batch_size": 100, "epochs": 54, "every": 2},
}
TWELVE_RATES, ADAM_RATES = RATES[2:], RATES[2:10]  # from 1e-4, to 31.6 and 0.316
PLAIN = {"units": 64, "hidden_layers": 2, "activation": "relu"}
ACTIVATIONS = ("linear", "sigmoid", "tanh", "relu", "leaky_relu", "prelu", "elu", "selu", "gelu", "silu", "mish")
BOTTLENECKS = ("64-1-64", "64-2-64", "64-4-64", "64-8-64", "64-16-64")
SHAPES = {  # about as many parameters each, on each task
    "mnist": ("64-64-64", "69-48-24", "72-24-24", "59-96-64", "46-92-184", *BOTTLENECKS),
    "mnist1d": ("64-64-64", "90-62-31", "118-40-40", "51-83-55", "30-60-120", *BOTTLENECKS),
}
PENALTIES = (
    "none",
    *(f"l1={strength:g}" for strength in (1e-5, 1e-4, 1e-3, 1e-2)),
    *(f"l2={strength:g}" for strength in (1e-4, 1e-3, 1e-2, 1e-1)),
    *(f"weight_decay={strength:g}" for strength in (1e-2, 1e-1, 1, 10)),
    *(f"max_norm={bound:g}" for bound in (1, 2, 4)),
)


def _atlas(task):
    """The dense cube that most lessons explore."""
    blocks = {
        "units": (8, 16, 32, 64, 128),
        "hidden_layers": (1, 2, 4, 8),
        "activation": ("sigmoid", "tanh", "relu"),
        "batch_norm": (False, True),
        "optimizer": ("sgd", "adam"),
    }
    return {"blocks": blocks, "beside": {"learning_rate": TWELVE_RATES, "dropout": (0.0, 0.2, 0.5)}}


def _widths(task):
    """How wide? From 1 unit to far more than needed."""
    widths = tuple(2**n for n in range(11))
    return {
        "blocks": {"units": widths, "hidden_layers": (1, 2, 4)},
        "beside": {"learning_rate": ADAM_RATES},
        "fixed": {"activation": "relu", "optimizer": "adam"},
    }


def _data_sizes(task):
    """How deep, with how many training images? As many steps with few as with many."""
    sizes = (500, 1000, 2000, 5000, 10_000, 25_000, 50_000)
    return {
        "blocks": {"training_images": sizes, "units": (64, 256), "hidden_layers": (1, 2, 4, 8)},
        "beside": {"learning_rate": RATES[2:8], "dropout": (0.0, 0.2, 0.5)},
        "fixed": {"activation": "relu", "optimizer": "adam"},
        "steps": 4000,
        "scores": 10,
        "batch_size": 125,
    }


def _optimizers(task):
    """Which optimizer, with which schedule of its rate?"""
    momentum = ("momentum_0.5", "momentum", "momentum_0.95", "momentum_0.99", "nesterov")
    adaptive = ("rmsprop", "adam", "adamw", "muon", "schedule_free_adamw", "lion")
    return {
        "blocks": {"optimizer": ("sgd", *momentum, *adaptive)},
        "beside": {"schedule": ("constant", "step", "cosine", "one_cycle"), "learning_rate": RATES},
        "fixed": PLAIN,
    }


def _initializations(task):
    """Which initial weights, with which activation, at which depth?"""
    gains = tuple(f"gain={gain}" for gain in (0.5, 1, 1.414, 2, 4, 8))
    return {
        "blocks": {
            "hidden_layers": (2, 8, 20),
            "activation": ("sigmoid", "tanh", "relu", "selu", "gelu"),
            "optimizer": ("sgd", "adam"),
        },
        "beside": {"initialization": (*gains, "glorot_uniform"), "learning_rate": RATES},
        "fixed": {"units": 64},
    }


def _activations(task):
    """Which activation, in a shallow and in a deep network?"""
    return {
        "blocks": {"activation": ACTIVATIONS, "hidden_layers": (2, 8), "optimizer": ("sgd", "adam")},
        "beside": {"learning_rate": TWELVE_RATES},
        "fixed": {"units": 64},
    }


def _regularizers(task):
    """Which regularizer, how strong, with how many training images?"""
    sizes, rates = ((500, 1000, 4000, 10_000), RATES[2:8]) if task == "mnist" else ((500, 1000, 4000), RATES[2:9])
    return {
        "blocks": {"training_images": sizes},
        "beside": {"penalty": PENALTIES, "learning_rate": rates, "dropout": (0.0, 0.2, 0.4, 0.6)},
        "fixed": {"units": 100, "hidden_layers": 1, "activation": "relu", "optimizer": "adam"},
        "steps": 4000,
        "scores": 20,
        "batch_size": 100,
    }


def _normalization(task, *, batch_sizes=(32, 125), epochs=(10, 27)):
    """Which normalization, which rates does it survive?"""
    epochs = epochs[task != "mnist"]
    return {
        "blocks": {
            "normalization": tuple(NORMALIZATIONS),
            "activation": ("sigmoid", "relu"),
            "batch_size": batch_sizes,
            "optimizer": ("sgd", "adam"),
        },
        "beside": {"learning_rate": TWELVE_RATES},
        "fixed": {"units": 64, "hidden_layers": 2},
        "epochs": epochs,
        "every": 1,
    }


def _small_batches(task):
    """And how small may a batch be? A fifth of the epochs, since they have so many steps."""
    return _normalization(task, batch_sizes=(2, 8), epochs=(2, 5))


def _shapes(task):
    """Which shape? Three hidden layers of about as many parameters, and with a bottleneck."""
    return {
        "blocks": {"shape": SHAPES[task]},
        "beside": {"learning_rate": ADAM_RATES},
        "fixed": {"activation": "relu", "optimizer": "adam"},
    }


def _width_scaling(task):
    """Does the best rate move with the width? Standard networks, and scaled as in muP (Yang et al., 2022)."""
    return {
        "blocks": {"units": tuple(2**n for n in range(4, 11))},
        "beside": {"scaling": ("standard", "muP"), "learning_rate": FINE_RATES},
        "fixed": {"hidden_layers": 2, "activation": "relu", "optimizer": "adam"},
    }


def _batch_sizes(task):
    """How many images a batch, and which rate belongs to it?"""
    largest = 2500 if task == "mnist" else 2000  # a part of all
    return {
        "blocks": {"batch_size": (8, 20, 50, 125, 400, 1000, largest), "optimizer": ("sgd", "adam")},
        "beside": {"learning_rate": TWELVE_RATES},
        "fixed": PLAIN,
        "epochs": 15 if task == "mnist" else 30,
        "every": 1,
    }


def _three_layers_of_sigmoids(task):
    """The network of figure 1 of Ioffe & Szegedy (2015), at seven rates; on MNIST."""
    return {
        "blocks": {"batch_norm": (False, True)},
        "beside": {"learning_rate": RATES[6:13]},
        "fixed": {
            "units": 100,
            "hidden_layers": 3,
            "activation": "sigmoid",
            "kernel_initializer": "random_normal",
            "optimizer": "sgd",
        },
        "seeds": 3,
        "images": 50_000,
        "batch_size": 60,
        "epochs": 60,
    }


CONTENTS = {
    "atlas": _atlas,
    "widths": _widths,
    "data_sizes": _data_sizes,
    "optimizers": _optimizers,
    "initializations": _initializations,
    "activations": _activations,
    "regularizers": _regularizers,
    "normalization": _normalization,
    "small_batches": _small_batches,
    "shapes": _shapes,
    "width_scaling": _width_scaling,
    "batch_sizes": _batch_sizes,
    "three_layers_of_sigmoids": _three_layers_of_sigmoids,
}
SWEEPS = {
    f"{content}_{task}": Sweep(task=task, **{**TASKS[task], **options(task)})
    for content, options in CONTENTS.items()
    for task in TASKS
    # MNIST-1D has too few signals for the one, and no famous figure.
    if task == "mnist" or content not in ("data_sizes", "three_layers_of_sigmoids")
}
