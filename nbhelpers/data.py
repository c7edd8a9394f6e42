"""Load MNIST and MNIST-1D in three named splits, and the recorded runs; turn digits."""

import functools
import hashlib
from pathlib import Path

import numpy as np
import xarray as xr

from nbhelpers.numbers import whole_number

DATA_FOLDER = Path(__file__).resolve().parent.parent / "data"
SUMS = "SHA256SUMS"  # beside the files, as sha256sum writes and checks it
RESTORE = "Restore it with `git checkout -- data/{}`, or clone the course again."
TASKS = {"mnist": "MNIST", "mnist1d": "MNIST-1D"}
# Where each split of MNIST lies in its file: array name and slice. The first 50,000 of the 60,000 training
# images train; the last 10,000 validate; the test images are MNIST's own.
SPLITS = {
    "train": ("train", slice(0, 50_000)),
    "valid": ("train", slice(50_000, 60_000)),
    "test": ("test", slice(0, 10_000)),
}
SIGNALS = {"train": 4_000, "valid": 10_000, "test": 10_000}  # of MNIST-1D, each split in arrays of its own


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
    name, part = _choose(split, SPLITS)
    n = _how_many(n, split, part.stop - part.start)
    images, labels = _load_arrays(path, "mnist.npz", name, slice(part.start, part.start + n))
    return images.astype("float32") / 255, labels


def load_mnist1d(split, *, n=None, path=DATA_FOLDER / "mnist1d.npz"):
    """Load one split of MNIST-1D: signals of 40 numbers, and labels (Greydanus & Kobak, 2024).

    The shapes of the ten digits, drawn as curves, then stretched, shifted, sheared and made noisy.

    Parameters
    ----------
    split : {"train", "valid", "test"}
        4,000 training signals, 10,000 validation signals, or 10,000 test signals,
        which the course uses once, in its last notebook.
    n : int, optional
        Only the first `n` signals of the split. All digits are mixed.
    path : path, optional
        Where ``mnist1d.npz`` lies, if not in the course's own ``data`` folder.

    Returns
    -------
    signals : ndarray of float32, shape (n, 40)
        Without a unit, about -4 to 4.
    labels : ndarray of int64, shape (n,)
        The digits, 0 to 9.

    Raises
    ------
    FileNotFoundError, ValueError
        As `load_mnist`.
    """
    n = _how_many(n, split, _choose(split, SIGNALS))
    return _load_arrays(path, "mnist1d.npz", split, slice(n))


def _choose(split, splits):
    if split not in splits:
        raise ValueError(f"Unknown split {split!r}. Choose one of: {', '.join(splits)}.")
    return splits[split]


def _how_many(n, split, size):
    return whole_number(size if n is None else n, "n", high=size, note=f" for the {split!r} split")


def _load_arrays(path, name, split, part):
    """Return a part of the arrays ``x_<split>`` and ``y_<split>`` of the course's file of this name."""
    path = Path(path)
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. {RESTORE.format(name)}")
    verify(path, read_sums(DATA_FOLDER / SUMS).get(name))
    inputs, labels = _unpack(path.resolve(), path.stat().st_mtime_ns, split)
    return inputs[part].copy(), labels[part].astype("int64")


@functools.lru_cache(maxsize=1)
def _unpack(path, changed, split):
    """The arrays of a split in a file with this time of change, kept: some trainings take less than the unpacking."""
    with np.load(path) as arrays:
        return arrays[f"x_{split}"], arrays[f"y_{split}"]


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
    return ValueError(
        f"{path} is in use or may not be read ({problem}). Close what writes it, and try again; on a network drive "
        "that knows no locks, set the environment variable HDF5_USE_FILE_LOCKING=FALSE and start anew."
    )


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


def load_runs(name="atlas", *, task, folder=DATA_FOLDER):
    """Open recorded trainings as one labelled array per measured quantity.

    Parameters
    ----------
    name : str
        What was varied, such as "atlas": the file ``data/runs_<name>_<task>.nc``.
    task : {"mnist", "mnist1d"}
        What the networks learned.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        One dimension per hyperparameter, plus ``seed`` and ``epoch`` or ``step``. The variables
        ``loss``, ``accuracy``, ``val_loss`` and ``val_accuracy`` are what Keras' ``fit`` reports
        at each of them. ``runs.attrs`` says how they were made.

    Raises
    ------
    FileNotFoundError
        If there is no such file; the message lists those there are.
    ValueError
        If the task is unknown, or the file is damaged or cannot be read.
    """
    of_task = _of_task(task)
    path = Path(folder) / f"runs_{name}{of_task}.nc"
    if not path.is_file():
        files = sorted(path.parent.glob(f"runs_*{of_task}.nc"))
        known = ", ".join(file.stem.removeprefix("runs_").removesuffix(of_task) for file in files)
        raise FileNotFoundError(
            f"There are no recorded runs named {name!r} on {TASKS[task]} in {folder}. There are: {known or 'none'}. "
            f"Restore a missing file with `git checkout -- data`."
        )
    return _open(path)


def _of_task(task):
    """What the name of a file ends with that belongs to a task."""
    if task not in TASKS:
        raise ValueError(f"Unknown task {task!r}. Choose one of: {', '.join(TASKS)}.")
    return f"_{task}"


