"""The hyperparameters of the live lab: where they stand, their options and labels, and the checks of them."""

import math

# Where a hyperparameter stands on MNIST unless it is set; tasks.py has the few that differ on MNIST-1D.
DEFAULTS = {
    "hidden_layers": 1,
    "units": 64,
    "activation": "relu",
    "initialization": "customary",
    "l1": 0.0,
    "l2": 0.0,
    "dropout": 0.0,
    "batch_norm": "none",
    "optimizer": "adam",
    "learning_rate": 0.001,
    "schedule": "constant",
    "batch_size": 125,
    "epochs": 10,
    "training_images": 10_000,
    "seed": 0,
}
NUMBERS = {
    "hidden_layers": [0, 1, 2, 3, 4, 6, 8],
    "units": [1, 2, 4, 8, 16, 32, 64, 128, 256, 512],
    "l1": [0.0, 1e-5, 1e-4, 1e-3, 1e-2],
    "l2": [0.0, 1e-4, 1e-3, 1e-2, 1e-1],
    "dropout": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7],
    "learning_rate": [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 0.1, 0.316, 1.0, 3.16, 10.0, 31.6],
    "batch_size": [8, 20, 50, 100, 125, 400, 1000],
    "epochs": [1, 2, 3, 5, 8, 10, 15, 20, 27, 30, 54],
    "training_images": [500, 1000, 2000, 5000, 10_000, 20_000, 50_000],
    "seed": list(range(10)),
}
INITIALIZATIONS = ["customary", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal"]
LABELS = {"batch_norm": "batch normalization", "l1": "L1", "l2": "L2", "val_accuracy": "validation accuracy"}


def make_options(inputs):
    """The options of each hyperparameter, where there are so many training images or signals."""
    from nbhelpers.models import INITIALIZERS, OPTIMIZERS, SCHEDULES  # here, since `explore` needs no TensorFlow

    menus = {
        "activation": list(INITIALIZERS),
        "initialization": INITIALIZATIONS,
        "batch_norm": ["none", "before", "after"],
        # But for the one that Keras 3.15 averages wrongly on TensorFlow.
        "optimizer": [name for name in OPTIMIZERS if name != "schedule_free_adamw"],
        "schedule": list(SCHEDULES),
    }
    few = [n for n in NUMBERS["training_images"] if n < inputs] + [inputs]
    return {name: (menus | NUMBERS | {"training_images": few})[name] for name in DEFAULTS}


def label(name, *, inputs="images"):
    """The words for a hyperparameter or an outcome; `inputs` is "images" or "signals"."""
    return LABELS.get(name, name.replace("_", " ").replace("images", inputs))


def check_names(controls, settings, options):
    """Raise ValueError unless there are controls, and all names are hyperparameters."""
    if isinstance(controls, str) or not controls:
        raise ValueError(f"controls must name the hyperparameters to set, as ['units', 'epochs']; got {controls!r}.")
    for name in (*controls, *settings):
        if name not in options:
            raise ValueError(f"Unknown hyperparameter {name!r}. Choose from: {', '.join(options)}.")


def position(name, value, options):
    """Return where the value stands among the options of the hyperparameter; raise ValueError if it is none."""
    for i, option in enumerate(options):
        if _same(_plain(value), option):
            return i
    raise ValueError(f"{name} cannot be {value!r} here; its options are: {', '.join(map(str, options))}.")


def check_guess(guess):
    """Return the guess as a plain number, or None for none; raise ValueError if it is no number from 0 to 1."""
    number = _plain(guess)
    if number is not None and not (type(number) in (int, float) and 0 <= number <= 1):
        raise ValueError(f"Guess an accuracy from 0 to 1, such as 0.9, or none; got {guess!r}.")
    return number


def _plain(value):
    """Return Python's own number for one of NumPy or xarray, everything else as it is."""
    return value.item() if getattr(value, "ndim", None) == 0 else value


def _same(value, option):
    if type(value) in (int, float) and type(option) in (int, float):
        return math.isclose(value, option, rel_tol=1e-6)  # which a float32 is
    return type(value) is type(option) and value == option
