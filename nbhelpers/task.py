"""Open a task of the reader's own, a table, arrays or a folder of pictures, and check it at the door."""

import csv
import hashlib
import zipfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd

KINDS = ("classification", "regression")
FEWEST_ROWS = 50
FEWEST_OF_A_CLASS = 10  # so that training, validation and test set have some each
MOST_WORDS = 20  # of a column that get a column of their own
MOST_CLASSES = 20  # whole numbers with more different values than this are taken for a quantity
PICTURES = {".png", ".jpg", ".jpeg", ".bmp", ".gif", ".tif", ".tiff", ".webp"}
LARGEST_SIDE = 64  # pixels; larger pictures are scaled down
SEPARATORS = {".csv": None, ".tsv": "\t"}  # None: found out
NO_VALUE = {"", "?", "-", "--", "na", "n/a", "nan", "null", "none", "missing"}
# Of a column of words, this share must be numbers for the column to be one of numbers.
SHARE_OF_NUMBERS = 0.8
# More equal examples than this share come from few different values, and are no copies.
MOST_COPIES = 0.2
ONE_SIDED = 0.9  # share of the most frequent class from which accuracy says little
NAMES = {"inputs": ("x", "X", "inputs", "images", "data"), "targets": ("y", "labels", "targets", "target")}


@dataclass(frozen=True)
class Task:
    """What is to be predicted from what.

    Attributes
    ----------
    name : str
        What it is called in a report.
    inputs : pandas.DataFrame
        A row per example: numbers, of which some may be missing, and words. Pixels of pictures are from 0 to 1.
    targets : ndarray of shape (examples,)
        Whole numbers from 0, one per class, or float quantities.
    classes : tuple of str or None
        What the whole numbers stand for; None for a quantity.
    notes : tuple of str
        What was found at the door and what was done about it, a sentence each.
    """

    name: str
    inputs: pd.DataFrame
    targets: np.ndarray
    classes: tuple | None
    notes: tuple = ()

    def cut(self, rows=None, *, share, seed):
        """Cut row numbers, by default all, in two parts at random, the second with this share, every class in both."""
        from sklearn.model_selection import train_test_split

        rows = np.arange(len(self.targets)) if rows is None else rows
        by_class = self.targets[rows] if self.classes else None
        return train_test_split(rows, test_size=share, random_state=seed, stratify=by_class)

    def scaled_targets(self, fit_on):
        """Return all targets as a network wants them: numbers of classes, or quantities near 0.

        Quantities are centred and scaled by the rows `fit_on` alone.
        """
        if self.classes:
            return self.targets
        return (self.targets - self.targets[fit_on].mean()) / self.targets[fit_on].std()

    def rights(self, predicted, truth):
        """Say of each example whether it is predicted right (1 or 0), or, of a quantity, one less its squared error.

        The error is in units of the variance of the truth, so that the mean is R², as that of ones and zeros is the
        accuracy.

        Parameters
        ----------
        predicted : array of shape (examples,) or (examples, outputs)
            Numbers of classes, or quantities; or what a network puts out: a share for each class, or one quantity.
        truth : array of shape (examples,)
            Targets.

        Returns
        -------
        ndarray of float, shape (examples,)
        """
        predicted = np.asarray(predicted)
        if predicted.ndim == 2:
            predicted = predicted.argmax(axis=1) if self.classes else predicted[:, 0]
        if self.classes:
            return (predicted == truth).astype(float)
        return 1 - (predicted - truth) ** 2 / truth.var()

    @property
    def fingerprint(self):
        """Eight hex digits that change with any value of the inputs or targets."""
        hashes = pd.util.hash_pandas_object(self.inputs.assign(**{"\0target": self.targets}), index=False)
        return hashlib.sha256(hashes.to_numpy().tobytes()).hexdigest()[:8]

    def __str__(self):
        rows, columns = self.inputs.shape
        what = f"{len(self.classes)} classes" if self.classes else "a quantity"
        return "\n".join([f"{self.name}: {rows:,} examples, {columns:,} inputs, {what}", *self.notes])


