"""Make the signals of MNIST-1D with its authors' package, if their file is missing.

    python -m recorders.mnist1d

See data/README.md.
"""

from pathlib import Path

from nbhelpers.data import DATA_FOLDER
from recorders.store import list_sum, save

OPTIONS = {"num_samples": 24_000, "train_split": 1 / 6, "seed": 42}  # else the package's own


def record(*, folder=DATA_FOLDER):
    """Make ``mnist1d.npz`` in a folder, and list its sum; return its path. A file that is there stays."""
    target = Path(folder) / "mnist1d.npz"
    if not target.exists():
        save(target, arrays())
        list_sum(target)
    return target


def arrays():
    """Signals ``x_<split>``, float32 of shape (n, 40), and labels ``y_<split>``, uint8 of shape (n,), of each split."""
    from mnist1d.data import get_dataset_args, make_dataset

    options = get_dataset_args()
    vars(options).update(OPTIONS)
    made = make_dataset(options)
    splits = {"train": ("", slice(None)), "valid": ("_test", slice(10_000)), "test": ("_test", slice(10_000, None))}
    found = {}
    for split, (part, where) in splits.items():
        found[f"x_{split}"] = made[f"x{part}"][where].astype("float32")
        found[f"y_{split}"] = made[f"y{part}"][where].astype("uint8")
    return found


if __name__ == "__main__":
    print(record())
