"""The hyperparameters of the live lab: where they stand, their options and labels, and the checks of all."""

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
        "optimizer": list(OPTIMIZERS),
        "schedule": list(SCHEDULES),
    }
    few = [n for n in NUMBERS["training_images"] if n < images] + [images]
    return {name: (menus | NUMBERS | {"training_images": few})[name] for name in DEFAULTS}


def label(name):
    return LABELS.get(name, name.replace("_", " "))


def check_images(**parts):
    """Raise ValueError unless each part, named as the argument, has images and as many labels."""
    for name, (images, labels) in parts.items():
        if np.ndim(images) != 3 or np.shape(images)[1:] != (28, 28) or len(images) != len(labels):
            raise ValueError(
                f"{name} must be a pair of images (n, 28, 28) and labels (n,), as load_mnist returns; "
                f"got the shapes {np.shape(images)} and {np.shape(labels)}."
            )


def check_names(controls, settings, options):
    """Raise ValueError unless there are controls, and all names are hyperparameters."""
    if isinstance(controls, str) or not controls:
        raise ValueError(f"controls must name the hyperparameters to set, as ['units', 'epochs']; got {controls!r}.")
    for name in (*controls, *settings):
        if name not in options:
            raise ValueError(f"Unknown hyperparameter {name!r}. Choose from: {', '.join(options)}.")


def check_value(name, value, options):
    """Raise ValueError unless the value is one of the options of the hyperparameter."""
    if value not in options:
        raise ValueError(f"{name} cannot be {value!r} here; its options are: {', '.join(map(str, options))}.")