def open_task(source, *, target=None, kind=None):
    """Read a data set and check whether an honest score can come of it.

    Parameters
    ----------
    source : path or pandas.DataFrame
        A table (a DataFrame, or a CSV file with a line of names), an ``.npz`` file with two arrays, inputs ``x`` and
        targets ``y``, or a folder that holds a folder of pictures for each class.
    target : str, optional
        Of a table, the column to predict.
    kind : {"classification", "regression"}, optional
        By default words, true and false, and few different whole numbers are classes, other numbers a quantity.

    Returns
    -------
    Task

    Raises
    ------
    FileNotFoundError
        If there is no such file or folder.
    ValueError
        If it cannot be read, there is no such column, or no honest score is possible: too few examples, a class
        with hardly any, or a target that never changes. The message says what to do.
    """
    if kind not in (None, *KINDS):
        raise ValueError(f"Unknown kind {kind!r}. Choose one of: {', '.join(KINDS)}.")
    name, inputs, targets, notes = _read(source, target)
    if pd.api.types.is_datetime64_any_dtype(targets):
        raise ValueError("The target is made of dates: make a number of it, as the days since the first.")
    targets = _readable_columns(targets.to_frame(target or "target"), notes).iloc[:, 0]
    inputs, targets = _without_missing_targets(inputs, targets, notes)
    inputs = _useful_columns(_readable_columns(inputs, notes), targets, notes)
    inputs, targets = _without_copies(inputs, targets, notes)
    _note_gaps(inputs, notes)
    targets, classes = _targets_of(targets, kind, notes)
    _check_sizes(targets, classes)
    _note_the_largest_class(targets, classes, notes)
    return Task(name, inputs.reset_index(drop=True), targets, classes, tuple(notes))


def preparation():
    """Return what makes numbers of about the same size of a table, once it is fitted to training rows.

    Gaps are filled, by the median or the most frequent word; numbers are centred and scaled; a column of words becomes
    a column of zeros and ones for each of its most frequent words, and one for all others.

    Returns
    -------
    sklearn.compose.ColumnTransformer
        For tables as `Task.inputs`; it gives arrays of shape (rows, columns).
    """
    from sklearn.compose import make_column_selector, make_column_transformer
    from sklearn.impute import SimpleImputer
    from sklearn.pipeline import make_pipeline
    from sklearn.preprocessing import OneHotEncoder, StandardScaler

    numbers = make_pipeline(SimpleImputer(strategy="median"), StandardScaler())
    encoder = OneHotEncoder(handle_unknown="infrequent_if_exist", max_categories=MOST_WORDS)
    words = make_pipeline(SimpleImputer(strategy="most_frequent"), encoder)
    of_words = make_column_selector(dtype_exclude=["number", "bool"])
    return make_column_transformer((words, of_words), remainder=numbers, sparse_threshold=0)


def _read(source, target):
    """Return the name, the inputs as a table, the targets as a series, and a list of notes."""
    if isinstance(source, pd.DataFrame):
        return _from_table("the table", source, target)
    path = Path(source)
    if not path.exists():
        raise FileNotFoundError(f"There is no file or folder {path}. Paths begin in {Path.cwd()}.")
    if path.is_dir():
        return _from_pictures(path)
    if path.suffix == ".npz":
        return _from_arrays(path)
    suffix = next((one.lower() for one in path.suffixes if one.lower() in SEPARATORS), None)
    if suffix is None:
        raise ValueError(f"{path.name} is no CSV file, no .npz file and no folder. Save it as one of these.")
    try:
        table = pd.read_csv(path, sep=SEPARATORS[suffix], engine="python", skipinitialspace=True)
    except (csv.Error, pd.errors.ParserError, pd.errors.EmptyDataError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path.name} cannot be read as a table ({problem}). Save it as CSV in UTF-8.") from problem
    return _from_table(path.name, table, target)


def _from_table(name, table, target):
    table = table.rename(columns=lambda column: str(column).strip())
    twice = table.columns[table.columns.duplicated()].unique()
    if len(twice):
        raise ValueError(f"{name} has more than one column of the name {_listed(twice)}: rename them.")
    if target not in table.columns:
        raise ValueError(f"{name} has no column {target!r} to predict. Choose one of: {_listed(table, most=20)}.")
    return name, table.drop(columns=[target]), table[target], []


def _from_arrays(path):
    try:
        with np.load(path, allow_pickle=False) as arrays:
            found = {what: next((n for n in names if n in arrays), None) for what, names in NAMES.items()}
            if None in found.values():
                have = ", ".join(arrays) or "none"
                raise ValueError(f"it needs the arrays x and y, one target per row of inputs, and has: {have}")
            x, y = (arrays[found[what]] for what in NAMES)
            if x.dtype.kind not in "biuf":
                raise ValueError(f"x needs numbers, got {x.dtype}")
    except (ValueError, OSError, zipfile.BadZipFile) as problem:
        raise ValueError(
            f"{path.name} cannot be used: {problem}. Save numbers, and words as text, not as objects."
        ) from problem
    if x.ndim < 2 or y.ndim != 1 or len(x) != len(y):
        raise ValueError(
            f"{path.name}: x needs the shape (examples, ...) and y (examples,), got {x.shape} and {y.shape}."
        )
    return path.name, _as_columns(x), pd.Series(y), []


