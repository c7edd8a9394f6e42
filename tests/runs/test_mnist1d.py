"""The authors' package makes the signals that the course stores."""

import numpy as np
import pytest

from nbhelpers.data import DATA_FOLDER, SUMS, read_sums
from recorders import mnist1d


def test_the_package_makes_the_stored_signals(tmp_path):
    pytest.importorskip("mnist1d", reason="only `make runs` and `make data` install it")
    path = mnist1d.record(folder=tmp_path)
    assert list(read_sums(tmp_path / SUMS)) == ["mnist1d.npz"]
    assert [file.name for file in tmp_path.glob("*.npz")] == ["mnist1d.npz"]
    with np.load(path) as made, np.load(DATA_FOLDER / "mnist1d.npz") as stored:
        assert made.files == stored.files
        for name in stored.files:
            assert made[name].dtype == stored[name].dtype
            # Bit for bit with the locked versions; another machine or version may round the last digit otherwise.
            assert np.allclose(made[name], stored[name], rtol=0, atol=1e-5)


def test_a_file_that_is_there_stays(tmp_path):
    (tmp_path / "mnist1d.npz").write_bytes(b"mine")
    assert mnist1d.record(folder=tmp_path).read_bytes() == b"mine"
    assert not (tmp_path / SUMS).exists()
