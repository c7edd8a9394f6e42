import hashlib
import os
import shutil
import struct
import subprocess
import sys
from functools import partial

import numpy as np
import pytest
import xarray as xr

from nbhelpers import data
from nbhelpers.data import (
    DATA_FOLDER,
    load_candidates,
    load_mnist,
    load_mnist1d,
    load_own_tasks,
    load_parallel,
    load_predictions,
    load_probes,
    load_races,
    load_recipes,
    load_runs,
    load_transfers,
    read_sums,
    turn_digits,
    verify,
)

# MD5 of the four original files, which start with a header and hold the same bytes as our arrays.
ORIGINALS = {
    "x_train": "6bbc9ace898e44ae57da46a324031adb",
    "y_train": "a25bea736e30d166cdddb491f175f624",
    "x_test": "2646ac647ad5339dbf082846283269ea",
    "y_test": "27ae3e4e09519cfbb04c329615203637",
}


@pytest.mark.parametrize("name", ORIGINALS)
def test_the_file_holds_the_original_bytes(name):
    with np.load(DATA_FOLDER / "mnist.npz") as arrays:
        array = arrays[name]
    header = struct.pack(f">{1 + array.ndim}i", 2048 + array.ndim, *array.shape)
    assert hashlib.md5(header + array.tobytes()).hexdigest() == ORIGINALS[name]


@pytest.mark.parametrize(("split", "size"), [("train", 50_000), ("valid", 10_000), ("test", 10_000)])
def test_splits_have_their_sizes_types_and_range(split, size):
    images, labels = load_mnist(split)
    assert images.shape == (size, 28, 28) and labels.shape == (size,)
    assert images.dtype == np.float32 and labels.dtype == np.int64
    assert images.min() == 0 and images.max() == 1
    assert set(labels) == set(range(10))


@pytest.mark.parametrize(("split", "size"), [("train", 4_000), ("valid", 10_000), ("test", 10_000)])
def test_signals_have_their_sizes_types_and_scale(split, size):
    signals, labels = load_mnist1d(split)
    assert signals.shape == (size, 40) and labels.shape == (size,)
    assert signals.dtype == np.float32 and labels.dtype == np.int64
    assert abs(signals.mean()) < 0.02 and 0.95 < signals.std() < 1.05
    assert np.bincount(labels).min() > 0.08 * size


def test_no_signal_stands_in_two_splits():
    everything = np.concatenate([load_mnist1d(split)[0] for split in ("train", "valid", "test")])
    assert len(np.unique(everything, axis=0)) == len(everything)


def test_the_second_task_takes_the_same_arguments_and_gives_the_same_errors(tmp_path):
    signals, labels = load_mnist1d("valid", n=np.int64(7))
    everything = load_mnist1d("valid")
    assert (signals == everything[0][:7]).all() and (labels == everything[1][:7]).all()
    with pytest.raises(ValueError, match="from 1 to 4,000 for the 'train' split"):
        load_mnist1d("train", n=4001)
    with pytest.raises(ValueError, match="'validation'.*train, valid, test"):
        load_mnist1d("validation")
    with pytest.raises(FileNotFoundError, match="git checkout -- data/mnist1d.npz"):
        load_mnist1d("train", path=tmp_path / "mnist1d.npz")


def test_splits_are_the_parts_of_the_file_that_they_claim_to_be():
    with np.load(DATA_FOLDER / "mnist.npz") as arrays:
        train, test = arrays["y_train"], arrays["y_test"]
    assert (load_mnist("train")[1] == train[:50_000]).all()
    assert (load_mnist("valid")[1] == train[50_000:]).all()
    assert (load_mnist("test")[1] == test).all()


def test_n_takes_the_first_images():
    images, labels = load_mnist("valid", n=np.int64(7))
    everything = load_mnist("valid")
    assert (images == everything[0][:7]).all() and (labels == everything[1][:7]).all()


@pytest.mark.parametrize("n", [0, -1, 10_001, 2.5, True, "10"])
def test_an_impossible_size_is_named(n):
    with pytest.raises(ValueError, match="from 1 to 10,000"):
        load_mnist("valid", n=n)


def test_an_unknown_split_lists_the_known_ones():
    with pytest.raises(ValueError, match="'validation'.*train, valid, test"):
        load_mnist("validation")


def test_a_missing_file_says_how_to_get_it_back(tmp_path):
    with pytest.raises(FileNotFoundError, match="git checkout"):
        load_mnist("train", path=tmp_path / "mnist.npz")


@pytest.mark.parametrize("damage", [lambda b: b[:1000], lambda b: b[:-1] + bytes([b[-1] ^ 1]), lambda b: b""])
def test_a_truncated_or_altered_file_is_refused(tmp_path, damage):
    path = tmp_path / "mnist.npz"
    path.write_bytes(damage((DATA_FOLDER / "mnist.npz").read_bytes()))
    with pytest.raises(ValueError, match="damaged.*bytes.*git checkout"):
        load_mnist("train", path=path)


