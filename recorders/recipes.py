"""Record networks that stand beside published figures of MNIST: python -m recorders.recipes.

Trained by plain Keras on TensorFlow, on all 50,000 training images, by Adam with a rate that falls along half a cosine.
The rate is chosen by the validation images; only networks with the chosen rate meet the test images. It may be killed
at any moment and goes on where it was.
"""

import time
from importlib.metadata import version
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.data import DATA_FOLDER
from recorders.store import describe, fill, fingerprint, path_of, run_from_command_line, save, write

VERSION = 1  # raise it when a change of the code changes results
SEEDS = 5  # of the chosen rate
BATCH_SIZE = 125
RATES = (0.000316, 0.001, 0.00316, 0.01, 0.0316)
# Units of the hidden layers, epochs, the rates to choose from, the seeds by which they are chosen, and further options
# of `build_mlp`.
PLAIN = {"epochs": 25, "rates": RATES, "search_seeds": 2, "options": {}}
RECIPES = {
    "softmax regression": {"units": (), **PLAIN},
    "300 units": {"units": (300,), **PLAIN},
    "300-100": {"units": (300, 100), **PLAIN},
    "800 units": {"units": (800,), **PLAIN},
    "800-800, dropout, max-norm": {
        "units": (800, 800),
        "epochs": 50,
        "rates": RATES[:4],
        "search_seeds": 1,
        "options": {"dropout": 0.5, "input_dropout": 0.2, "max_norm": 2.0},
    },
}
MEASURES = {
    "val_accuracy": ("validation accuracy", "after the last epoch", "1"),
    "valid_right": ("read right", "validation images in their order, at the chosen rate", "1"),
    "test_right": ("read right", "test images in their order, at the chosen rate", "1"),
}
LONG_NAMES = {
    "recipe": "recipe",
    "learning_rate": "learning rate of the first step",
    "seed": "seed of the initial weights, the order of the images, and dropout",
    "chosen_rate": "learning rate chosen by the validation images",
    "epochs": "epochs",
}


def build(name, rate):
    """The network of a recipe, untrained."""
    from nbhelpers.models import build_mlp, make_schedule

    recipe = RECIPES[name]
    schedule = make_schedule("cosine", rate, steps=recipe["epochs"] * 50_000 // BATCH_SIZE)
    return build_mlp(recipe["units"], learning_rate=schedule, **recipe["options"])


def read_right(model, split):
    """Whether a network reads each image of a split right."""
    from nbhelpers.data import load_mnist

    images, labels = load_mnist(split)
    return np.argmax(model(images), axis=1) == labels


def record_training(path, name, rate, seed):
    """Train one network; keep what it makes of the validation images, its weights, and the computing time."""
    import keras

    from nbhelpers.data import load_mnist
    from nbhelpers.models import batches

    start, recipe = time.process_time(), RECIPES[name]
    keras.utils.set_random_seed(seed)
    model = build(name, rate)
    model.steps_per_execution = 8  # the same training, with less waiting between the steps
    model.jit_compile = not recipe["options"]  # twice as fast, but for dropout's random numbers
    data = batches(*load_mnist("train"), batch_size=BATCH_SIZE)
    model.fit(data, epochs=recipe["epochs"], shuffle=False, verbose=0)
    weights = {f"weights {place}": array for place, array in enumerate(model.get_weights())}
    seconds = time.process_time() - start
    save(path, {"right": read_right(model, "valid"), "seconds": seconds, **weights})


def record_test(path, trained, name, rate, seed):
    """Let the network that lies at this path meet the test images."""
    model = build(name, rate)
    with np.load(trained) as block:
        model.set_weights([block[f"weights {place}"] for place in range(len(model.weights))])
        assert np.mean(read_right(model, "valid") == block["right"]) > 0.999, "these are other weights"
    save(path, {"right": read_right(model, "test")})


def trainings(name, rates, seeds, folder):
    """The path of each training of a recipe with these rates and so many seeds, and what is trained."""
    found = {}
    for rate in rates:
        for seed in range(seeds):
            block = {"recipe": name, "learning_rate": rate, "seed": seed}
            found[path_of(folder, block, mark_of(name))] = (name, rate, seed)
    return found


def mark_of(name):
    """The fingerprint of a recipe."""
    recipe = {key: RECIPES[name][key] for key in ("units", "epochs", "options")}
    return fingerprint(recipe=recipe, batch_size=BATCH_SIZE, code=VERSION, keras=version("keras"))


def read(path, name):
    with np.load(path) as block:
        return block[name]


def chosen_rate(blocks):
    """The rate with the best mean validation accuracy, of trainings that are all there."""
    scores = {}
    for path, (_, rate, _) in blocks.items():
        scores.setdefault(rate, []).append(read(path, "right").mean())
    return max(scores, key=lambda rate: np.mean(scores[rate]))


def join(searched, finals, tests):
    """Join all recipes into one dataset; each argument holds for each recipe paths and what lies there."""
    names, rates = list(searched), list(RATES)
    accuracy = np.full((len(names), len(rates), SEEDS), np.nan, "float32")
    for place, name in enumerate(names):
        for path, (_, rate, seed) in {**searched[name], **finals[name]}.items():
            accuracy[place, rates.index(rate), seed] = read(path, "right").mean()
    rights = {
        f"{split}_right": (
            ("recipe", "seed", "image"),
            np.array([[read(path, "right") for path in found[name]] for name in names]),
        )
        for split, found in (("valid", finals), ("test", tests))
    }
    everything = {path for name in names for path in {**searched[name], **finals[name]}}
    seconds = sum(float(read(path, "seconds")) for path in everything)
    recipes = xr.Dataset(
        {"val_accuracy": (("recipe", "learning_rate", "seed"), accuracy), **rights},
        coords={
            "recipe": names,
            "learning_rate": rates,
            "seed": range(SEEDS),
            "chosen_rate": ("recipe", [next(iter(finals[name].values()))[1] for name in names]),
            "epochs": ("recipe", [RECIPES[name]["epochs"] for name in names]),
        },
        attrs={
            "title": "Networks that stand beside published figures of MNIST",
            "task": "mnist",
            "images": 50_000,
            "batch_size": BATCH_SIZE,
            "optimizer": "adam",
            "schedule": "cosine",
            "core_seconds": round(seconds),
            "made_by": f"recorders.recipes, version {VERSION}",
            "versions": f"keras {version('keras')}",
            "license": "CC BY 4.0",
        },
    )
    return describe(recipes, measures=MEASURES, axes=LONG_NAMES)


def record(*, folder=DATA_FOLDER, processes=None):
    """Train what is missing; yield the path of the file, ``recipes_mnist.nc``, when it is made."""
    parts = Path(folder) / "parts" / "recipes"
    searched, finals, tests = {}, {}, {}
    for name, recipe in RECIPES.items():
        searched[name] = trainings(name, recipe["rates"], recipe["search_seeds"], parts)
        for _ in fill(searched[name], record_training, processes=processes):
            pass
        finals[name] = trainings(name, [chosen_rate(searched[name])], SEEDS, parts)
        for _ in fill(finals[name], record_training, processes=processes):
            pass
    # Every rate is chosen now.
    for name, found in finals.items():
        tests[name] = {path.with_stem(f"{path.stem}-test"): (path, *block) for path, block in found.items()}
        for _ in fill(tests[name], record_test, processes=processes):
            pass
    target = Path(folder) / "recipes_mnist.nc"
    write(target, join(searched, finals, tests))
    yield target


if __name__ == "__main__":
    run_from_command_line(record, "Record networks that stand beside published figures of MNIST.")
