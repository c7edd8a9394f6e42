"""Load MNIST in three named splits, and the recorded runs."""

import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"
MNIST_SHA256 = "06af5dfe73b70e3bc1c36439982b18a8d76803db9b544f6fdf838a37fbb01b64"
# Where each split lies in the file: array name and slice. The first 50,000 of the 60,000 training
# images train; the last 10,000 validate; the test images are MNIST's own.
SPLITS = {
    "train": ("train", slice(0, 50_000)),
    "valid": ("train", slice(50_000, 60_000)),
    "test": ("test", slice(0, 10_000)),
}


def load_mnist(split, *, n=None, path=DATA_FOLDER / "mnist.npz"):
    """Load one split of MNIST: images scaled to [0, 1], and labels.

    Parameters
    ----------
    split : {"train", "valid", "test"}
        50,000 training images, 10,000 validation images, or the 10,000 test
        images, which the course uses once, in its last notebook.
    n : int, optional
        Only the first `n` images of the split. All digits are mixed, but neighbours
        may come from one writer.
    path : path, optional
        Where ``mnist.npz`` lies, if not in the course's own ``data`` folder.

    Returns
    -------
    images : ndarray of float32, shape (n, 28, 28)
        Gray levels from 0 (background) to 1 (ink).
    labels : ndarray of int64, shape (n,)
        The digits, 0 to 9.

    Raises
    ------
    FileNotFoundError
        If there is no file at `path`.
    ValueError
        If the split is unknown, `n` is not between 1 and the size of the split,
        or the file is not the one that the course was written with.
    """
    if split not in SPLITS:
        raise ValueError(f"Unknown split {split!r}. Choose one of: {', '.join(SPLITS)}.")
    name, part = SPLITS[split]
    size = part.stop - part.start
    n = size if n is None else n
    if not hasattr(n, "__index__") or isinstance(n, bool) or not 1 <= n <= size:
        raise ValueError(f"n must be a whole number from 1 to {size:,} for the {split!r} split, got {n!r}.")
    _check_file(Path(path))
    part = slice(part.start, part.start + n)
    with np.load(path) as arrays:
        images = arrays[f"x_{name}"][part].astype("float32") / 255
        labels = arrays[f"y_{name}"][part].astype("int64")
    return images, labels


def _check_file(path):
    mend = "Restore it with `git checkout -- data/mnist.npz`, or clone the course again."
    if not path.is_file():
        raise FileNotFoundError(f"There is no MNIST file at {path}. {mend}")
    with path.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != MNIST_SHA256:
        raise ValueError(
            f"{path} is damaged or not the file of this course: {path.stat().st_size:,} bytes, "
            f"SHA-256 {found[:12]}… instead of {MNIST_SHA256[:12]}…. {mend}"
        )


def load_runs(name="atlas", *, folder=DATA_FOLDER):
    """Open recorded trainings as one labelled array per measured quantity.

    Parameters
    ----------
    name : str
        Which file of recorded runs: ``data/runs_<name>.nc``.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        One dimension a hyperparameter, plus ``seed`` and ``epoch``. The variables
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy`` are what Keras'
        ``fit`` reports after each epoch. ``runs.attrs`` says how they were made.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message lists those there are.
    ValueError
        If the file cannot be read.
    """
    path = Path(folder) / f"runs_{name}.nc"
    if not path.is_file():
        known = sorted(p.stem.removeprefix("runs_") for p in Path(folder).glob("runs_*.nc"))
        raise FileNotFoundError(
            f"There are no recorded runs named {name!r} in {folder}. There are: {', '.join(known) or 'none'}. "
            f"Restore a missing file with `git checkout -- data`."
        )
    return _open(path)


def load_transfers(*, folder=DATA_FOLDER):
    """Open the recorded transfers from the digits 0 to 4 to the digits 5 to 9.

    Parameters
    ----------
    folder : path, optional
        Where ``transfers.nc`` lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        With the dimensions ``network``, ``source``, ``layers_kept``, ``treatment``, ``labels`` (a digit),
        ``learning_rate`` and ``seed``. ``tuning_accuracy`` and ``val_accuracy`` come from two halves of the
        validation images; they are missing where nothing was recorded. ``transfers.attrs`` says how they were made.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be read.
    """
    return _open_named("transfers", folder)


def load_races(*, folder=DATA_FOLDER):
    """Open the recorded races of search methods on the atlas.

    Parameters
    ----------
    folder : path, optional
        Where ``races.nc`` lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        With the dimensions ``search_method``, ``repetition`` and ``trainings``, the budget spent so far in full
        trainings. ``accuracy`` is what the best configuration found so far is worth by runs that the
        search did not see; ``races.attrs`` says how the races were made.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be read.
    """
    return _open_named("races", folder)


def _open_named(name, folder):
    path = Path(folder) / f"{name}.nc"
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. Restore it with `git checkout -- data/{name}.nc`.")
    return _open(path)


def _open(path):
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError) as problem:
        raise ValueError(
            f"{path} cannot be read, it may be damaged ({problem}). Restore it with `git checkout -- data/{path.name}`."
        ) from problem