def _as_columns(array):
    return pd.DataFrame(array.reshape(len(array), -1).astype("float32")).rename(columns=str)


def _from_pictures(folder):
    files = [file for one in sorted(folder.iterdir()) if one.is_dir() for file in sorted(one.iterdir())]
    pictures = [file for file in files if file.suffix.lower() in PICTURES]
    if not pictures:
        raise ValueError(f"{folder} holds no folders with pictures. Make a folder in it for each class.")
    notes = [f"{len(files) - len(pictures)} file(s) are no pictures and were left out."] if files != pictures else []
    sizes = np.array([_opened(file, lambda image: image.size) for file in pictures])
    size = np.median(sizes, axis=0)
    size = np.maximum(1, size * min(1, LARGEST_SIDE / size.max())).round().astype(int)
    if (sizes != size).any():
        different = len(np.unique(sizes, axis=0))
        notes.append(f"Pictures of {different} size(s): all were scaled to {size[0]} × {size[1]} pixels.")
    to_size = tuple(size.tolist())
    pixels = np.array([_opened(file, lambda i: np.asarray(i.convert("RGB").resize(to_size))) for file in pictures])
    if (pixels == pixels[..., :1]).all():
        pixels = pixels[..., 0]  # gray
    return folder.name, _as_columns(pixels / np.float32(255)), pd.Series([file.parent.name for file in pictures]), notes


def _opened(file, read):
    """What `read` makes of a picture; one at a time, since photographs are large."""
    from PIL import Image, UnidentifiedImageError

    try:
        with Image.open(file) as image:
            return read(image)
    except (UnidentifiedImageError, OSError) as problem:
        raise ValueError(f"The picture {file.parent.name}/{file.name} cannot be read: remove it.") from problem


def _as_numbers(column, odd):
    """Return a column of words as numbers, if most of them are; decimal commas and signs for gaps are understood."""
    if not _is_words(column):
        return column.replace([np.inf, -np.inf], np.nan) if pd.api.types.is_float_dtype(column) else column
    words = column.astype("string").str.strip()
    words = words.mask(words.str.lower().isin(NO_VALUE))
    numbers = pd.to_numeric(words.str.replace(",", ".", regex=False), errors="coerce").replace(
        [np.inf, -np.inf], np.nan
    )
    if words.notna().any() and numbers.notna().sum() >= SHARE_OF_NUMBERS * words.notna().sum():
        odd.append((column.name, int(numbers.isna().sum() - column.isna().sum())))
        return numbers.astype("float64")
    return words.astype(object).where(words.notna(), np.nan)


def _is_words(column):
    kinds = pd.api.types
    return not (kinds.is_numeric_dtype(column) or kinds.is_bool_dtype(column) or kinds.is_datetime64_any_dtype(column))


def _readable_columns(inputs, notes):
    """Numbers and words in columns of their own kind; dates are left out."""
    dates = [name for name in inputs if pd.api.types.is_datetime64_any_dtype(inputs[name])]
    if dates:
        notes.append(f"Dates were left out: {_listed(dates)}. What counts of them, as the month, needs a column.")
    odd = []
    inputs = inputs.drop(columns=dates).apply(lambda column: _as_numbers(column, odd))
    if odd:
        told = _listed(f"{name} ({count} of them no numbers, now missing)" if count else name for name, count in odd)
        notes.append(f"Words that are numbers were read as numbers: {told}.")
    return inputs


def _without_missing_targets(inputs, targets, notes):
    missing = targets.isna().to_numpy()
    if missing.any():
        notes.append(f"{missing.sum()} example(s) have no target and were left out.")
    return inputs[~missing], targets[~missing]


def _without_copies(inputs, targets, notes):
    copies = pd.concat([inputs, targets.rename("\0target")], axis=1).duplicated().to_numpy()
    if copies.mean() > MOST_COPIES:
        notes.append(
            f"{copies.sum()} example(s) equal others, as happens where columns have few values: all were kept."
        )
        return inputs, targets
    if copies.any():
        notes.append(
            f"{copies.sum()} example(s) are copies of others and were left out: in two sets they would flatter."
        )
    return inputs[~copies], targets[~copies]


