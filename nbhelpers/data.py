"""Load MNIST in three named splits, and the recorded runs; turn digits."""

import functools
import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.numbers import whole_number

DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"
SUMS = "SHA256SUMS"  # beside the files, as sha256sum writes and checks it
RESTORE = "Restore it with `git checkout -- data/{}`, or clone the course again."
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
    n = whole_number(size if n is None else n, "n", high=size, note=f" for the {split!r} split")
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no MNIST file at {path}. {RESTORE.format(path.name)}")
    verify(path, read_sums(DATA_FOLDER / SUMS).get("mnist.npz"))
    part = slice(part.start, part.start + n)
    with np.load(path) as arrays:
        images = arrays[f"x_{name}"][part].astype("float32") / 255
        labels = arrays[f"y_{name}"][part].astype("int64")
    return images, labels


def turn_digits(images, *, seed):
    """Turn each image by a random angle from -45 to 45 degrees: a task whose answer is a number.

    Parameters
    ----------
    images : array of shape (n, height, width)
        As `load_mnist` returns them.
    seed : int
        Of the angles.

    Returns
    -------
    turned : ndarray of float32, shape (n, height × width)
        Flat images, as estimators of scikit-learn take them.
    angles : ndarray of float32, shape (n,)
        By how many degrees each was turned, counterclockwise.

    Raises
    ------
    ValueError
        If `images` are not images side by side.
    """
    from scipy.ndimage import rotate

    images = np.asarray(images)
    if images.ndim != 3:
        raise ValueError(f"images must have shape (n, height, width), got {images.shape}.")
    angles = np.random.default_rng(seed).uniform(-45, 45, len(images)).astype("float32")
    turned = [rotate(image, angle, reshape=False, order=1) for image, angle in zip(images, angles, strict=True)]
    return np.reshape(turned, (len(images), -1)), angles


def verify(path, digest):
    """Raise an error if a file is not the one with this SHA-256; it is read once per process, unless it changes.

    Parameters
    ----------
    path : pathlib.Path
        The file.
    digest : str or None
        What `read_sums` says of it; with None, as for runs that a reader recorded elsewhere, each file passes.

    Raises
    ------
    ValueError
        If the file differs by a single byte, or may not be read.
    """
    if digest is None:
        return
    stat = path.stat()
    try:
        found = _digest(path.resolve(), stat.st_size, stat.st_mtime_ns)
    except PermissionError as problem:
        raise _in_use(path, problem) from problem
    if found != digest:
        raise ValueError(
            f"{path} is damaged or not the file of this course: {stat.st_size:,} bytes, "
            f"SHA-256 {found[:12]}… instead of {digest[:12]}…. {RESTORE.format(path.name)}"
        )


def _in_use(path, problem):
    return ValueError(f"{path} is in use or may not be read ({problem}). Close what writes it, and try again.")


def read_sums(path):
    """Return the SHA-256 of each file in a list as ``sha256sum`` writes it, by name; none if there is no list."""
    if not Path(path).is_file():
        return {}
    lines = filter(str.strip, Path(path).read_text("utf-8").splitlines())
    return {name.strip().removeprefix("*"): digest for digest, name in (line.split(maxsplit=1) for line in lines)}


@functools.lru_cache
def _digest(path, size, changed):
    """The SHA-256 of a file with this size and time of change."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        One dimension per hyperparameter, plus ``seed`` and ``epoch``. The variables
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy`` are what Keras'
        ``fit`` reports after each epoch. ``runs.attrs`` says how they were made.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message lists those there are.
    ValueError
        If the file is damaged or cannot be read.
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
        search did not see, ``seen_accuracy`` the score by which the search chose it, ``overhead`` the seconds
        spent on choosing, ``trials`` the configurations trained; ``races.attrs`` says how the races were made.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be read.
    """
    return _open_named("races", folder)


def _open_named(name, folder):
    path = Path(folder) / f"{name}.nc"
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. {RESTORE.format(path.name)}")
    return _open(path)


def _open(path):
    verify(path, read_sums(path.with_name(SUMS)).get(path.name))
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (BlockingIOError, PermissionError) as problem:
        raise _in_use(path, problem) from problem
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        raise ValueError(
            f"{path} cannot be read, it may be damaged ({problem}). {RESTORE.format(path.name)}"
        ) from problem