def load_transfers(*, task, folder=DATA_FOLDER):
    """Open the recorded transfers from the digits 0 to 4 to the digits 5 to 9.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        Of which task the digits are.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        With the dimensions ``network``, ``source``, ``layers_kept``, ``treatment``, ``labels`` (a digit),
        ``learning_rate`` and ``seed``. ``tuning_accuracy`` and ``val_accuracy`` come from two halves of the
        validation images; they are missing where nothing was recorded. ``transfers.attrs`` says how they were made.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("transfers" + _of_task(task), folder)


def load_probes(*, task, folder=DATA_FOLDER):
    """Open what the layers of bases hold, which were trained on the digits 0 to 4 or not at all.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        Of which task the digits are.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        ``probe_accuracy`` of softmax regression, with the dimensions ``network``, ``source``, ``digits`` (which ones
        it tells apart), ``read_from`` (the pixels, or a hidden layer) and ``seed``. ``one_digit`` and ``old_digits``,
        with the dimensions ``network``, ``source``, ``layer`` and ``seed``: of the inputs that excite a unit most, the
        share that shows one and the same digit, and the share that shows a digit from 0 to 4.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("probes" + _of_task(task), folder)


def load_races(*, task, folder=DATA_FOLDER):
    """Open the recorded races of search methods on the atlas.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        On whose atlas.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        With the dimensions ``space``, ``search_method``, ``repetition`` and ``trainings``, the budget spent
        so far in full trainings. ``accuracy`` is what the best finished network is worth by runs that the
        search did not see, ``credited_accuracy`` what the configuration with the highest score after however
        few epochs would be worth; ``races.attrs`` says how the races were made.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("races" + _of_task(task), folder)


def load_parallel(*, task, folder=DATA_FOLDER):
    """Open the recorded searches with several trainings under way at once.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        On whose atlas.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        With the dimensions ``space``, ``told`` (in rounds, or each as it ends), ``at_once``, ``constant_liar``,
        ``repetition`` and ``trainings``, those that have ended so far. ``accuracy`` is what the best network is worth
        by runs that the search did not see, ``time`` when so many trainings have ended.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("parallel" + _of_task(task), folder)


def load_predictions(*, task, folder=DATA_FOLDER):
    """Open which validation images some networks read right.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        What the networks learned.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        ``right``, true or false, with the dimensions ``network``, ``seed`` and ``image``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("predictions" + _of_task(task), folder)


def load_candidates(*, task, folder=DATA_FOLDER):
    """Open which validation images the candidates of a search read right: random configurations, two seeds each.

    Parameters
    ----------
    task : {"mnist", "mnist1d"}
        What the networks learned.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        ``right``, true or false, with the dimensions ``configuration``, ``seed`` and ``image``; ``label``, the digit
        of each image; and of the best few, trained again with three other seeds, ``log_probability``, with the
        dimensions ``finalist``, ``other_seed``, ``image`` and ``class``: natural logarithms in steps of a fiftieth,
        whose exponentials sum to 1 but for rounding.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("candidates" + _of_task(task), folder)


def load_recipes(*, task="mnist", folder=DATA_FOLDER):
    """Open the recorded networks that stand beside published figures.

    Parameters
    ----------
    task : {"mnist"}
        What the networks learned.
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        ``val_accuracy`` with the dimensions ``recipe``, ``learning_rate`` and ``seed``; and at the rate chosen by it
        ``valid_right`` and ``test_right``, true or false, with the dimensions ``recipe``, ``seed`` and ``image``.

    Raises
    ------
    FileNotFoundError, ValueError
        If the task is unknown, there is no such file, or it cannot be read.
    """
    return _open_named("recipes" + _of_task(task), folder)


def load_own_tasks(*, folder=DATA_FOLDER):
    """Open what notebook 13 finds on data sets that scikit-learn ships, and on MNIST-1D.

    Parameters
    ----------
    folder : path, optional
        Where the file lies, if not in the course's own ``data`` folder.

    Returns
    -------
    xarray.Dataset
        ``score`` on the locked examples, ``difference`` and ``margin`` of the network's lead, with the dimensions
        ``task``, ``cut`` (which examples were locked away) and ``model``; ``in_search`` and ``again`` are the
        network's scores by which it was chosen.

    Raises
    ------
    FileNotFoundError, ValueError
        If there is no such file, or it cannot be read.
    """
    return _open_named("own_tasks", folder)


def _open_named(name, folder):
    path = Path(folder) / f"{name}.nc"
    if not path.is_file():
        raise FileNotFoundError(f"There is no file {path}. {RESTORE.format(path.name)}")
    return _open(path)


def _open(path):
    verify(path, read_sums(path.with_name(SUMS)).get(path.name))
    try:
        return xr.load_dataset(path, engine="h5netcdf")
    except (OSError, ValueError, KeyError, RuntimeError) as problem:
        if isinstance(problem, PermissionError) or "lock" in str(problem):  # as HDF5 says of a lock of any kind
            raise _in_use(path, problem) from problem
        raise ValueError(
            f"{path} cannot be read, it may be damaged ({problem}). {RESTORE.format(path.name)}"
        ) from problem