def test_unknown_runs_list_the_known_ones(tmp_path):
    xr.Dataset().to_netcdf(tmp_path / "runs_small_mnist.nc", engine="h5netcdf")
    with pytest.raises(FileNotFoundError, match="'large' on MNIST.*small"):
        load_runs("large", task="mnist", folder=tmp_path)


def test_unknown_runs_of_a_task_list_those_of_that_task_only(tmp_path):
    for name in ("runs_small.nc", "runs_wide_mnist.nc", "runs_deep_mnist1d.nc"):
        xr.Dataset().to_netcdf(tmp_path / name, engine="h5netcdf")
    with pytest.raises(FileNotFoundError, match=r"'large' on MNIST-1D in .*There are: deep\."):
        load_runs("large", task="mnist1d", folder=tmp_path)
    with pytest.raises(ValueError, match="'fashion'.*mnist, mnist1d"):
        load_runs("wide", task="fashion", folder=tmp_path)


@pytest.mark.parametrize("task", data.TASKS)
def test_a_task_has_runs_of_its_own(task):
    assert load_runs("shapes", task=task).attrs["task"] == task


def test_damaged_runs_say_so(tmp_path):
    (tmp_path / "runs_small_mnist.nc").write_bytes(b"no netCDF file")
    with pytest.raises(ValueError, match="damaged.*git checkout"):
        load_runs("small", task="mnist", folder=tmp_path)


OF_A_TASK = {
    "candidates": load_candidates,
    "parallel": load_parallel,
    "predictions": load_predictions,
    "probes": load_probes,
    "transfers": load_transfers,
}


@pytest.mark.parametrize(("name", "load"), OF_A_TASK.items())
def test_a_task_has_a_file_of_its_own(name, load, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"{name}_mnist1d.nc"):
        load(task="mnist1d", folder=tmp_path)
    with pytest.raises(ValueError, match="'fashion'.*mnist, mnist1d"):
        load(task="fashion", folder=tmp_path)


@pytest.mark.parametrize(
    ("name", "load"),
    [
        ("own_tasks", load_own_tasks),
        ("recipes_mnist", load_recipes),
        *((f"{name}_mnist", partial(load, task="mnist")) for name, load in OF_A_TASK.items()),
    ],
)
def test_a_missing_or_damaged_file_is_refused_with_a_way_out(name, load, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"git checkout -- data/{name}.nc"):
        load(folder=tmp_path)
    (tmp_path / f"{name}.nc").write_bytes(b"not netCDF")
    with pytest.raises(ValueError, match=f"git checkout -- data/{name}.nc"):
        load(folder=tmp_path)


def test_each_data_file_is_listed_with_its_sum():
    """One changed value of a file turns this red: say so with `store.list_sum` if it was changed on purpose."""
    files = [path for path in DATA_FOLDER.iterdir() if path.suffix in (".nc", ".npz")]
    assert len(files) >= 10
    assert read_sums(DATA_FOLDER / data.SUMS) == {p.name: hashlib.sha256(p.read_bytes()).hexdigest() for p in files}


def change_one_value(path):
    """Add a ten-thousandth to one accuracy of a file, as an editor of tables might."""
    runs = xr.load_dataset(path, engine="h5netcdf")
    name = next(name for name in runs.data_vars if "accuracy" in name)
    runs[name].values.flat[np.flatnonzero(np.isfinite(runs[name].values))[0]] += 1e-4
    runs.to_netcdf(path, engine="h5netcdf")