def _useful_columns(inputs, targets, notes):
    """Leave out columns that say nothing, or say what is asked; of pixels those that never change, without a word."""
    words = [name for name in inputs if _is_words(inputs[name])]
    pixels = not words and all(name.isdigit() for name in inputs)
    constant = [name for name in inputs if inputs[name].nunique(dropna=False) < 2]
    reasons = {"Never change": constant} if pixels else {"Never change": constant, **_reasons(inputs, words, targets)}
    for reason, names in reasons.items():
        if names and not pixels:
            notes.append(f"{reason}, and were left out: {_listed(names)}.")
    useful = inputs.drop(columns=list({name for names in reasons.values() for name in names}))
    if useful.shape[1] == 0:
        raise ValueError("There is nothing to predict from: no column is left that changes.")
    return useful


def _reasons(inputs, words, targets):
    """Why columns of a table are left out, besides that they never change: the reason to their names."""
    asked = targets.astype(str)
    names = max(MOST_CLASSES, len(inputs) / 2)
    return {
        "Words that hardly ever come twice, as names do": [n for n in words if inputs[n].nunique() > names],
        "Count the examples, as numbers of rows do": [n for n in inputs if _counts_rows(inputs[n])],
        "Say what is asked, word for word": [n for n in inputs if (inputs[n].astype(str) == asked).all()],
    }


def _counts_rows(column):
    """Whether a column holds whole numbers one after another, each once."""
    if not pd.api.types.is_integer_dtype(column) or len(column) < 2:
        return False
    return column.is_unique and column.max() - column.min() == len(column) - 1


def _note_gaps(inputs, notes):
    gaps = inputs.isna().sum()
    gaps = [f"{name} ({count})" for name, count in gaps[gaps > 0].items()]
    if gaps:
        notes.append(f"Values are missing, and will be filled from the training set: {_listed(gaps)}.")


def _note_the_largest_class(targets, classes, notes):
    if classes is None:
        return
    share = np.bincount(targets).max() / len(targets)
    if share >= ONE_SIDED:
        notes.append(
            f"The most frequent class has {share:.0%} of the examples: an accuracy of {share:.2f} is nothing here."
        )


def _targets_of(targets, kind, notes):
    """Return the targets as whole numbers with the names of the classes, or as quantities without."""
    numeric = pd.api.types.is_numeric_dtype(targets) and not pd.api.types.is_bool_dtype(targets)
    if kind == "regression" and not numeric:
        raise ValueError(f"A quantity is made of numbers; this target has {targets.iloc[0]!r}, for example.")
    if kind is None:
        few = numeric and targets.nunique() <= MOST_CLASSES and (targets == targets.round()).all()
        kind = "classification" if few or not numeric else "regression"
    if kind == "regression":
        return targets.to_numpy("float64"), None
    values = targets.to_numpy() if numeric else targets.to_numpy().astype(str)
    classes, labels = np.unique(values, return_inverse=True)
    if not numeric:
        notes.append(f"The classes are words, numbered {_listed(f'{n} {name}' for n, name in enumerate(classes))}.")
    elif not np.array_equal(classes, np.arange(len(classes))):
        notes.append(f"The target has {len(classes)} different numbers, taken for classes; or say kind='regression'.")
    return labels, tuple(f"{name:g}" if numeric else str(name) for name in classes)


def _check_sizes(targets, classes):
    if len(targets) < FEWEST_ROWS:
        raise ValueError(
            f"There are {len(targets)} examples. With fewer than {FEWEST_ROWS} a search chooses by luck: take a "
            "simple model, and cross-validation."
        )
    if len(np.unique(targets)) < 2:
        raise ValueError("The target never changes, so there is nothing to predict.")
    if classes is None:
        return
    counts = np.bincount(targets)
    if len(classes) > len(targets) / FEWEST_OF_A_CLASS:
        raise ValueError(
            f"The target has {len(classes)} different values in {len(targets)} examples: is it a name? For a quantity "
            "say kind='regression'."
        )
    small = [f"{name} ({count})" for name, count in zip(classes, counts, strict=True) if count < FEWEST_OF_A_CLASS]
    if small:
        raise ValueError(
            f"A class needs {FEWEST_OF_A_CLASS} examples for three sets. These have fewer: {_listed(small)}. Leave "
            "them out, or join them with others; for a quantity say kind='regression'."
        )


def _listed(texts, *, most=10):
    texts = list(texts)
    more = f" and {len(texts) - most} more" if len(texts) > most else ""
    return ", ".join(texts[:most]) + more
