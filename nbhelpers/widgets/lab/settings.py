"""The hyperparameters of the live lab: where they stand, their options and labels, and the checks of all."""

import math

import numpy as np

# Where a hyperparameter stands unless it is set: as in the recorded runs, where they have one value only.
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
    "learning_rate": [1e-4, 3.16e-4, 1e-3, 3.16e-3, 1e-2, 3.16e-2, 0.1, 0.316, 1.0, 3.16, 10.0],
    "batch_size": [8, 20, 50, 125, 400, 1000],
    "epochs": [1, 2, 3, 5, 8, 10, 15, 20, 30],
    "training_images": [500, 1000, 2000, 5000, 10_000, 20_000, 50_000],
    "seed": list(range(10)),
}
INITIALIZATIONS = ["customary", "glorot_normal", "glorot_uniform", "he_normal", "he_uniform", "lecun_normal"]
LABELS = {"batch_norm": "batch normalization", "l1": "L1", "l2": "L2", "val_accuracy": "validation accuracy"}


def make_options(images):
    """The options of each hyperparameter, of the training images those that there are."""
    from nbhelpers.models import INITIALIZERS, OPTIMIZERS, SCHEDULES  # here, since `explore` needs no TensorFlow

    menus = {
        "activation": list(INITIALIZERS),
        "initialization": INITIALIZATIONS,
        "batch_norm": ["none", "before", "after"],
        # But for the one that Keras 3.15 averages wrongly on TensorFlow.
        "optimizer": [name for name in OPTIMIZERS if name != "schedule_free_adamw"],
        "schedule": list(SCHEDULES),
    }
    few = [n for n in NUMBERS["training_images"] if n < images] + [images]
    return {name: (menus | NUMBERS | {"training_images": few})[name] for name in DEFAULTS}


def label(name):
    return LABELS.get(name, name.replace("_", " "))


def check_images(name, part):
    """Return the images (n, 28, 28) as float32 and the labels (n,) as integers; raise ValueError if they are none."""
    shapes = [np.shape(array) for array in (part if isinstance(part, tuple | list) else [part])]
    if len(shapes) != 2 or len(shapes[0]) != 3 or shapes[0][1:] != (28, 28) or shapes[1] != shapes[0][:1]:
        raise ValueError(
            f"{name} must be a pair of images (n, 28, 28) and labels (n,), as load_mnist returns; "
            f"got the shapes {', '.join(map(str, shapes[:5]))}."
        )
    images, labels = map(np.asarray, part)
    if not len(images):
        raise ValueError(f"{name} has no images.")
    _check_pixels(name, images)
    _check_labels(name, labels)
    return images.astype(np.float32, copy=False), labels.astype(np.int64, copy=False)


def _check_pixels(name, images):
    if images.dtype.kind not in "biuf":
        raise ValueError(f"The images of {name} must be numbers; got an array of the type {images.dtype}.")
    low, high = images.min(), images.max()
    if low >= 0 and high <= 1:  # neither holds if a pixel is NaN
        return
    wrong = (~np.isfinite(images)).any(axis=(1, 2)).sum()
    if wrong:
        raise ValueError(
            f"{wrong} of the {len(images)} images of {name} have pixels that are NaN or infinite: leave them out."
        )
    raise ValueError(
        f"The images of {name} have gray levels from {low:g} to {high:g}, and the lab takes 0 to 1: scale them first."
    )


def _check_labels(name, labels):
    wrong = ~np.isin(labels, range(10))
    if wrong.any():
        raise ValueError(
            f"{wrong.sum()} of the {len(labels)} labels of {name} are no digits from 0 to 9; "
            f"the first is {labels[wrong][0]}."
        )


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
