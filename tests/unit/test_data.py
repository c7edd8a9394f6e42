import hashlib
import struct

import numpy as np
import pytest
import xarray as xr

from nbhelpers.data import DATA_FOLDER, load_mnist, load_races, load_runs, load_transfers

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


def test_splits_are_the_parts_of_the_file_that_they_claim_to_be():
    with np.load(DATA_FOLDER / "mnist.npz") as arrays:
        train, test = arrays["y_train"], arrays["y_test"]
    assert (load_mnist("train")[1] == train[:50_000]).all()
    assert (load_mnist("valid")[1] == train[50_000:]).all()
    assert (load_mnist("test")[1] == test).all()


def test_n_takes_the_first_images():
    images, labels = load_mnist("valid", n=7)
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
    xr.Dataset().to_netcdf(tmp_path / "runs_small.nc", engine="h5netcdf")
    with pytest.raises(FileNotFoundError, match="'large'.*small"):
        load_runs("large", folder=tmp_path)


def test_damaged_runs_say_so(tmp_path):
    (tmp_path / "runs_small.nc").write_bytes(b"no netCDF file")
    with pytest.raises(ValueError, match="damaged.*git checkout"):
        load_runs("small", folder=tmp_path)


@pytest.mark.parametrize(("load", "name"), [(load_races, "races"), (load_transfers, "transfers")])
def test_a_missing_or_damaged_file_is_refused_with_a_way_out(load, name, tmp_path):
    with pytest.raises(FileNotFoundError, match=f"git checkout -- data/{name}.nc"):
        load(folder=tmp_path)
    (tmp_path / f"{name}.nc").write_bytes(b"not netCDF")
    with pytest.raises(ValueError, match=f"git checkout -- data/{name}.nc"):
        load(folder=tmp_path)