def test_one_changed_byte_of_any_file_is_noticed(tmp_path):
    for name, digest in read_sums(DATA_FOLDER / data.SUMS).items():
        content = bytearray((DATA_FOLDER / name).read_bytes())
        content[len(content) // 2] ^= 1
        (tmp_path / name).write_bytes(content)
        with pytest.raises(ValueError, match=f"{name} is damaged.*git checkout -- data/{name}"):
            verify(tmp_path / name, digest)


LOADERS = {
    "races_mnist": partial(load_races, task="mnist"),
    "transfers_mnist": partial(load_transfers, task="mnist"),
    "runs_widths_mnist": partial(load_runs, "widths", task="mnist"),
    "runs_shapes_mnist1d": partial(load_runs, "shapes", task="mnist1d"),
}


@pytest.mark.parametrize(("name", "load"), LOADERS.items())
def test_one_changed_value_is_refused_by_the_loader(name, load, tmp_path):
    shutil.copy(DATA_FOLDER / f"{name}.nc", tmp_path)
    shutil.copy(DATA_FOLDER / data.SUMS, tmp_path)
    load(folder=tmp_path)
    change_one_value(tmp_path / f"{name}.nc")
    with pytest.raises(ValueError, match=f"{name}.nc is damaged.*git checkout -- data/{name}.nc"):
        load(folder=tmp_path)
    (tmp_path / data.SUMS).unlink()  # who records runs of their own need not list them
    load(folder=tmp_path)


def test_a_file_is_read_for_its_sum_once_unless_it_changes(tmp_path, monkeypatch):
    path, sum_of, read = tmp_path / "small.nc", hashlib.file_digest, []
    path.write_bytes(b"one")
    monkeypatch.setattr(hashlib, "file_digest", lambda file, name: read.append(name) or sum_of(file, name))
    for _ in range(2):
        verify(path, hashlib.sha256(b"one").hexdigest())
    assert len(read) == 1
    path.write_bytes(b"two")
    os.utime(path, ns=(0, 0))
    with pytest.raises(ValueError, match="damaged"):
        verify(path, hashlib.sha256(b"one").hexdigest())
    assert len(read) == 2


@pytest.mark.parametrize("load", [load_mnist, load_mnist1d])
def test_the_parts_of_a_split_are_unpacked_once_and_a_change_of_one_stays_there(load, monkeypatch):
    first, labels = load("train", n=20)
    kept, kept_labels = first.copy(), labels.copy()
    first += 1
    labels += 1
    monkeypatch.setattr(np, "load", lambda path: pytest.fail(f"{path} was unpacked again"))
    again, labels_again = load("train", n=20)
    np.testing.assert_array_equal(again, kept)
    np.testing.assert_array_equal(labels_again, kept_labels)


def test_a_file_that_has_changed_is_unpacked_again(tmp_path, monkeypatch):
    monkeypatch.setattr(data, "read_sums", lambda path: {})
    path = tmp_path / "mnist1d.npz"
    for value in (1, 2):
        np.savez(path, x_train=np.full((4_000, 40), value, "float32"), y_train=np.zeros(4_000, "uint8"))
        os.utime(path, ns=(value, value))
        assert load_mnist1d("train", path=path)[0].max() == value


def test_images_are_verified_whatever_their_file_is_called(tmp_path):
    (tmp_path / "mine.npz").write_bytes(b"no images")
    with pytest.raises(ValueError, match="mine.npz is damaged or not the file of this course"):
        load_mnist("valid", path=tmp_path / "mine.npz")


HOLD = """
import fcntl, sys
file = open(sys.argv[1])
fcntl.flock(file, fcntl.LOCK_EX)
print("held", flush=True)
sys.stdin.read()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="Windows locks differently, and no other program can then read")
def test_a_file_that_another_program_holds_is_not_called_damaged(tmp_path):
    shutil.copy(DATA_FOLDER / "races_mnist.nc", tmp_path)
    command = [sys.executable, "-c", HOLD, str(tmp_path / "races_mnist.nc")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, encoding="utf-8") as holder:
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(
            ValueError, match="races_mnist.nc is in use.*lock.*try again.*HDF5_USE_FILE_LOCKING"
        ) as caught:
            load_races(task="mnist", folder=tmp_path)
        holder.stdin.close()
    assert "damaged" not in str(caught.value)
    load_races(task="mnist", folder=tmp_path)


@pytest.mark.parametrize(
    "load", [partial(load_races, task="mnist"), lambda folder: load_mnist("valid", path=folder / "mnist.npz")]
)
def test_a_file_that_may_not_be_read_is_not_called_damaged(load, tmp_path, monkeypatch):
    for name in ("races_mnist.nc", "mnist.npz", data.SUMS):
        shutil.copy(DATA_FOLDER / name, tmp_path)

    def refused(*args):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(data, "_digest", refused)
    with pytest.raises(ValueError, match="may not be read.*Permission denied.*try again"):
        load(folder=tmp_path)


def test_a_list_of_sums_is_read_as_sha256sum_writes_it(tmp_path):
    (tmp_path / data.SUMS).write_text("ab  one.nc\n\ncd *two.nc\n", encoding="utf-8")
    assert read_sums(tmp_path / data.SUMS) == {"one.nc": "ab", "two.nc": "cd"}


def test_digits_are_turned_by_the_angles_that_are_returned():
    images = np.zeros((200, 28, 28), "float32")
    images[:, 4:24, 13:15] = 1  # a bar that stands upright
    turned, angles = turn_digits(images, seed=0)
    assert turned.shape == (200, 784) and turned.dtype == angles.dtype == np.float32
    assert -45 <= angles.min() < -40 and 40 < angles.max() <= 45
    y, x = np.mgrid[:28, :28] - 13.5
    ink = turned.reshape(-1, 28, 28)
    # The direction in which the ink spreads most, from its second moments.
    leaning = np.arctan2(2 * (ink * x * y).sum((1, 2)), (ink * (y**2 - x**2)).sum((1, 2))) / 2
    assert np.allclose(np.degrees(leaning), angles, atol=1.5)


def test_digits_are_turned_the_same_way_with_the_same_seed_only():
    images = load_mnist("valid", n=5)[0]
    first, again, other = (turn_digits(images, seed=seed) for seed in (0, 0, 1))
    assert (first[0] == again[0]).all() and (first[1] == again[1]).all()
    assert (first[1] != other[1]).all()
    with pytest.raises(ValueError, match=r"shape \(n, height, width\), got \(5, 784\)"):
        turn_digits(images.reshape(5, -1), seed=0)
